// Command gen writes the AVX2 versions of package simd's primitives:
//
//	go generate ./internal/simd
//
// All loops take a number of elements that is a multiple of the step given in
// their comment; the Go side does what is left over. Loads and stores are
// unaligned. Where the result has to have the bits of the generic version,
// products are rounded before they are added: no fused multiply-add.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	minMax()
	extremum("minAVX2", "dst[i] = min(dst[i], x[i])", VMINPS)
	extremum("maxAVX2", "dst[i] = max(dst[i], x[i])", VMAXPS)
	checkFinite()
	addScaled()
	addScaled4()
	addPowers()
	addPowers4()
	squaredDistance()
	prefetch()
	pool()
	dots()
	Generate()
}

// loop runs body as long as n, which body's step is subtracted from, is at
// least step, and advances the pointers by the given numbers of bytes.
func loop(name string, n Register, step int, pointers map[Register]int, body func()) {
	Label(name)
	CMPQ(n, Imm(uint64(step)))
	JL(LabelRef(name + "_done"))
	body()
	for _, p := range []Register{RDI, RSI, RDX} {
		if bytes, ok := pointers[p]; ok {
			ADDQ(Imm(uint64(bytes)), p)
		}
	}
	SUBQ(Imm(uint64(step)), n)
	JMP(LabelRef(name))
	Label(name + "_done")
}

// arguments loads pointers into RDI, RSI, … in the order of the names, and the
// last name, a count, into RCX.
func arguments(names ...string) {
	registers := []GPPhysical{RDI, RSI, RDX}
	for i, name := range names[:len(names)-1] {
		Load(Param(name), registers[i])
	}
	Load(Param(names[len(names)-1]), RCX)
}

// minMax keeps four vectors of lo in Y0–Y3 and their minima in Y4–Y7.
func minMax() {
	TEXT("minMaxAVX2", NOSPLIT, "func(lo, hi *float32, n int)")
	Pragma("noescape")
	Doc("minMaxAVX2 sets lo[i], hi[i] to their minimum and maximum, 8 elements at a time.")
	arguments("lo", "hi", "n")
	body := func(vectors int) func() {
		return func() {
			for v := range vectors {
				VMOVUPS(Mem{Base: RDI, Disp: 32 * v}, Y(v))
				VMOVUPS(Mem{Base: RSI, Disp: 32 * v}, Y(8+v))
			}
			for v := range vectors {
				VMINPS(Y(8+v), Y(v), Y(4+v))
				VMAXPS(Y(8+v), Y(v), Y(v))
				VMOVUPS(Y(4+v), Mem{Base: RDI, Disp: 32 * v})
				VMOVUPS(Y(v), Mem{Base: RSI, Disp: 32 * v})
			}
		}
	}
	loop("four", RCX, 32, map[Register]int{RDI: 128, RSI: 128}, body(4))
	loop("one", RCX, 8, map[Register]int{RDI: 32, RSI: 32}, body(1))
	VZEROUPPER()
	RET()
}

func extremum(name, what string, op func(...Op)) {
	TEXT(name, NOSPLIT, "func(dst, x *float32, n int)")
	Pragma("noescape")
	Doc(name + " sets " + what + ", 8 elements at a time.")
	arguments("dst", "x", "n")
	body := func(vectors int) func() {
		return func() {
			for v := range vectors {
				VMOVUPS(Mem{Base: RDI, Disp: 32 * v}, Y(v))
				op(Mem{Base: RSI, Disp: 32 * v}, Y(v), Y(v))
				VMOVUPS(Y(v), Mem{Base: RDI, Disp: 32 * v})
			}
		}
	}
	loop("four", RCX, 32, map[Register]int{RDI: 128, RSI: 128}, body(4))
	loop("one", RCX, 8, map[Register]int{RDI: 32, RSI: 32}, body(1))
	VZEROUPPER()
	RET()
}

// checkFinite collects in Y0–Y3 where all bits of the exponent are set; Y15
// holds the exponent's mask.
func checkFinite() {
	TEXT("checkFiniteAVX2", NOSPLIT, "func(x *float32, n int) (bad uint32)")
	Pragma("noescape")
	Doc("checkFiniteAVX2 returns 0 if no element is NaN or infinite, 8 elements at a time.")
	arguments("x", "n")
	MOVL(Imm(0x7f800000), EAX)
	VMOVD(EAX, X15)
	VPBROADCASTD(X15, Y15)
	for v := range 4 {
		VPXOR(Y(v), Y(v), Y(v))
	}
	body := func(vectors int) func() {
		return func() {
			for v := range vectors {
				VPAND(Mem{Base: RDI, Disp: 32 * v}, Y15, Y(4+v))
				VPCMPEQD(Y(4+v), Y15, Y(4+v))
				VPOR(Y(4+v), Y(v), Y(v))
			}
		}
	}
	loop("four", RCX, 32, map[Register]int{RDI: 128}, body(4))
	loop("one", RCX, 8, map[Register]int{RDI: 32}, body(1))
	VPOR(Y1, Y0, Y0)
	VPOR(Y3, Y2, Y2)
	VPOR(Y2, Y0, Y0)
	VPMOVMSKB(Y0, EAX)
	Store(EAX, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

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

// over runs body for every eighth element, DX, below n, in CX.
func over(body func()) {
	XORQ(RDX, RDX)
	Label("loop")
	CMPQ(RDX, RCX)
	JGE(LabelRef("done"))
	body()
	ADDQ(Imm(8), RDX)
	JMP(LabelRef("loop"))
	Label("done")
}

// addScaled4 keeps the weights in Y12–Y15 and two vectors of sums in Y0 and Y1.
func addScaled4() {
	TEXT("addScaled4AVX2", NOSPLIT, "func(sum *float64, x0, x1, x2, x3 *float32, n int, w *[4]float64)")
	Pragma("noescape")
	Doc("addScaled4AVX2 adds w0·x0[i], then w1·x1[i], … to sum[i], 8 elements at a time.")
	Load(Param("sum"), RDI)
	rows := fourRows()
	Load(Param("n"), RCX)
	Load(Param("w"), RSI)
	for k := range rows {
		VBROADCASTSD(Mem{Base: RSI, Disp: 8 * k}, Y(12+k))
	}
	over(func() {
		for v := range 2 {
			VMOVUPD(Mem{Base: RDI, Index: RDX, Scale: 8, Disp: 32 * v}, Y(v))
		}
		for k, r := range rows {
			for v := range 2 {
				VCVTPS2PD(Mem{Base: r, Index: RDX, Scale: 4, Disp: 16 * v}, Y(2+2*k+v))
				VMULPD(Y(12+k), Y(2+2*k+v), Y(2+2*k+v))
				VADDPD(Y(2+2*k+v), Y(v), Y(v))
			}
		}
		for v := range 2 {
			VMOVUPD(Y(v), Mem{Base: RDI, Index: RDX, Scale: 8, Disp: 32 * v})
		}
	})
	VZEROUPPER()
	RET()
}

// addPowers4 keeps two vectors of sums in Y0 and Y1, of squares in Y2 and Y3.
func addPowers4() {
	TEXT("addPowers4AVX2", NOSPLIT, "func(sum, squares *float64, x0, x1, x2, x3 *float32, n int)")
	Pragma("noescape")
	Doc("addPowers4AVX2 adds x0[i], then x1[i], … to sum[i] and their squares to squares[i], 8 elements at a time.")
	Load(Param("sum"), RDI)
	Load(Param("squares"), RSI)
	rows := fourRows()
	Load(Param("n"), RCX)
	over(func() {
		for v := range 2 {
			VMOVUPD(Mem{Base: RDI, Index: RDX, Scale: 8, Disp: 32 * v}, Y(v))
			VMOVUPD(Mem{Base: RSI, Index: RDX, Scale: 8, Disp: 32 * v}, Y(2+v))
		}
		for k, r := range rows {
			for v := range 2 {
				x := Y(4 + 2*k + v)
				VCVTPS2PD(Mem{Base: r, Index: RDX, Scale: 4, Disp: 16 * v}, x)
				VADDPD(x, Y(v), Y(v))
				VMULPD(x, x, x)
				VADDPD(x, Y(2+v), Y(2+v))
			}
		}
		for v := range 2 {
			VMOVUPD(Y(v), Mem{Base: RDI, Index: RDX, Scale: 8, Disp: 32 * v})
			VMOVUPD(Y(2+v), Mem{Base: RSI, Index: RDX, Scale: 8, Disp: 32 * v})
		}
	})
	VZEROUPPER()
	RET()
}

// prefetch asks for a cache line of 16 elements at a time.
func prefetch() {
	TEXT("prefetchAMD64", NOSPLIT, "func(x *float32, n int)")
	Pragma("noescape")
	Doc("prefetchAMD64 asks for every sixteenth element to come into the caches.")
	arguments("x", "n")
	loop("loop", RCX, 1, map[Register]int{RDI: 64}, func() {
		PREFETCHT0(Mem{Base: RDI})
		SUBQ(Imm(15), RCX)
	})
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

// squaredDistance sums in 16 lanes, Y0–Y3.
func squaredDistance() {
	TEXT("squaredDistanceAVX2", NOSPLIT, "func(lanes *[16]float64, x, y *float32, n int)")
	Pragma("noescape")
	Doc("squaredDistanceAVX2 sets lanes[l] to the sum of (x[i]−y[i])² over i = l, l+16, …, 16 elements at a time.")
	arguments("lanes", "x", "y", "n")
	for v := range 4 {
		VXORPD(Y(v), Y(v), Y(v))
	}
	loop("loop", RCX, 16, map[Register]int{RSI: 64, RDX: 64}, func() {
		for v := range 4 {
			VCVTPS2PD(Mem{Base: RSI, Disp: 16 * v}, Y(4+v))
			VCVTPS2PD(Mem{Base: RDX, Disp: 16 * v}, Y(8+v))
			VSUBPD(Y(8+v), Y(4+v), Y(4+v))
			VMULPD(Y(4+v), Y(4+v), Y(4+v))
			VADDPD(Y(4+v), Y(v), Y(v))
		}
	})
	for v := range 4 {
		VMOVUPD(Y(v), Mem{Base: RDI, Disp: 32 * v})
	}
	VZEROUPPER()
	RET()
}

// dots keeps the 12 sums of four rows a by three rows b in Y0–Y11, eight lanes
// along the columns each, the rows b in Y12–Y14 and one row a in Y15: seven
// loads and twelve multiply-adds for eight columns, so that the multiply-adds
// are what limits it.
func dots() {
	TEXT("dotsAVX2", NOSPLIT, "func(out *[12]float64, a0, a1, a2, a3, b0, b1, b2 *float32, n int)")
	Pragma("noescape")
	Doc("dotsAVX2 adds to out[3i+j] the inner product of row ai and row bj, 8 columns at a time.")
	a, b := []GPPhysical{RAX, RBX, R8, R9}, []GPPhysical{R10, R11, R12}
	for i, r := range a {
		Load(Param(fmt.Sprint("a", i)), r)
	}
	for j, r := range b {
		Load(Param(fmt.Sprint("b", j)), r)
	}
	Load(Param("n"), RCX)
	for k := range 12 {
		VXORPS(Y(k), Y(k), Y(k))
	}
	XORQ(RDX, RDX) // column
	Label("loop")
	CMPQ(RDX, RCX)
	JGE(LabelRef("done"))
	for j, r := range b {
		VMOVUPS(Mem{Base: r, Index: RDX, Scale: 4}, Y(12+j))
	}
	for i, r := range a {
		VMOVUPS(Mem{Base: r, Index: RDX, Scale: 4}, Y15)
		for j := range b {
			VFMADD231PS(Y(12+j), Y15, Y(3*i+j))
		}
	}
	ADDQ(Imm(8), RDX)
	JMP(LabelRef("loop"))
	Label("done")
	Load(Param("out"), RDI)
	for k := range 12 {
		// The eight lanes as doubles, added as (l+(l+4)) and then in pairs.
		VEXTRACTF128(Imm(1), Y(k), X12)
		VCVTPS2PD(X12, Y13)
		VCVTPS2PD(X(k), Y14)
		VADDPD(Y13, Y14, Y14)
		VEXTRACTF128(Imm(1), Y14, X12)
		VADDPD(X12, X14, X14)
		VUNPCKHPD(X14, X14, X12)
		VADDSD(X12, X14, X14)
		VADDSD(Mem{Base: RDI, Disp: 8 * k}, X14, X14)
		VMOVSD(X14, Mem{Base: RDI, Disp: 8 * k})
	}
	VZEROUPPER()
	RET()
}

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

// Y and X are the vector registers by number.
func Y(i int) VecPhysical {
	return []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}[i]
}

func X(i int) VecPhysical {
	return []VecPhysical{X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15}[i]
}
