// Package half widens 16-bit floating-point numbers to float32, which holds each of
// them exactly.
package half

import "math"

// Float16 returns the number that IEEE 754 binary16 writes as bits: a sign, 5 bits
// of exponent, 10 of fraction.
func Float16(bits uint16) float32 {
	sign, exponent, fraction := uint32(bits>>15)<<31, bits>>10&31, uint32(bits&0x3ff)
	switch exponent {
	case 0: // zero, or less than the least normal number: fraction · 2⁻²⁴
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 31: // infinity or NaN
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (uint32(exponent)+127-15)<<23 | fraction<<13)
}

// BFloat16 returns the number of which bits are the upper half of its float32.
func BFloat16(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }
