package half

import (
	"math"
	"testing"
)

// TestFloat16 takes its numbers from IEEE 754-2008, 3.6: the largest, the least
// normal, the largest and the least below it.
func TestFloat16(t *testing.T) {
	for bits, want := range map[uint16]float64{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x3555: 0.333251953125, 0x7bff: 65504,
		0x0400: math.Ldexp(1, -14), 0x03ff: math.Ldexp(1023, -24), 0x8001: -math.Ldexp(1, -24),
		0x7c00: math.Inf(1), 0xfc00: math.Inf(-1),
	} {
		if got := Float16(bits); float64(got) != want {
			t.Errorf("%#04x is %v, want %v", bits, got, want)
		}
	}
	if v := Float16(0x7e00); v == v {
		t.Errorf("0x7e00 is %v, want NaN", v)
	}
	if v := Float16(0x8000); !math.Signbit(float64(v)) || v != 0 {
		t.Errorf("0x8000 is %v, want −0", v)
	}
	for bits := range uint16(0x7c00) - 1 {
		if Float16(bits) >= Float16(bits+1) {
			t.Fatalf("%#04x is not below its successor", bits)
		}
	}
}

func TestBFloat16(t *testing.T) {
	for bits, want := range map[uint16]float32{0x3f80: 1, 0xc000: -2, 0x7f7f: 0x1.fep127} {
		if got := BFloat16(bits); got != want {
			t.Errorf("%#04x is %v, want %v", bits, got, want)
		}
	}
}
