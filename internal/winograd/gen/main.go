// Command gen writes the AVX-512 and AVX2 transforms of package winograd:
//
//	go generate ./internal/winograd
//
// Both instruction sets get the same operations in the same order, on vectors of 16
// or 8 samples, and so the same bits. The programs are in transforms.go; here is
// the loop around them.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// lanes is the number of float32s that a transform takes at once, as one vector
// of AVX-512 or two of AVX2.
const lanes = 16

// isa is an instruction set.
type isa struct {
	name string
	lane int // float32s a vector
}

var isas = []isa{{"AVX512", 16}, {"AVX2", 8}}

func main() {
	ConstraintExpr("amd64")
	for _, s := range isas {
		for _, a := range algorithms {
			for _, t := range a.transforms() {
				s.transform(t)
			}
		}
	}
	Generate()
}

// transform is one small matrix applied to vectors: in of them give out.
type transform struct {
	name    string
	in, out int
	program func(m *machine, x []VecVirtual, put func(k int, v VecVirtual))
	// loads and stores say whether some of the vectors that come in may be
	// missing, to be taken as zeros, and of those that go out some left out or
	// added to what is there.
	loads, stores bool
}

// signature is that of all transforms; see pass in pass.go.
const signature = "func(dst, src *float32, dstAt, srcAt, dstStep, srcStep, outer, inner, dstOuter, srcOuter, dstInner, srcInner int, load, store, add uint32)"

// What the registers hold.
var (
	dst, src           = RDI, RSI
	dstRow, srcRow     = R8, R9
	outer, inner       = RCX, RDX
	dstSteps, srcSteps = steps{RAX, RBX, R10, R11}, steps{R12, R13, R14, R15}
)

// steps has 1, 3, 5 and 7 times the bytes from one vector to the next.
type steps [4]GPPhysical

// load fills as many as n vectors need.
func (s steps) load(param string, n int) {
	Load(Param(param), s[0])
	SHLQ(Imm(2), s[0])
	if n > 3 {
		LEAQ(Mem{Base: s[0], Index: s[0], Scale: 2}, s[1])
	}
	if n > 5 {
		LEAQ(Mem{Base: s[0], Index: s[0], Scale: 4}, s[2])
	}
	if n > 7 {
		LEAQ(Mem{Base: s[1], Index: s[0], Scale: 4}, s[3])
	}
}

// at is where vector k lies, disp bytes further on.
func (s steps) at(base GPPhysical, k, disp int) Mem {
	m := Mem{Base: base, Disp: disp}
	switch k {
	case 0:
		return m
	case 1, 3, 5, 7:
		m.Index, m.Scale = s[k/2], 1
	case 2, 4:
		m.Index, m.Scale = s[0], uint8(k)
	case 6:
		m.Index, m.Scale = s[1], 2
	}
	return m
}

// transform writes one function, with a loop for the usual case and, where
// vectors may be missing, one that looks at each vector's bit.
func (s isa) transform(t transform) {
	TEXT(t.name+s.name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(fmt.Sprintf("%s%s applies %s, %d vectors to %d. outer and inner are at least 1.", t.name, s.name, t.name, t.in, t.out))
	Load(Param("dst"), dst)
	Load(Param("src"), src)
	Load(Param("dstAt"), outer)
	LEAQ(Mem{Base: dst, Index: outer, Scale: 4}, dst)
	Load(Param("srcAt"), outer)
	LEAQ(Mem{Base: src, Index: outer, Scale: 4}, src)
	Load(Param("outer"), outer)
	dstSteps.load("dstStep", t.out)
	srcSteps.load("srcStep", t.in)
	for _, p := range []string{"dstOuter", "srcOuter", "dstInner", "srcInner"} {
		SHLQ(Imm(2), parameter(p))
	}
	if t.loads {
		CMPL(parameter("load"), Imm(1<<t.in-1))
		JNE(LabelRef("some"))
	}
	if t.stores {
		CMPL(parameter("store"), Imm(1<<t.out-1))
		JNE(LabelRef("some"))
		CMPL(parameter("add"), Imm(0))
		JNE(LabelRef("some"))
	}
	s.loop("all", t, false)
	if t.loads || t.stores {
		s.loop("some", t, true)
	}
}

// loop is the two loops around a transform.
func (s isa) loop(name string, t transform, some bool) {
	Label(name)
	m := s.machine(t)
	Label(name + "_outer")
	Load(Param("inner"), inner)
	MOVQ(dst, dstRow)
	MOVQ(src, srcRow)
	Label(name + "_inner")
	for half := range lanes / s.lane {
		disp := 4 * s.lane * half
		label := func(what string, k int) string { return fmt.Sprintf("%s_%s%d_%d", name, what, k, half) }
		x := make([]VecVirtual, t.in)
		for k := range x {
			x[k] = m.vector()
			if some && t.loads {
				m.zero(x[k])
				skip(label("load", k), "load", k)
			}
			VMOVUPS(srcSteps.at(srcRow, k, disp), x[k])
			if some && t.loads {
				Label(label("load", k))
			}
		}
		t.program(m, x, func(k int, v VecVirtual) {
			to := dstSteps.at(dstRow, k, disp)
			if some && t.stores {
				skip(label("add", k), "add", k)
				VADDPS(to, v, v)
				Label(label("add", k))
				skip(label("store", k), "store", k)
			}
			VMOVUPS(v, to)
			if some && t.stores {
				Label(label("store", k))
			}
		})
	}
	ADDQ(parameter("dstInner"), dstRow)
	ADDQ(parameter("srcInner"), srcRow)
	DECQ(inner)
	JNZ(LabelRef(name + "_inner"))
	ADDQ(parameter("dstOuter"), dst)
	ADDQ(parameter("srcOuter"), src)
	DECQ(outer)
	JNZ(LabelRef(name + "_outer"))
	VZEROUPPER()
	RET()
}

// skip jumps to the label unless bit k of the parameter is set.
func skip(label, param string, k int) {
	TESTL(U32(1<<k), parameter(param))
	JZ(LabelRef(label))
}

// parameter is where an argument lies.
func parameter(name string) Mem {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}
