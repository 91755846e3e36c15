package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pool takes the largest of four values with its number, Y0 and Y4, for eight
// outputs at a time. A later value replaces an earlier one where it is larger or
// NaN, unless the earlier one is NaN. Y8–Y11 hold the numbers 1 to 4, Y12 the
// bias, Y13 zero.
func pool() {
	TEXT("poolAVX2", NOSPLIT, "func(out *float32, arg *uint8, a, b, c, d *float32, n int, bias float32)")
	Pragma("noescape")
	Doc("poolAVX2 does what Pool does, 8 outputs at a time.")
	Load(Param("out"), RDI)
	Load(Param("arg"), RSI)
	values := []GPPhysical{R8, R9, R10, R11}
	for i, name := range []string{"a", "b", "c", "d"} {
		Load(Param(name), values[i])
	}
	Load(Param("n"), RCX)
	Load(Param("bias"), X12)
	VBROADCASTSS(X12, Y12)
	VXORPS(Y13, Y13, Y13)
	for k := range 4 {
		MOVL(U32(uint32(k+1)), EAX)
		VMOVD(EAX, X(8+k))
		VPBROADCASTD(X(8+k), Y(8+k))
	}
	const notLessOrEqual, ordered, lessOrEqual = 6, 7, 2
	over(func() {
		VMOVUPS(Mem{Base: values[0], Index: RDX, Scale: 4}, Y0)
		VPXOR(Y4, Y4, Y4)
		for k := range 3 {
			VMOVUPS(Mem{Base: values[k+1], Index: RDX, Scale: 4}, Y1)
			VCMPPS(Imm(notLessOrEqual), Y0, Y1, Y2) // Y1 larger, or one is NaN
			VCMPPS(Imm(ordered), Y0, Y0, Y3)        // Y0 is not
			VANDPS(Y3, Y2, Y2)
			VBLENDVPS(Y2, Y1, Y0, Y0)
			VBLENDVPS(Y2, Y(8+k), Y4, Y4)
		}
		VADDPS(Y12, Y0, Y0)
		VCMPPS(Imm(lessOrEqual), Y13, Y0, Y2) // dead
		VANDNPS(Y0, Y2, Y0)
		VBLENDVPS(Y2, Y11, Y4, Y4)
		VMOVUPS(Y0, Mem{Base: RDI, Index: RDX, Scale: 4})
		VEXTRACTI128(Imm(1), Y4, X5)
		VPACKUSDW(X5, X4, X4)
		VPACKUSWB(X4, X4, X4)
		VMOVQ(X4, Mem{Base: RSI, Index: RDX, Scale: 1})
	})
	VZEROUPPER()
	RET()
}
