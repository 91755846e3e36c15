// Command gen writes the AVX2 and AVX-512 versions of package simd's primitives:
//
//	go generate ./internal/simd
//
// All loops take a number of elements that is a multiple of the step given in
// their comment; the Go side does what is left over. Loads and stores are
// unaligned. Where the result has to have the bits of the generic version,
// products are rounded before they are added: no fused multiply-add.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	loadColumns()
	sortColumns("sortColumnsAVX2", 2, Y)
	sortColumns("sortColumnsAVX512", 1, Z)
	checkFinite()
	addScaled()
	addScaled4()
	addPowers()
	addPowers4()
	accumulate()
	score()
	above()
	pick()
	squaredDistance()
	pool()
	unpool()
	maxPool()
	maxPoolGrad()
	moments()
	maskSums()
	affine("affineReLU", false, true)
	affine("affineAddReLU", true, true)
	affine("affineAdd", true, false)
	gram("gramAVX2", 4, 3, 8, Y)
	gram("gramAVX512", 4, 4, 16, Z)
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
			ADDQ(U32(uint32(bytes)), p)
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

// loadColumns collects in Y0 and Y1 where all bits of the exponent are set; Y15
// holds the exponent's mask. A slice's header is 24 bytes, its pointer first.
func loadColumns() {
	TEXT("loadColumnsAVX2", NOSPLIT, "func(block *float32, rows *[]float32, n, at int) (bad uint32)")
	Pragma("noescape")
	Doc("loadColumnsAVX2 copies 64 elements from element at on of n rows to the block and returns 0 if none is NaN or infinite.")
	arguments("block", "rows", "n")
	Load(Param("at"), RDX)
	MOVL(Imm(0x7f800000), EAX)
	VMOVD(EAX, X15)
	VPBROADCASTD(X15, Y15)
	VPXOR(Y0, Y0, Y0)
	VPXOR(Y1, Y1, Y1)
	loop("row", RCX, 1, map[Register]int{RDI: 256, RSI: 24}, func() {
		MOVQ(Mem{Base: RSI}, R8)
		LEAQ(Mem{Base: R8, Index: RDX, Scale: 4}, R8)
		for v := range 8 {
			if v%2 == 0 {
				PREFETCHT0(Mem{Base: R8, Disp: 256 + 32*v}) // of the next block
			}
			x, exponent := Y(2+v%4), Y(6+v%4)
			VMOVUPS(Mem{Base: R8, Disp: 32 * v}, x)
			VPAND(x, Y15, exponent)
			VPCMPEQD(exponent, Y15, exponent)
			VPOR(exponent, Y(v%2), Y(v%2))
			VMOVUPS(x, Mem{Base: RDI, Disp: 32 * v})
		}
	})
	VPOR(Y1, Y0, Y0)
	VPMOVMSKB(Y0, EAX)
	Store(EAX, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// sortColumns takes the pairs of rows as they come: vectors of the registers R, in
// so many parts of four, make a row of 256 bytes.
func sortColumns(name string, parts int, R func(i int) VecPhysical) {
	TEXT(name, NOSPLIT, "func(block *float32, pairs *[2]int32, n int)")
	Pragma("noescape")
	Doc(name + " orders n pairs of rows of 64 elements, one pair after another.")
	arguments("block", "pairs", "n")
	loop("pair", RCX, 1, map[Register]int{RSI: 8}, func() {
		for k, r := range []GPPhysical{R8, R9} {
			MOVLQSX(Mem{Base: RSI, Disp: 4 * k}, r)
			SHLQ(Imm(8), r)
			ADDQ(RDI, r)
		}
		for part := range parts {
			at := func(r Register, v int) Mem { return Mem{Base: r, Disp: 256/parts*part + 64/parts*v} }
			for v := range 4 {
				VMOVUPS(at(R8, v), R(v))
			}
			for v := range 4 {
				VMINPS(at(R9, v), R(v), R(4+v))
				VMAXPS(at(R9, v), R(v), R(8+v))
			}
			for v := range 4 {
				VMOVUPS(R(4+v), at(R8, v))
				VMOVUPS(R(8+v), at(R9, v))
			}
		}
	})
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

// Y and X are the vector registers by number.
func Y(i int) VecPhysical {
	return []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}[i]
}

func X(i int) VecPhysical {
	return []VecPhysical{X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15}[i]
}

// Z returns Z0 to Z20.
func Z(i int) VecPhysical {
	return []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15, Z16, Z17, Z18, Z19, Z20}[i]
}
