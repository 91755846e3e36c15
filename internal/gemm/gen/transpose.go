package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// transpose begins a function that reads squares of lane×lane elements, one
// after another along lane rows, and writes each transposed below the last.
// The body finds the square's rows in regs[:lane] and returns the registers
// with its columns.
//
// Of rows there may be fewer: the last is then read again in place of those
// that are missing, so that nothing behind it is touched.
func (s isa) transpose(body func(rows []VecPhysical) []VecPhysical) {
	TEXT("transpose"+s.name, NOSPLIT, "func(dst []float32, dstStride int, src []float32, stride, rows, squares int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("transpose%s transposes so many squares of %d×%d elements. rows, at most %d, and squares are at least 1.", s.name, s.lane, s.lane, s.lane))
	Load(Param("dst").Base(), RDI)
	Load(Param("dstStride"), RDX)
	Load(Param("src").Base(), RSI)
	Load(Param("stride"), R8)
	Load(Param("rows"), R9)
	Load(Param("squares"), RCX)
	SHLQ(Imm(2), RDX)
	SHLQ(Imm(2), R8)
	XORQ(R10, R10)
	Label("square")
	MOVQ(RSI, RAX)
	for i := range s.lane {
		VMOVUPS(Mem{Base: RAX}, s.regs[i])
		if i+1 < s.lane {
			MOVQ(R8, RBX)
			CMPQ(R9, Imm(uint64(i+1)))
			CMOVQLE(R10, RBX)
			ADDQ(RBX, RAX)
		}
	}
	for _, r := range body(s.regs[:s.lane]) {
		VMOVUPS(r, Mem{Base: RDI})
		ADDQ(RDX, RDI)
	}
	ADDQ(Imm(uint64(s.bytes())), RSI)
	DECQ(RCX)
	JNZ(LabelRef("square"))
	VZEROUPPER()
	RET()
}

// transpose4 transposes the 4×4 blocks inside the quarters (AVX2: halves) of every
// four registers of r, by way of t.
func transpose4(r, t []VecPhysical) {
	for i := 0; i < len(r); i += 2 {
		VUNPCKLPS(r[i+1], r[i], t[i])
		VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	for g := 0; g < len(r); g += 4 {
		VUNPCKLPD(t[g+2], t[g], r[g])
		VUNPCKHPD(t[g+2], t[g], r[g+1])
		VUNPCKLPD(t[g+3], t[g+1], r[g+2])
		VUNPCKHPD(t[g+3], t[g+1], r[g+3])
	}
}

// transposeAVX512 has the rows in Z0–Z15. The first two rounds transpose the
// 4×4 blocks inside the registers' quarters, the last two the quarters.
func transposeAVX512() {
	s := isas[0]
	s.transpose(func(r []VecPhysical) []VecPhysical {
		t := s.regs[16:32]
		transpose4(r, t)             // r[4g+j] holds columns j, j+4, j+8 and j+12 of rows 4g to 4g+3
		const even, odd = 0x88, 0xdd // quarters 0 and 2, or 1 and 3, of both operands
		for j := range 4 {
			VSHUFF32X4(Imm(even), r[4+j], r[j], t[j])
			VSHUFF32X4(Imm(odd), r[4+j], r[j], t[4+j])
			VSHUFF32X4(Imm(even), r[12+j], r[8+j], t[8+j])
			VSHUFF32X4(Imm(odd), r[12+j], r[8+j], t[12+j])
		}
		for j := range 4 {
			VSHUFF32X4(Imm(even), t[8+j], t[j], r[j])
			VSHUFF32X4(Imm(even), t[12+j], t[4+j], r[4+j])
			VSHUFF32X4(Imm(odd), t[8+j], t[j], r[8+j])
			VSHUFF32X4(Imm(odd), t[12+j], t[4+j], r[12+j])
		}
		return r
	})
}

// transposeAVX2 does the same with halves in place of quarters.
func transposeAVX2() {
	s := isas[1]
	s.transpose(func(r []VecPhysical) []VecPhysical {
		t := s.regs[8:16]
		transpose4(r, t)
		const low, high = 0x20, 0x31
		for j := range 4 {
			VPERM2F128(Imm(low), r[4+j], r[j], t[j])
			VPERM2F128(Imm(high), r[4+j], r[j], t[4+j])
		}
		return t
	})
}
