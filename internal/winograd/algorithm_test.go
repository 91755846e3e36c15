package winograd

import (
	"fmt"
	"math/big"
	"testing"
)

// rational returns the fraction with the smallest denominator that is the float64 c,
// so that 2./3 is ⅔.
func rational(t *testing.T, c float64) *big.Rat {
	t.Helper()
	for d := int64(1); d <= 1000; d++ {
		n, _ := new(big.Float).Mul(big.NewFloat(c), new(big.Float).SetInt64(d)).Int(nil)
		for step := int64(-1); step <= 1; step++ {
			r := new(big.Rat).SetFrac(new(big.Int).Add(n, big.NewInt(step)), big.NewInt(d))
			if f, _ := r.Float64(); f == c {
				return r
			}
		}
	}
	t.Fatalf("%v is no fraction with a denominator up to 1000", c)
	return nil
}

func exact(t *testing.T, x [][]float64) [][]*big.Rat {
	t.Helper()
	y := make([][]*big.Rat, len(x))
	for i, row := range x {
		for _, c := range row {
			y[i] = append(y[i], rational(t, c))
		}
	}
	return y
}

// TestAlgorithmsAreExact computes the trilinear form Σ_p A[p][i]·G[p][k]·B[p][l] of
// the tables, read as fractions: it must be 1 where input l meets weight k for output
// i, l = i + k, and 0 elsewhere. The forward product and both gradients are this form
// summed over two of the three.
func TestAlgorithmsAreExact(t *testing.T) {
	for _, a := range []*Algorithm{f43, f45} {
		t.Run(fmt.Sprintf("4,%d", a.R), func(t *testing.T) {
			at, bt, g := exact(t, a.at), exact(t, a.bt), exact(t, a.weights())
			for i := range Outputs {
				for k := range a.R {
					for l := range a.N {
						sum := new(big.Rat)
						for p := range a.N {
							term := new(big.Rat).Mul(at[i][p], g[p][k])
							sum.Add(sum, term.Mul(term, bt[p][l]))
						}
						want := int64(0)
						if l == i+k {
							want = 1
						}
						if sum.Cmp(big.NewRat(want, 1)) != 0 {
							t.Errorf("output %d, weight %d, input %d: %v, want %d", i, k, l, sum, want)
						}
					}
				}
			}
		})
	}
}

// TestMatricesAreOfTheirPoints derives the tables as the comment of [Algorithm] does.
func TestMatricesAreOfTheirPoints(t *testing.T) {
	for _, a := range []*Algorithm{f43, f45} {
		var points []*big.Rat
		for _, p := range a.points {
			points = append(points, rational(t, p))
		}
		at, bt, g := exact(t, a.at), exact(t, a.bt), exact(t, a.weights())
		same := func(what string, i int, got, want *big.Rat) {
			if got.Cmp(want) != 0 {
				t.Errorf("F(4, %d): row %d of %s has %v, want %v", a.R, i, what, got, want)
			}
		}
		for i := range a.N {
			infinite := i == len(points)
			l := []*big.Rat{big.NewRat(1, 1)} // Π (x − q), from x⁰ on
			at0 := big.NewRat(1, 1)           // L_p(p)
			for q, point := range points {
				if q == i {
					continue
				}
				next := append([]*big.Rat{new(big.Rat)}, l...)
				for k, c := range l {
					next[k] = new(big.Rat).Sub(next[k], new(big.Rat).Mul(c, point))
				}
				l = next
				if !infinite {
					at0.Mul(at0, new(big.Rat).Sub(points[i], point))
				}
			}
			scale := big.NewRat(1, 1) // of row i of Bᵀ
			if i == 0 {
				scale.Inv(at0)
			}
			for k := range a.N {
				want := new(big.Rat)
				if k < len(l) {
					want.Mul(l[k], scale)
				}
				same("Bᵀ", i, bt[i][k], want)
			}
			power := func(k, last int) *big.Rat {
				r := new(big.Rat)
				if infinite {
					if k == last {
						r.SetInt64(1)
					}
					return r
				}
				r.SetInt64(1)
				for range k {
					r.Mul(r, points[i])
				}
				return r
			}
			for k := range Outputs {
				same("A", i, at[k][i], power(k, Outputs-1))
			}
			for k := range a.R {
				want := power(k, a.R-1)
				if !infinite {
					want.Quo(want, new(big.Rat).Mul(at0, scale))
				}
				same("G", i, g[i][k], want)
			}
		}
	}
}
