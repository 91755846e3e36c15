package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// stream computes C ← A·B for panels of B that lie one behind another, all of them
// for a tile of rows before the next, and stores C past the caches.
func (s isa) stream(vectors int) {
	TEXT(fmt.Sprintf("stream%d%s", vectors, s.name), NOSPLIT,
		"func(c []float32, strideC int, a []float32, rowStride int, b []float32, m, k, panels int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("stream%d%s does what streamGo does for panels of %d columns. m, k and panels are at least 1, and", vectors, s.name, vectors*s.lane),
		fmt.Sprintf("vectors of C begin at multiples of %d bytes.", s.bytes()))
	Load(Param("c").Base(), rowC)
	Load(Param("strideC"), strideC)
	Load(Param("a").Base(), tileA)
	Load(Param("rowStride"), rowStride)
	Load(Param("m"), rowsTo)
	SHLQ(Imm(2), strideC)
	SHLQ(Imm(2), rowStride)
	LEAQ(Mem{Base: rowStride, Index: rowStride, Scale: 2}, rowStride3)
	s.tiles(vectors, s.streamTile)
}

// streamTile computes a tile of rows of all panels, and moves rowC and tileA behind
// it.
func (s isa) streamTile(name string, rows, vectors int) {
	sum := func(i, v int) VecPhysical { return s.regs[maxVectors*i+v] }
	sums := maxVectors * s.rows
	b, a := s.regs[sums:sums+vectors], s.regs[sums+maxVectors:]
	panels, panelC, to := strideB, R15, col // the others are for [isa.panel] alone

	Load(Param("b").Base(), rowB)
	Load(Param("panels"), panels)
	MOVQ(rowC, panelC)
	Label(name + "_panel")
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
	ADDQ(Imm(4), a0)
	if rows > 4 {
		ADDQ(Imm(4), a4)
	}
	ADDQ(U32(uint32(vectors*s.bytes())), rowB)
	DECQ(columns)
	JNZ(LabelRef(name + "_column"))
	MOVQ(panelC, to)
	for i := range rows {
		if i > 0 {
			ADDQ(strideC, to)
		}
		for v := range vectors {
			VMOVNTPS(sum(i, v), Mem{Base: to, Disp: v * s.bytes()})
		}
	}
	ADDQ(U32(uint32(vectors*s.bytes())), panelC)
	DECQ(panels)
	JNZ(LabelRef(name + "_panel"))
	for range rows {
		ADDQ(strideC, rowC)
		ADDQ(rowStride, tileA)
	}
}

// streamLines copies lines of 16 elements, one behind another, to the rows of a
// matrix, past the caches.
func (s isa) streamLines() {
	TEXT("streamLines"+s.name, NOSPLIT, "func(dst []float32, stride int, src []float32, rows int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("streamLines%s does what streamLinesGo does. rows is at least 1, and dst's begin at multiples of %d bytes.", s.name, s.bytes()))
	Load(Param("dst").Base(), RDI)
	Load(Param("stride"), RDX)
	Load(Param("src").Base(), RSI)
	Load(Param("rows"), RCX)
	SHLQ(Imm(2), RDX)
	Label("row")
	for v := range 16 / s.lane {
		VMOVUPS(Mem{Base: RSI, Disp: v * s.bytes()}, s.regs[v])
		VMOVNTPS(s.regs[v], Mem{Base: RDI, Disp: v * s.bytes()})
	}
	ADDQ(Imm(64), RSI)
	ADDQ(RDX, RDI)
	DECQ(RCX)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// fence has streamed stores seen before all that follow.
func fence() {
	TEXT("fence", NOSPLIT, "func()")
	Doc("fence has streamed stores seen before all that follow.")
	SFENCE()
	RET()
}
