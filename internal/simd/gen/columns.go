package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// addScaled keeps w in Y15.
func addScaled() {
	TEXT("addScaledAVX2", NOSPLIT, "func(sum *float64, x *float32, n int, w float64)")
	Pragma("noescape")
	Doc("addScaledAVX2 adds w·x[i] to sum[i], 4 elements at a time.")
	arguments("sum", "x", "n")
	Load(Param("w"), X15)
	VBROADCASTSD(X15, Y15)
	body := func(vectors int) func() {
		return func() {
			for v := range vectors {
				VCVTPS2PD(Mem{Base: RSI, Disp: 16 * v}, Y(v))
			}
			for v := range vectors {
				VMULPD(Y15, Y(v), Y(v))
				VADDPD(Mem{Base: RDI, Disp: 32 * v}, Y(v), Y(v))
				VMOVUPD(Y(v), Mem{Base: RDI, Disp: 32 * v})
			}
		}
	}
	loop("four", RCX, 16, map[Register]int{RDI: 128, RSI: 64}, body(4))
	loop("one", RCX, 4, map[Register]int{RDI: 32, RSI: 16}, body(1))
	VZEROUPPER()
	RET()
}

// fourRows loads the pointers x0–x3 into R8–R11.
func fourRows() []GPPhysical {
	rows := []GPPhysical{R8, R9, R10, R11}
	for i, r := range rows {
		Load(Param(fmt.Sprint("x", i)), r)
	}
	return rows
}

// lines runs body for every eighth element, DX, below n, in CX, a cache line of
// 16 at a time, and asks for the same elements after the pointers in ahead to
// come into the second-level cache. body's argument is an offset in elements.
//
// Asked for one by one between the arithmetic, what is needed next arrives
// while the processor works. Asked for at once, it would fill the queue of
// cache misses, on which the arithmetic would then wait.
func lines(ahead []GPPhysical, body func(offset int)) {
	XORQ(RDX, RDX)
	SUBQ(Imm(16), RCX)
	Label("line")
	CMPQ(RDX, RCX)
	JG(LabelRef("rest"))
	for _, r := range ahead {
		PREFETCHT1(Mem{Base: r, Index: RDX, Scale: 4})
	}
	body(0)
	body(8)
	ADDQ(Imm(16), RDX)
	JMP(LabelRef("line"))
	Label("rest")
	ADDQ(Imm(16), RCX)
	CMPQ(RDX, RCX)
	JGE(LabelRef("done"))
	body(0)
	Label("done")
}

// ahead loads the pointers next0–next3.
func ahead() []GPPhysical {
	next := []GPPhysical{RAX, RBX, R12, R13}
	for i, r := range next {
		Load(Param(fmt.Sprint("next", i)), r)
	}
	return next
}

// addScaled4 keeps the weights in Y12–Y15 and two vectors of sums in Y0 and Y1.
func addScaled4() {
	TEXT("addScaled4AVX2", NOSPLIT, "func(sum *float64, x0, x1, x2, x3, next0, next1, next2, next3 *float32, n int, w *[4]float64)")
	Pragma("noescape")
	Doc("addScaled4AVX2 adds w0·x0[i], then w1·x1[i], … to sum[i], 8 elements at a time.")
	Load(Param("sum"), RDI)
	rows := fourRows()
	Load(Param("n"), RCX)
	Load(Param("w"), RSI)
	for k := range rows {
		VBROADCASTSD(Mem{Base: RSI, Disp: 8 * k}, Y(12+k))
	}
	lines(ahead(), func(offset int) {
		sum := func(v int) Mem { return Mem{Base: RDI, Index: RDX, Scale: 8, Disp: 8*offset + 32*v} }
		for v := range 2 {
			VMOVUPD(sum(v), Y(v))
		}
		for k, r := range rows {
			for v := range 2 {
				VCVTPS2PD(Mem{Base: r, Index: RDX, Scale: 4, Disp: 4*offset + 16*v}, Y(2+2*k+v))
				VMULPD(Y(12+k), Y(2+2*k+v), Y(2+2*k+v))
				VADDPD(Y(2+2*k+v), Y(v), Y(v))
			}
		}
		for v := range 2 {
			VMOVUPD(Y(v), sum(v))
		}
	})
	VZEROUPPER()
	RET()
}

// addPowers4 keeps two vectors of sums in Y0 and Y1, of squares in Y2 and Y3.
func addPowers4() {
	TEXT("addPowers4AVX2", NOSPLIT, "func(sum, squares *float64, x0, x1, x2, x3, next0, next1, next2, next3 *float32, n int)")
	Pragma("noescape")
	Doc("addPowers4AVX2 adds x0[i], then x1[i], … to sum[i] and their squares to squares[i], 8 elements at a time.")
	Load(Param("sum"), RDI)
	Load(Param("squares"), RSI)
	rows := fourRows()
	Load(Param("n"), RCX)
	lines(ahead(), func(offset int) {
		at := func(r Register, v int) Mem { return Mem{Base: r, Index: RDX, Scale: 8, Disp: 8*offset + 32*v} }
		for v := range 2 {
			VMOVUPD(at(RDI, v), Y(v))
			VMOVUPD(at(RSI, v), Y(2+v))
		}
		for k, r := range rows {
			for v := range 2 {
				x := Y(4 + 2*k + v)
				VCVTPS2PD(Mem{Base: r, Index: RDX, Scale: 4, Disp: 4*offset + 16*v}, x)
				VADDPD(x, Y(v), Y(v))
				VMULPD(x, x, x)
				VADDPD(x, Y(2+v), Y(2+v))
			}
		}
		for v := range 2 {
			VMOVUPD(Y(v), at(RDI, v))
			VMOVUPD(Y(2+v), at(RSI, v))
		}
	})
	VZEROUPPER()
	RET()
}

func addPowers() {
	TEXT("addPowersAVX2", NOSPLIT, "func(sum, squares *float64, x *float32, n int)")
	Pragma("noescape")
	Doc("addPowersAVX2 adds x[i] to sum[i] and x[i]² to squares[i], 4 elements at a time.")
	arguments("sum", "squares", "x", "n")
	body := func(vectors int) func() {
		return func() {
			for v := range vectors {
				VCVTPS2PD(Mem{Base: RDX, Disp: 16 * v}, Y(v))
			}
			for v := range vectors {
				VADDPD(Mem{Base: RDI, Disp: 32 * v}, Y(v), Y(4+v))
				VMULPD(Y(v), Y(v), Y(v))
				VADDPD(Mem{Base: RSI, Disp: 32 * v}, Y(v), Y(v))
				VMOVUPD(Y(4+v), Mem{Base: RDI, Disp: 32 * v})
				VMOVUPD(Y(v), Mem{Base: RSI, Disp: 32 * v})
			}
		}
	}
	loop("four", RCX, 16, map[Register]int{RDI: 128, RSI: 128, RDX: 64}, body(4))
	loop("one", RCX, 4, map[Register]int{RDI: 32, RSI: 32, RDX: 16}, body(1))
	VZEROUPPER()
	RET()
}

// accumulate keeps gamma in Y15, and an eighth of a line in two vectors of four.
func accumulate() {
	TEXT("accumulateAVX2", NOSPLIT, "func(sum *float32, scores *float64, memory, mask, x, nextMemory, nextX *float32, n int, gamma float64)")
	Pragma("noescape")
	Doc("accumulateAVX2 sets sum[i] to gamma·x[i] + mask[i]·memory[i] and adds its square to scores[i], 8 elements at a time.")
	names := []string{"sum", "scores", "memory", "mask", "x"}
	registers := []GPPhysical{RDI, RSI, R8, R9, R10}
	for i, name := range names {
		Load(Param(name), registers[i])
	}
	Load(Param("nextMemory"), R11)
	Load(Param("nextX"), R12)
	Load(Param("n"), RCX)
	address, err := Param("gamma").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSD(address.Addr, Y15)
	lines([]GPPhysical{R11, R12}, func(offset int) {
		for v := range 2 {
			at := func(r Register) Mem { return Mem{Base: r, Index: RDX, Scale: 4, Disp: 4*offset + 16*v} }
			score := Mem{Base: RSI, Index: RDX, Scale: 8, Disp: 8*offset + 32*v}
			t, m := 2*v, 2*v+1
			VCVTPS2PD(at(R10), Y(t))
			VMULPD(Y15, Y(t), Y(t))
			VMOVUPS(at(R8), X(m))
			VMULPS(at(R9), X(m), X(m))
			VCVTPS2PD(X(m), Y(m))
			VADDPD(Y(m), Y(t), Y(t))
			VCVTPD2PSY(Y(t), X(t))
			VMOVUPS(X(t), at(RDI))
			VCVTPS2PD(X(t), Y(t))
			VMULPD(Y(t), Y(t), Y(t))
			VADDPD(score, Y(t), Y(t))
			VMOVUPD(Y(t), score)
		}
	})
	VZEROUPPER()
	RET()
}

// score keeps gamma² in Y12, 2·gamma in Y13, n in Y14 and scale in Y15, and zero in
// Y11.
func score() {
	TEXT("scoreAVX2", NOSPLIT, "func(scores *float64, next *float32, sums *float64, memory *float32, n int, square, twice, rows, scale float64)")
	Pragma("noescape")
	Doc("scoreAVX2 does what Score does, 8 elements at a time.")
	for i, name := range []string{"square", "twice", "rows", "scale"} {
		address, err := Param(name).Resolve()
		if err != nil {
			panic(err)
		}
		VBROADCASTSD(address.Addr, Y(12+i))
	}
	VXORPD(Y11, Y11, Y11)
	for i, name := range []string{"scores", "next", "sums", "memory"} {
		Load(Param(name), []GPPhysical{RDI, RSI, R8, R9}[i])
	}
	Load(Param("n"), RCX)
	over(func() {
		for v := range 2 {
			q, s, m, t := Y(4*v), Y(4*v+1), Y(4*v+2), Y(4*v+3)
			wide := func(r Register) Mem { return Mem{Base: r, Index: RDX, Scale: 8, Disp: 32 * v} }
			narrow := func(r Register) Mem { return Mem{Base: r, Index: RDX, Scale: 4, Disp: 16 * v} }
			VMOVUPD(wide(R8), s)
			VCVTPS2PD(narrow(R9), m)
			VMULPD(Y13, s, t)
			VMULPD(Y14, m, q)
			VADDPD(q, t, t)
			VMULPD(m, t, t)
			VMULPD(wide(RDI), Y12, q)
			VADDPD(t, q, q)
			VMAXPD(q, Y11, q) // NaN stays
			VMOVUPD(q, wide(RDI))
			VMULPD(Y15, s, s)
			VADDPD(m, s, s)
			VCVTPD2PSY(s, X(4*v+1))
			VMOVUPS(X(4*v+1), narrow(RSI))
		}
	})
	VZEROUPPER()
	RET()
}

// above looks up where the set bits of eight comparisons are, in a table of 256
// times eight, and adds to them, in X2, where the eight elements begin. Y15 holds
// what elements must be above.
func above() {
	TEXT("aboveAVX2", NOSPLIT, "func(found *uint16, x *float64, n int, table *[8]uint16, limit int64) (count int)")
	Pragma("noescape")
	Doc("aboveAVX2 does what Above does, 8 elements at a time, for bits that are more than limit. Behind what it has found it writes up to 8 elements, of the n that there is room for.")
	Load(Param("found"), RDI)
	Load(Param("x"), RSI)
	Load(Param("n"), RCX)
	Load(Param("table"), R8)
	address, err := Param("limit").Resolve()
	if err != nil {
		panic(err)
	}
	VPBROADCASTQ(address.Addr, Y15)
	MOVQ(RDI, R9)
	VPXOR(X2, X2, X2)
	MOVL(U32(8*0x10001), EAX)
	VMOVD(EAX, X3)
	VPBROADCASTD(X3, X3)
	over(func() {
		for v := range 2 {
			VMOVUPD(Mem{Base: RSI, Index: RDX, Scale: 8, Disp: 32 * v}, Y(v))
			VPCMPGTQ(Y15, Y(v), Y(v))
			VMOVMSKPD(Y(v), []GPPhysical{EAX, EBX}[v])
		}
		SHLL(Imm(4), EBX)
		ORL(EBX, EAX)
		POPCNTL(EAX, EBX)
		SHLL(Imm(4), EAX)
		VPADDW(Mem{Base: R8, Index: RAX, Scale: 1}, X2, X4)
		VMOVDQU(X4, Mem{Base: RDI})
		LEAQ(Mem{Base: RDI, Index: RBX, Scale: 2}, RDI)
		VPADDW(X3, X2, X2)
	})
	SUBQ(R9, RDI)
	SHRQ(Imm(1), RDI)
	Store(RDI, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// pick has two loads and a store for an element. What it writes comes from memory,
// first, and is asked for 32 lines ahead.
func pick() {
	TEXT("pickAVX2", NOSPLIT, "func(dst, src *float32, at *uint16, n int)")
	Pragma("noescape")
	Doc("pickAVX2 sets dst[q] to src[at[q]], 4 elements at a time.")
	Load(Param("src"), R8)
	arguments("dst", "at", "n")
	four := func(offset int) {
		registers := []GPPhysical{EAX, EBX, R9L, R10L}
		for q, r := range registers {
			MOVWLZX(Mem{Base: RSI, Disp: 2 * (offset + q)}, r)
		}
		for q, index := range []GPPhysical{RAX, RBX, R9, R10} {
			MOVL(Mem{Base: R8, Index: index, Scale: 4}, registers[q])
		}
		for q, r := range registers {
			MOVL(r, Mem{Base: RDI, Disp: 4 * (offset + q)})
		}
	}
	loop("line", RCX, 16, map[Register]int{RDI: 64, RSI: 32}, func() {
		PREFETCHT0(Mem{Base: RDI, Disp: 2048})
		for q := range 4 {
			four(4 * q)
		}
	})
	loop("loop", RCX, 4, map[Register]int{RDI: 16, RSI: 8}, func() { four(0) })
	RET()
}
