package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// maxDots is the most columns of C that [isa.dots] computes at once.
const maxDots = 5

// What else the registers hold in [isa.dots], besides rowC, strideC, tileA,
// rowStride, a0, a4, columns and rowsTo.
var (
	strideB3     = R10
	group, after = R14, R15 // the group's two integers, and how many are left with it
)

// dots computes C ← C + A·Bᵀ for n columns of C by inner products: 1, 2, 4 or 8 rows
// of A, as many as fit, by n of B keep sums in every lane of up to 24 (AVX2: 12)
// registers, the last ones, to be added up once at the end. A vector of A is used n times and one of B as often as there
// are rows; nothing is copied or transposed, and so rows of B may overlap.
//
// All groups of columns pass by one tile of A, which stays in the first-level
// cache.
func (s isa) dots(n int) {
	TEXT(fmt.Sprintf("dots%d%s", n, s.name), NOSPLIT,
		"func(c []float32, strideC, colC int, a []float32, strideA int, b []float32, strideB int, groups *int, count, m, k int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("dots%d%s does what AddDots does for %d columns. k is a multiple of %d, and it, m and count are at least 1.", n, s.name, n, s.lane))
	Load(Param("c").Base(), rowC)
	Load(Param("strideC"), strideC)
	Load(Param("a").Base(), tileA)
	Load(Param("strideA"), rowStride)
	Load(Param("strideB"), strideB)
	Load(Param("m"), rowsTo)
	for _, r := range []GPPhysical{strideC, rowStride, strideB} {
		SHLQ(Imm(2), r)
	}
	LEAQ(Mem{Base: rowStride, Index: rowStride, Scale: 2}, rowStride3)
	LEAQ(Mem{Base: strideB, Index: strideB, Scale: 2}, strideB3)
	rows := 8
	for rows*n > maxVectors*s.rows {
		rows /= 2
	}
	for ; rows >= 1; rows /= 2 {
		name := fmt.Sprint("rows", rows)
		Label(name)
		CMPQ(rowsTo, Imm(uint64(rows)))
		JL(LabelRef(name + "_done"))
		s.dotsTile(name, rows, n)
		SUBQ(Imm(uint64(rows)), rowsTo)
		JMP(LabelRef(name))
		Label(name + "_done")
	}
	VZEROUPPER()
	RET()
}

// dotsTile computes all groups for one tile of A and moves rowC and tileA behind
// it.
func (s isa) dotsTile(name string, rows, n int) {
	sums := s.regs[len(s.regs)-rows*n:]
	b, a := s.regs[:n], s.regs[n]
	Load(Param("groups"), group)
	Load(Param("count"), after)
	Label(name + "_group")
	Load(Param("b").Base(), rowB)
	MOVQ(Mem{Base: group}, a0)
	LEAQ(Mem{Base: rowB, Index: a0, Scale: 4}, rowB)
	MOVQ(tileA, a0)
	if rows > 4 {
		LEAQ(Mem{Base: tileA, Index: rowStride, Scale: 4}, a4)
	}
	Load(Param("k"), columns)
	SHRQ(Imm(map[int]uint64{16: 4, 8: 3}[s.lane]), columns)
	for _, sum := range sums {
		s.zero(sum)
	}
	Label(name + "_column")
	for t, at := range []Mem{
		{Base: rowB}, {Base: rowB, Index: strideB, Scale: 1}, {Base: rowB, Index: strideB, Scale: 2},
		{Base: rowB, Index: strideB3, Scale: 1}, {Base: rowB, Index: strideB, Scale: 4},
	}[:n] {
		VMOVUPS(at, b[t])
	}
	for i := range rows {
		VMOVUPS(elementOfA(i), a)
		for t := range n {
			VFMADD231PS(b[t], a, sums[i*n+t])
		}
	}
	ADDQ(Imm(uint64(s.bytes())), a0)
	if rows > 4 {
		ADDQ(Imm(uint64(s.bytes())), a4)
	}
	ADDQ(Imm(uint64(s.bytes())), rowB)
	DECQ(columns)
	JNZ(LabelRef(name + "_column"))

	s.addSums(sums, n)
	ADDQ(Imm(16), group)
	DECQ(after)
	JNZ(LabelRef(name + "_group"))
	for range rows {
		ADDQ(rowStride, tileA)
		ADDQ(strideC, rowC)
	}
}

// addSums adds each register's lanes up, four registers at a time, and adds the
// sums to their elements of C, n a row.
func (s isa) addSums(sums []VecPhysical, n int) {
	row, element, colC := a4, a0, columns
	MOVQ(Mem{Base: group, Disp: 8}, row)
	LEAQ(Mem{Base: rowC, Index: row, Scale: 4}, row)
	Load(Param("colC"), colC)
	for first := 0; first < len(sums); first += 4 {
		four := sums[first:min(first+4, len(sums))]
		var half [4]VecPhysical // with eight lanes each
		for i := range half {
			sum := four[min(i, len(four)-1)]
			half[i] = sum
			if s.lane == 16 {
				half[i] = []VecPhysical{Y0, Y1, Y2, Y3}[i]
				VEXTRACTF64X4(Imm(1), sum, half[i])
				VADDPS(sum.AsY(), half[i], half[i])
			}
		}
		VHADDPS(half[1], half[0], Y0)
		VHADDPS(half[3], half[2], Y2)
		VHADDPS(Y2, Y0, Y0)
		VEXTRACTF128(Imm(1), Y0, X1)
		VADDPS(X1, X0, X0)
		for i := range four {
			if (first+i)%n == 0 {
				if first+i > 0 {
					ADDQ(strideC, row)
				}
				MOVQ(row, element)
			} else {
				LEAQ(Mem{Base: element, Index: colC, Scale: 4}, element)
			}
			VADDSS(Mem{Base: element}, X0, X1)
			VMOVSS(X1, Mem{Base: element})
			if i+1 < len(four) {
				VPERMILPS(Imm(0x39), X0, X0) // the next to the front
			}
		}
	}
}
