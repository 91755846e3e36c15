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
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	loadColumns()
	sortColumns()
	checkFinite()
	addScaled()
	addScaled4()
	addPowers()
	addPowers4()
	accumulate()
	score()
	squaredDistance()
	pool()
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

// sortColumns takes the pairs of rows as they come: eight vectors of 8 columns,
// in two halves, make a row of 256 bytes.
func sortColumns() {
	TEXT("sortColumnsAVX2", NOSPLIT, "func(block *float32, pairs *[2]int32, n int)")
	Pragma("noescape")
	Doc("sortColumnsAVX2 orders n pairs of rows of 64 elements, one pair after another.")
	arguments("block", "pairs", "n")
	loop("pair", RCX, 1, map[Register]int{RSI: 8}, func() {
		for k, r := range []GPPhysical{R8, R9} {
			MOVLQSX(Mem{Base: RSI, Disp: 4 * k}, r)
			SHLQ(Imm(8), r)
			ADDQ(RDI, r)
		}
		for half := range 2 {
			at := func(r Register, v int) Mem { return Mem{Base: r, Disp: 128*half + 32*v} }
			for v := range 4 {
				VMOVUPS(at(R8, v), Y(v))
			}
			for v := range 4 {
				VMINPS(at(R9, v), Y(v), Y(4+v))
				VMAXPS(at(R9, v), Y(v), Y(8+v))
			}
			for v := range 4 {
				VMOVUPS(Y(4+v), at(R8, v))
				VMOVUPS(Y(8+v), at(R9, v))
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
	TEXT("accumulateAVX2", NOSPLIT, "func(sum *float32, scores *float64, memory, keep, x, nextMemory, nextX *float32, n int, gamma float64)")
	Pragma("noescape")
	Doc("accumulateAVX2 sets sum[i] to gamma·x[i] + keep[i]·memory[i] and adds its square to scores[i], 8 elements at a time.")
	names := []string{"sum", "scores", "memory", "keep", "x"}
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

// gramChunk is simd.GramChunk.
const gramChunk = 256

// gram computes tiles of height×width inner products one after another, for a
// chunk of columns after the other. The sums of a tile are in the first registers,
// a lane a column each, the width rows b behind them and one row a in the last.
//
// Tiles are as large as there are registers for: 4×3 in sixteen, 4×4 in 32. Each
// load feeds two multiply-adds then, so that those are what limits it. (5×5 would
// fit, but covers more above the diagonal.)
//
// With each tile a row of the next chunk is asked for, a line every 16 columns:
// while one chunk is worked on in the first-level cache, the next one arrives.
func gram(name string, height, width, lanes int, register func(int) VecPhysical) {
	TEXT(name, NOSPLIT, "func(sums *float64, data *float32, rows, stride int, tiles *[8]int32, count, n int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds to %d sums a tile the inner products of its rows, stride bytes apart, over n columns, a positive multiple of %d.", name, height*width, lanes))
	argument := func(name string) Mem {
		c, err := Param(name).Resolve()
		if err != nil {
			panic(err)
		}
		return c.Addr
	}
	a, b := []GPPhysical{RAX, RBX, R8, R9}[:height], []GPPhysical{R10, R11, R12, R13}[:width]
	size := height * width
	chunk, left := AllocLocal(8), AllocLocal(8)
	Load(Param("data"), RSI)
	MOVQ(RSI, chunk)
	Load(Param("n"), RCX)
	MOVQ(RCX, left)

	Label("chunk")
	MOVQ(left, RCX)
	MOVQ(U32(gramChunk), RDX)
	CMPQ(RCX, RDX)
	CMOVQGT(RDX, RCX)
	XORQ(R15, R15) // number of the tile

	Label("tile")
	MOVQ(R15, RDI)
	SHLQ(Imm(5), RDI)
	ADDQ(argument("tiles"), RDI)
	MOVQ(chunk, RSI)
	for k, r := range append(append([]GPPhysical{}, a...), b...) {
		MOVLQSX(Mem{Base: RDI, Disp: 4 * k}, r)
		IMULQ(argument("stride"), r)
		ADDQ(RSI, r)
	}
	MOVQ(R15, RDX) // of the row to ask for; beyond the last, of what is here
	IMULQ(argument("stride"), RDX)
	LEAQ(Mem{Base: RSI, Index: RDX, Scale: 1, Disp: 4 * gramChunk}, RSI)
	CMPQ(R15, argument("rows"))
	CMOVQGE(a[0], RSI)
	for k := range size {
		VXORPS(Y(k), Y(k), Y(k)) // all of Zk, too
	}
	XORQ(RDX, RDX)

	Label("columns")
	at := func(r Register) Mem { return Mem{Base: r, Index: RDX, Scale: 4} }
	PREFETCHT0(at(RSI))
	for j, r := range b {
		VMOVUPS(at(r), register(size+j))
	}
	row := register(size + width)
	for i, r := range a {
		VMOVUPS(at(r), row)
		for j := range b {
			VFMADD231PS(register(size+j), row, register(width*i+j))
		}
	}
	ADDQ(Imm(uint64(lanes)), RDX)
	CMPQ(RDX, RCX)
	JL(LabelRef("columns"))

	IMUL3Q(Imm(uint64(8*size)), R15, RDI)
	ADDQ(argument("sums"), RDI)
	if lanes == 16 {
		for k := range size {
			VEXTRACTF64X4(Imm(1), Z(k), Y20)
			VADDPS(Y20, Y(k), Y(k))
		}
	}
	for k := 0; k < size; k += 4 {
		addLanes(k)
	}
	INCQ(R15)
	CMPQ(R15, argument("count"))
	JL(LabelRef("tile"))

	ADDQ(U32(4*gramChunk), chunk)
	SUBQ(U32(gramChunk), left)
	JG(LabelRef("chunk"))
	VZEROUPPER()
	RET()
}

// addLanes adds the sums over the eight lanes of each of Yk, …, Yk+3 to
// out[k], …, out[k+3], where RDI points to out.
func addLanes(k int) {
	VHADDPS(Y(k+1), Y(k), Y(k))
	VHADDPS(Y(k+3), Y(k+2), Y(k+2))
	VHADDPS(Y(k+2), Y(k), Y(k))
	VEXTRACTF128(Imm(1), Y(k), X(k+1))
	VADDPS(X(k+1), X(k), X(k))
	VCVTPS2PD(X(k), Y(k))
	VADDPD(Mem{Base: RDI, Disp: 8 * k}, Y(k), Y(k))
	VMOVUPD(Y(k), Mem{Base: RDI, Disp: 8 * k})
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

// Z returns Z0 to Z20.
func Z(i int) VecPhysical {
	return []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15, Z16, Z17, Z18, Z19, Z20}[i]
}
