// Command gen writes the AVX-512 and AVX2 loops of package gemm:
//
//	go generate ./internal/gemm
//
// Both instruction sets get the same loops from one description, an [isa]; only
// transposing, whose shuffles differ, is written twice.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// isa is an instruction set and the tile of C that its registers hold: rows ×
// maxVectors sums, maxVectors of B, and what is left for elements of A.
//
//	AVX-512: 8×3 sums Z0–Z23, B in Z24–Z26, A in Z27–Z31: 11 loads for 24
//	         multiply-adds, where the processor does two of each a cycle
//	AVX2:    4×3 sums Y0–Y11, B in Y12–Y14, A in Y15: 7 loads for 12
//
// Eight sums are the least that keeps two units busy whose result takes four
// cycles.
type isa struct {
	name string
	lane int // float32s a vector
	rows int
	regs []VecPhysical
}

const maxVectors = 3

var isas = []isa{
	{"AVX512", 16, 8, []VecPhysical{
		Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
		Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31,
	}},
	{"AVX2", 8, 4, []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}},
}

func main() {
	ConstraintExpr("amd64")
	for _, s := range isas {
		for vectors := 1; vectors <= maxVectors; vectors++ {
			s.panel(vectors)
			s.pack(vectors)
			s.packAt(vectors)
			s.stream(vectors)
		}
		for n := 1; n <= maxDots; n++ {
			s.dots(n)
		}
		s.streamLines()
		s.peak()
	}
	fence()
	transposeAVX512()
	transposeAVX2()
	Generate()
}

// bytes is the size of a vector.
func (s isa) bytes() int { return 4 * s.lane }

// What the registers hold in [isa.panel].
var (
	rowC, strideC   = RDI, RSI // first row of the tile in C, bytes from row to row
	tileA           = R8       // first row of the tile in A
	rowStride, col  = R9, R10  // bytes from row to row and from column to column in A
	rowStride3      = R11      // three times the first
	a0, a4          = RAX, RBX // rows 0 and 4 of the tile in A's current column
	rowB, strideB   = RDX, R12 // B's current row, bytes from row to row
	columns, rowsTo = R13, RCX // columns of A and rows of C that are left
	ahead           = R15      // bytes to what of B comes after this panel
)

// panel computes C ← α·A·B + C, or without C, for a C that is vectors wide.
func (s isa) panel(vectors int) {
	TEXT(fmt.Sprintf("panel%d%s", vectors, s.name), NOSPLIT,
		"func(c []float32, strideC int, a []float32, rowStride, colStride int, b []float32, strideB int, m, k int, alpha float32, add bool, ahead int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("panel%d%s does what panelGo does for a C of %d columns. k is at least 1.", vectors, s.name, vectors*s.lane))
	Load(Param("c").Base(), rowC)
	Load(Param("strideC"), strideC)
	Load(Param("a").Base(), tileA)
	Load(Param("rowStride"), rowStride)
	Load(Param("colStride"), col)
	Load(Param("strideB"), strideB)
	Load(Param("m"), rowsTo)
	Load(Param("ahead"), ahead)
	for _, r := range []GPPhysical{strideC, rowStride, col, strideB, ahead} {
		SHLQ(Imm(2), r)
	}
	LEAQ(Mem{Base: rowStride, Index: rowStride, Scale: 2}, rowStride3)
	s.tiles(vectors, s.tile)
}

// tiles calls tile for rowsTo rows, as many at a time as there are registers for and then
// half as many and half again, and returns.
func (s isa) tiles(vectors int, tile func(name string, rows, vectors int)) {
	for rows := s.rows; rows >= 1; rows /= 2 {
		name := fmt.Sprint("rows", rows)
		Label(name)
		CMPQ(rowsTo, Imm(uint64(rows)))
		JL(LabelRef(name + "_done"))
		tile(name, rows, vectors)
		SUBQ(Imm(uint64(rows)), rowsTo)
		JMP(LabelRef(name))
		Label(name + "_done")
	}
	VZEROUPPER()
	RET()
}

// tile computes one tile and moves rowC and tileA behind it.
func (s isa) tile(name string, rows, vectors int) {
	sum := func(i, v int) VecPhysical { return s.regs[maxVectors*i+v] }
	sums := maxVectors * s.rows
	b, a := s.regs[sums:sums+vectors], s.regs[sums+maxVectors:]

	Load(Param("b").Base(), rowB)
	Load(Param("k"), columns)
	MOVQ(tileA, a0)
	if rows > 4 {
		LEAQ(Mem{Base: tileA, Index: rowStride, Scale: 4}, a4)
	}
	for i := range rows {
		for v := range vectors {
			s.zero(sum(i, v))
		}
	}
	Label(name + "_column")
	for v, r := range b {
		VMOVUPS(Mem{Base: rowB, Disp: v * s.bytes()}, r)
	}
	for i := range rows {
		x := a[i%len(a)]
		VBROADCASTSS(elementOfA(i), x)
		for v := range vectors {
			VFMADD231PS(b[v], x, sum(i, v))
		}
	}
	ADDQ(col, a0)
	if rows > 4 {
		ADDQ(col, a4)
	}
	for v := 0; v < vectors; v += 16 / s.lane {
		PREFETCHT1(Mem{Base: rowB, Index: ahead, Scale: 1, Disp: v * s.bytes()})
	}
	ADDQ(strideB, rowB)
	DECQ(columns)
	JNZ(LabelRef(name + "_column"))

	alpha := a[0]
	VBROADCASTSS(parameter("alpha"), alpha)
	Load(Param("add"), AL)
	TESTB(AL, AL)
	JZ(LabelRef(name + "_set"))
	s.store(rows, vectors, func(i, v int, c Mem) { VFMADD213PS(c, alpha, sum(i, v)); VMOVUPS(sum(i, v), c) })
	JMP(LabelRef(name + "_next"))
	Label(name + "_set")
	s.store(rows, vectors, func(i, v int, c Mem) { VMULPS(alpha, sum(i, v), sum(i, v)); VMOVUPS(sum(i, v), c) })
	Label(name + "_next")
	LEAQ(Mem{Base: rowC, Index: strideC, Scale: 1}, rowC)
	for range rows {
		ADDQ(rowStride, tileA)
	}
}

// elementOfA is the element of the tile's row i in the current column.
func elementOfA(i int) Mem {
	base := a0
	if i >= 4 {
		base = a4
	}
	switch i % 4 {
	case 0:
		return Mem{Base: base}
	case 3:
		return Mem{Base: base, Index: rowStride3, Scale: 1}
	}
	return Mem{Base: base, Index: rowStride, Scale: uint8(i % 4)}
}

// store calls f for every vector of the tile, and leaves rowC at its last row.
func (s isa) store(rows, vectors int, f func(i, v int, c Mem)) {
	for i := range rows {
		if i > 0 {
			ADDQ(strideC, rowC)
		}
		for v := range vectors {
			f(i, v, Mem{Base: rowC, Disp: v * s.bytes()})
		}
	}
}

func (s isa) zero(r VecPhysical) {
	if s.lane == 16 {
		VPXORD(r, r, r)
		return
	}
	VXORPS(r, r, r)
}

// parameter is where an argument lies.
func parameter(name string) Mem {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}

// pack copies rows of a matrix one behind another.
func (s isa) pack(vectors int) {
	TEXT(fmt.Sprintf("pack%d%s", vectors, s.name), NOSPLIT, "func(dst, src []float32, stride, k int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("pack%d%s copies %d elements of each of k rows, stride apart, to dst. k is at least 1.", vectors, s.name, vectors*s.lane))
	Load(Param("dst").Base(), RDI)
	Load(Param("src").Base(), RSI)
	Load(Param("stride"), RDX)
	Load(Param("k"), RCX)
	SHLQ(Imm(2), RDX)
	Label("row")
	s.copyRow(RSI, vectors)
	ADDQ(RDX, RSI)
	DECQ(RCX)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// packAt copies from given elements on, one row behind another.
func (s isa) packAt(vectors int) {
	TEXT(fmt.Sprintf("packAt%d%s", vectors, s.name), NOSPLIT, "func(dst, src []float32, rows []int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("packAt%d%s copies %d elements from each of src[rows[l]:] to dst. There is at least one.", vectors, s.name, vectors*s.lane))
	Load(Param("dst").Base(), RDI)
	Load(Param("src").Base(), RSI)
	Load(Param("rows").Base(), RDX)
	Load(Param("rows").Len(), RCX)
	Label("row")
	MOVQ(Mem{Base: RDX}, RAX)
	LEAQ(Mem{Base: RSI, Index: RAX, Scale: 4}, RAX)
	s.copyRow(RAX, vectors)
	ADDQ(Imm(8), RDX)
	DECQ(RCX)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// copyRow copies so many vectors to DI, and moves that behind them.
func (s isa) copyRow(from GPPhysical, vectors int) {
	for v := range vectors {
		VMOVUPS(Mem{Base: from, Disp: v * s.bytes()}, s.regs[v])
	}
	for v := range vectors {
		VMOVUPS(s.regs[v], Mem{Base: RDI, Disp: v * s.bytes()})
	}
	ADDQ(U32(uint32(vectors*s.bytes())), RDI)
}

// peak multiplies and adds in as many registers as a full tile has sums, and
// never touches memory.
func (s isa) peak() {
	sums := maxVectors * s.rows
	TEXT("peak"+s.name, NOSPLIT, "func(n int) (flops int)")
	Doc(fmt.Sprintf("peak%s runs %d independent chains of n multiply-adds of %d lanes.", s.name, sums, s.lane))
	Load(Param("n"), RCX)
	MOVQ(RCX, RAX)
	IMUL3Q(U32(uint32(sums*s.lane*2)), RAX, RAX)
	Store(RAX, ReturnIndex(0))
	for _, r := range s.regs {
		s.zero(r)
	}
	Label("loop")
	for i := range sums {
		VFMADD231PS(s.regs[sums], s.regs[sums+1+i%2], s.regs[i])
	}
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
