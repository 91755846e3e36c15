package main

import (
	"fmt"
	"maps"
	"math"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// machine offers what programs are made of. AVX-512 keeps the factors in
// registers, AVX2 in memory.
type machine struct {
	isa
	factors  map[float64]Op
	rehearse *Collection // of registers: the program only says which factors it uses
}

// machine loads the factors of the transform's program.
func (s isa) machine(t transform) *machine {
	m := &machine{isa: s, factors: map[float64]Op{}, rehearse: NewCollection()}
	x := make([]VecVirtual, t.in)
	for k := range x {
		x[k] = m.vector()
	}
	t.program(m, x, func(int, VecVirtual) {})
	m.rehearse = nil
	if s.lane == lanes {
		for _, c := range slices.Sorted(maps.Keys(m.factors)) {
			r := ZMM()
			VMOVUPS(m.factors[c].(Mem), r)
			m.factors[c] = r
		}
	}
	return m
}

var written = map[float64]Mem{}

// factor is where a factor lies, lanes times.
func factor(c float64) Mem {
	if at, ok := written[c]; ok {
		return at
	}
	at := GLOBL(fmt.Sprintf("factor%d", len(written)), RODATA|NOPTR)
	for i := range lanes {
		DATA(4*i, U32(math.Float32bits(float32(c))))
	}
	written[c] = at
	return at
}

func (m *machine) vector() VecVirtual {
	if m.rehearse != nil {
		return m.rehearse.ZMM()
	}
	if m.lane == lanes {
		return ZMM()
	}
	return YMM()
}

func (m *machine) zero(v VecVirtual) {
	if m.lane == lanes {
		VPXORD(v, v, v)
		return
	}
	VXORPS(v, v, v)
}

func (m *machine) copy(x VecVirtual) VecVirtual {
	v := m.vector()
	m.do(func() { VMOVAPS(x, v) })
	return v
}

func (m *machine) add(x, y VecVirtual) VecVirtual {
	v := m.vector()
	m.do(func() { VADDPS(y, x, v) })
	return v
}

// sub is x − y.
func (m *machine) sub(x, y VecVirtual) VecVirtual {
	v := m.vector()
	m.do(func() { VSUBPS(y, x, v) })
	return v
}

// mul is c·x.
func (m *machine) mul(c float64, x VecVirtual) VecVirtual {
	if c == 1 {
		return m.copy(x)
	}
	v, f := m.vector(), m.factor(c)
	m.do(func() { VMULPS(f, x, v) })
	return v
}

// more adds c·x to sum, in one rounding.
func (m *machine) more(sum VecVirtual, c float64, x VecVirtual) {
	switch {
	case c == 1:
		m.do(func() { VADDPS(x, sum, sum) })
	case c == -1:
		m.do(func() { VSUBPS(x, sum, sum) })
	case c < 0:
		f := m.factor(-c)
		m.do(func() { VFNMADD231PS(f, x, sum) })
	default:
		f := m.factor(c)
		m.do(func() { VFMADD231PS(f, x, sum) })
	}
}

func (m *machine) factor(c float64) Op {
	if m.factors[c] == nil {
		m.factors[c] = factor(c)
	}
	return m.factors[c]
}

// do writes instructions, but not in a rehearsal.
func (m *machine) do(write func()) {
	if m.rehearse == nil {
		write()
	}
}
