package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Predicates of VCMPPS.
const (
	lessOrEqual    = 2
	notLessOrEqual = 6
	ordered        = 7
)

// pool takes the largest of four values with its number, Y0 and Y4, for eight
// outputs at a time. A later value replaces an earlier one where it is larger or
// NaN, unless the earlier one is NaN. Y8–Y11 hold the numbers 1 to 4, Y12 the
// bias, Y13 zero.
func pool() {
	TEXT("poolAVX2", NOSPLIT, "func(out *float32, arg *uint8, upper, lower *float32, n, w, pixel, from int, bias float32)")
	Pragma("noescape")
	Doc("poolAVX2 does what Pool does for the first n samples of w pixels, 8 at a time.")
	Load(Param("out"), RDI)
	Load(Param("arg"), RSI)
	values := four()
	Load(Param("n"), RCX)
	broadcast("bias", 12)
	VXORPS(Y13, Y13, Y13)
	for k := range 4 {
		number(uint32(k+1), 8+k)
	}
	Label("pixel")
	over(func() {
		VMOVUPS(element(values[0]), Y0)
		VPXOR(Y4, Y4, Y4)
		for k := range 3 {
			VMOVUPS(element(values[k+1]), Y1)
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
		VMOVUPS(Y0, element(RDI))
		storeBytes(4, 5)
	})
	nextPixel(values)
	VZEROUPPER()
	RET()
}

// unpool compares the numbers in Y1 with 0 to 3, in Y8–Y11, and collects in Y12 the
// sums of what has one below 4, in Y13.
func unpool() {
	TEXT("unpoolAVX2", NOSPLIT, "func(upper, lower, dout *float32, arg *uint8, lanes *[8]float32, n, w, pixel, from int)")
	Pragma("noescape")
	Doc("unpoolAVX2 does what Unpool does for the first n samples of w pixels, 8 at a time.")
	places := four()
	Load(Param("dout"), RDI)
	Load(Param("arg"), RSI)
	Load(Param("lanes"), RAX)
	Load(Param("n"), RCX)
	VMOVUPS(Mem{Base: RAX}, Y12)
	for k := range 4 {
		number(uint32(k), 8+k)
	}
	number(4, 13)
	Label("pixel")
	over(func() {
		VMOVUPS(element(RDI), Y0)
		VPMOVZXBD(Mem{Base: RSI, Index: RDX, Scale: 1}, Y1)
		for k, place := range places {
			VPCMPEQD(Y1, Y(8+k), Y2)
			VPAND(Y0, Y2, Y2)
			VMOVUPS(Y2, element(place))
		}
		VPCMPGTD(Y1, Y13, Y2) // not cut off
		VPAND(Y0, Y2, Y2)
		VADDPS(Y2, Y12, Y12)
	})
	nextPixel(places)
	Load(Param("lanes"), RAX)
	VMOVUPS(Y12, Mem{Base: RAX})
	VZEROUPPER()
	RET()
}

// maxPool keeps the largest value so far in Y0 and its tap's number in Y1. Values
// are compared as unsigned integers. A tap is two integers: where it starts, and
// its number.
func maxPool() {
	TEXT("maxPoolAVX2", NOSPLIT, "func(out *float32, arg *uint8, in *float32, taps *int, count, n int)")
	Pragma("noescape")
	Doc("maxPoolAVX2 does what MaxPool does, 8 outputs at a time. count is at least 1.")
	Load(Param("out"), RDI)
	Load(Param("arg"), RSI)
	Load(Param("in"), R8)
	Load(Param("n"), RCX)
	over(func() {
		eachTap(func(at GPPhysical) {
			VMOVUPS(Mem{Base: R8, Index: at, Scale: 4}, Y2)
		}, func() {
			VMOVAPS(Y2, Y0)
			VPBROADCASTD(Mem{Base: R9, Disp: 8}, Y1)
		}, func() {
			VPMAXUD(Y2, Y0, Y2)
			VPCMPEQD(Y2, Y0, Y3) // as before
			VPBROADCASTD(Mem{Base: R9, Disp: 8}, Y4)
			VBLENDVPS(Y3, Y1, Y4, Y1)
			VMOVAPS(Y2, Y0)
		})
		VMOVUPS(Y0, element(RDI))
		storeBytes(1, 2)
	})
	VZEROUPPER()
	RET()
}

// maxPoolGrad sums in Y0.
func maxPoolGrad() {
	TEXT("maxPoolGradAVX2", NOSPLIT, "func(din, dout *float32, arg *uint8, taps *int, count, n int)")
	Pragma("noescape")
	Doc("maxPoolGradAVX2 does what MaxPoolGrad does, 8 inputs at a time. count is at least 1.")
	Load(Param("din"), RDI)
	Load(Param("dout"), R8)
	Load(Param("arg"), RSI)
	Load(Param("n"), RCX)
	over(func() {
		VXORPS(Y0, Y0, Y0)
		add := func() { VADDPS(Y2, Y0, Y0) }
		eachTap(func(at GPPhysical) {
			VPMOVZXBD(Mem{Base: RSI, Index: at, Scale: 1}, Y1)
			VPBROADCASTD(Mem{Base: R9, Disp: 8}, Y2)
			VPCMPEQD(Y1, Y2, Y2)
			VPAND(Mem{Base: R8, Index: at, Scale: 4}, Y2, Y2)
		}, add, add)
		VMOVUPS(Y0, element(RDI))
	})
	VZEROUPPER()
	RET()
}

// eachTap loads what every tap finds for the element DX and then does first, or
// for all taps but one, rest. R9 walks over the taps.
func eachTap(load func(at GPPhysical), first, rest func()) {
	find := func() {
		MOVQ(Mem{Base: R9}, R11)
		ADDQ(RDX, R11)
		load(R11)
	}
	Load(Param("taps"), R9)
	Load(Param("count"), R10)
	find()
	first()
	Label("tap")
	DECQ(R10)
	JZ(LabelRef("taps_done"))
	ADDQ(Imm(16), R9)
	find()
	rest()
	JMP(LabelRef("tap"))
	Label("taps_done")
}

// moments sums in 16 lanes, Y0–Y3, and squares in Y4–Y7; these are exact, so that
// a fused multiply-add rounds as two instructions do.
func moments() {
	TEXT("momentsAVX2", NOSPLIT, "func(sums, squares *[16]float64, x *float32, n int)")
	Pragma("noescape")
	Doc("momentsAVX2 adds x[i] to sums[i%16] and its square to squares[i%16], 16 elements at a time.")
	arguments("sums", "squares", "x", "n")
	lanes(func(at Mem, r VecPhysical) { VMOVUPD(at, r) })
	loop("loop", RCX, 16, map[Register]int{RDX: 64}, func() {
		for v := range 4 {
			VCVTPS2PD(Mem{Base: RDX, Disp: 16 * v}, Y(8+v))
			VADDPD(Y(8+v), Y(v), Y(v))
			VFMADD231PD(Y(8+v), Y(8+v), Y(4+v))
		}
	})
	lanes(func(at Mem, r VecPhysical) { VMOVUPD(r, at) })
	VZEROUPPER()
	RET()
}

// lanes calls f for the 16 lanes at DI and Y0–Y3, and for those at SI and Y4–Y7.
func lanes(f func(at Mem, r VecPhysical)) {
	for i, base := range []GPPhysical{RDI, RSI} {
		for v := range 4 {
			f(Mem{Base: base, Disp: 32 * v}, Y(4*i+v))
		}
	}
}

// maskSums sums as moments does. Y15 is zero.
func maskSums() {
	TEXT("maskSumsAVX2", NOSPLIT, "func(sums, products *[16]float64, to, dout, out, x *float32, n int)")
	Pragma("noescape")
	Doc("maskSumsAVX2 does what MaskSums does with the lanes of its sums, 16 elements at a time.")
	Load(Param("sums"), RDI)
	Load(Param("products"), RSI)
	for i, name := range []string{"to", "dout", "out", "x"} {
		Load(Param(name), []GPPhysical{R8, R9, R10, R11}[i])
	}
	Load(Param("n"), RCX)
	lanes(func(at Mem, r VecPhysical) { VMOVUPD(at, r) })
	VPXOR(Y15, Y15, Y15)
	XORQ(RDX, RDX)
	loop("loop", RCX, 16, map[Register]int{RDX: 16}, func() {
		for half := range 2 {
			VPCMPEQD(Mem{Base: R10, Index: RDX, Scale: 4, Disp: 32 * half}, Y15, Y8) // dead
			VPANDN(Mem{Base: R9, Index: RDX, Scale: 4, Disp: 32 * half}, Y8, Y8)
			VMOVUPS(Y8, Mem{Base: R8, Index: RDX, Scale: 4, Disp: 32 * half})
			VCVTPS2PD(X8, Y9)
			VEXTRACTF128(Imm(1), Y8, X8)
			VCVTPS2PD(X8, Y10)
			for k, g := range []VecPhysical{Y9, Y10} {
				v := 2*half + k
				VCVTPS2PD(Mem{Base: R11, Index: RDX, Scale: 4, Disp: 16 * v}, Y11)
				VADDPD(g, Y(v), Y(v))
				VFMADD231PD(g, Y11, Y(4+v))
			}
		}
	})
	lanes(func(at Mem, r VecPhysical) { VMOVUPD(r, at) })
	VZEROUPPER()
	RET()
}

// affine computes scale·x + shift or, with another operand, scale·x + by·y +
// shift, through ReLU where that is asked for. Y12–Y14 hold the factors and
// shift, Y15 zero.
func affine(name string, two, relu bool) {
	signature := "func(out, x *float32, n int, scale, shift float32)"
	if two {
		signature = "func(out, x, y *float32, n int, scale, by, shift float32)"
	}
	TEXT(name+"AVX2", NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + "AVX2 does what its namesake does, 8 elements at a time.")
	Load(Param("out"), RDI)
	Load(Param("x"), RSI)
	Load(Param("n"), RCX)
	broadcast("scale", 12)
	broadcast("shift", 14)
	if two {
		Load(Param("y"), R8)
		broadcast("by", 13)
	}
	VXORPS(Y15, Y15, Y15)
	over(func() {
		VMULPS(element(RSI), Y12, Y0)
		if two {
			VMULPS(element(R8), Y13, Y1)
			VADDPS(Y1, Y0, Y0)
		}
		VADDPS(Y14, Y0, Y0)
		if relu {
			VCMPPS(Imm(lessOrEqual), Y15, Y0, Y1)
			VANDNPS(Y0, Y1, Y0)
		}
		VMOVUPS(Y0, element(RDI))
	})
	VZEROUPPER()
	RET()
}

// element is float32 DX behind the base.
func element(base Register) Mem { return Mem{Base: base, Index: RDX, Scale: 4} }

// four loads where the four values of a pool begin, two in each row, and what leads
// from one pool to the next: the number of those in R12, elements in R13 for what is
// pooled, and bytes in RBX for the rows.
func four() []GPPhysical {
	registers := []GPPhysical{R8, R9, R10, R11}
	Load(Param("from"), RBX)
	SHLQ(Imm(2), RBX)
	for i, name := range []string{"upper", "lower"} {
		left, right := registers[2*i], registers[2*i+1]
		Load(Param(name), left)
		LEAQ(Mem{Base: left, Index: RBX, Scale: 1}, right)
	}
	ADDQ(RBX, RBX)
	Load(Param("w"), R12)
	Load(Param("pixel"), R13)
	return registers
}

// nextPixel goes to label pixel again until there is none: DI and SI are at what is
// pooled, and the registers at the four values.
func nextPixel(four []GPPhysical) {
	LEAQ(Mem{Base: RDI, Index: R13, Scale: 4}, RDI)
	ADDQ(R13, RSI)
	for _, r := range four {
		ADDQ(RBX, r)
	}
	DECQ(R12)
	JNZ(LabelRef("pixel"))
}

// number sets all lanes of a register to k.
func number(k uint32, register int) {
	MOVL(U32(k), EAX)
	VMOVD(EAX, X(register))
	VPBROADCASTD(X(register), Y(register))
}

// broadcast sets all lanes of a register to a parameter.
func broadcast(name string, register int) {
	Load(Param(name), X(register))
	VBROADCASTSS(X(register), Y(register))
}

// storeBytes writes the eight numbers in a register as bytes to element DX
// behind SI, by way of another.
func storeBytes(numbers, by int) {
	VEXTRACTI128(Imm(1), Y(numbers), X(by))
	VPACKUSDW(X(by), X(numbers), X(numbers))
	VPACKUSWB(X(numbers), X(numbers), X(numbers))
	VMOVQ(X(numbers), Mem{Base: RSI, Index: RDX, Scale: 1})
}
