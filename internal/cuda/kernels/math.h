// exp and log in float64 without libdevice, within 1 ulp of libm's.
#pragma once
#include "device.h"

// exp(x) = 2^k p(r), |r| <= ln2/2, by Taylor's polynomial of degree 13; 0 below -708, where
// results would be denormal.
INLINE double exp64(double x) {
	if (!(x > -708.0)) return x != x ? x : 0.0;
	if (x > 709.0) return __builtin_bit_cast(double, 0x7ff0000000000000ull);
	const double shift = 0x1.8p52;
	double kd = fma64(x, 0x1.71547652b82fep0, shift);
	i64 k = (i64)(bits64(kd) << 12) >> 12; // its low bits
	kd = kd - shift;
	double r = fma64(kd, -0x1.62e42fefa39efp-1, x);
	r = fma64(kd, -0x1.abc9e3b39803fp-56, r);
	const double inverse[] = {1.6059043836821613e-10, 2.08767569878681e-09, 2.505210838544172e-08, 2.755731922398589e-07, 2.7557319223985893e-06,
	                          2.48015873015873e-05, 1.984126984126984e-04, 1.388888888888889e-03, 8.333333333333333e-03, 4.1666666666666664e-02,
	                          1.6666666666666666e-01, 0.5, 1.0, 1.0}; // 1/13! to 1/0!
	double p = inverse[0];
	UNROLL for (int i = 1; i < 14; i++) p = fma64(p, r, inverse[i]);
	return __builtin_bit_cast(double, bits64(p) + ((u64)k << 52));
}

// log x of a normal x > 0: x = 2^e m, log m = 2 atanh((m-1)/(m+1)), by its series to the
// power 21; infinity and NaN stay.
INLINE double log64(double x) {
	u64 b = bits64(x);
	if (b >= 0x7ff0000000000000ull) return x;
	int e = (int)(b >> 52) - 1023;
	double m = __builtin_bit_cast(double, (b & 0xfffffffffffffull) | 0x3ff0000000000000ull);
	if (m > 1.4142135623730951) {
		m = m * 0.5;
		e++;
	}
	double s = (m - 1) / (m + 1), z = s * s; // |s| < 0.172
	const double series[] = {2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13, 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3};
	double p = series[0];
	UNROLL for (int i = 1; i < 10; i++) p = fma64(p, z, series[i]);
	double tail = fma64(p * z, s, (double)e * 0x1.abc9e3b39803fp-56); // ln2's low part
	return fma64((double)e, 0x1.62e42fefa39efp-1, fma64(2.0, s, tail));
}
