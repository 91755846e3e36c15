package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

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
	addAllLanes(size, lanes)
	INCQ(R15)
	CMPQ(R15, argument("count"))
	JL(LabelRef("tile"))

	ADDQ(U32(4*gramChunk), chunk)
	SUBQ(U32(gramChunk), left)
	JG(LabelRef("chunk"))
	VZEROUPPER()
	RET()
}

// addAllLanes adds the sums over the lanes of as many registers to as many sums
// from RDI on.
func addAllLanes(size, lanes int) {
	if lanes == 16 {
		for k := range size {
			VEXTRACTF64X4(Imm(1), Z(k), Y20)
			VADDPS(Y20, Y(k), Y(k))
		}
	}
	for k := 0; k < size; k += 4 {
		addLanes(k)
	}
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
