package agg

import "fmt"

var spectralFilterRule = Rule{
	Name: "spectral-filter", Title: "resilience-based spectral filter",
	Options: []string{"f", "sigma"}, Needs: "n > 4f",
	Cost: "O(n²d + f n³)", Breakdown: "f/n → 1/4", MaxCorrupt: func(n int) int { return (n - 1) / 4 },
	Source: "Steinhardt, Charikar and Valiant 2017; Data and Diggavi 2020; [bgmd, Table 1]",
	build: func(o Options) core {
		label := fmt.Sprintf("spectral-filter(f=%d)", o.F)
		if o.Sigma != 0 {
			label = fmt.Sprintf("spectral-filter(f=%d, sigma=%g)", o.F, o.Sigma)
		}
		return &weighing{name: "spectral-filter", label: label, f: o.F, magnifies: true, absolute: o.Sigma != 0,
			rule: &spectralFilter{sigma: o.Sigma}}
	},
}

// spectralFilter is the rule "spectral-filter", a weighted mean. Weights start
// at one; as long as the weighted covariance's largest eigenvalue λ, with
// eigenvector v, is above σ², rows that stick out along v lose weight,
//
//	τᵢ = ⟨gᵢ − μ, v⟩²,  cᵢ ← cᵢ (1 − τᵢ/max τ),
//
// at most 2f in all: whenever λ is more than honest rows explain, corrupt rows
// lose more than honest ones do, so that a loss of 2f has disposed of all of
// them. The last round is shortened to end there. With σ = 0, for unknown, 2f
// are always removed. n > 4f leaves a majority.
type spectralFilter struct {
	sigma    float64
	spectrum spectrum
	c        []float64
}

func (s *spectralFilter) check(n, f int, _ Step) error {
	if n <= 4*f {
		return tooMany("spectral-filter", n, f, "n > 4f")
	}
	return nil
}

func (s *spectralFilter) scratch(n, _ int) float64 { return s.spectrum.scratch(n) }

func (s *spectralFilter) weigh(w []float64, rows *distances, f int, _ Step) {
	s.c = grown(s.c, rows.n)
	fill(s.c, 1)
	for left := 2 * float64(f); left > 1e-9; {
		if lambda := s.spectrum.top(rows, s.c); lambda <= s.sigma*s.sigma {
			break
		}
		loss, most := downweight(nil, s.c, s.spectrum.score)
		part := min(1, left/loss)
		for i, tau := range s.spectrum.score {
			s.c[i] *= 1 - part*min(1, tau/most)
		}
		left -= part * loss
	}
	normalise(w, s.c)
}

// downweight sets next, unless it is nil, to cᵢ (1 − τᵢ/max τ), the maximum
// taken over the rows that have weight, and returns how much weight is lost and
// that maximum.
func downweight(next, c, tau []float64) (loss, most float64) {
	for i, v := range tau {
		if c[i] > 0 {
			most = max(most, v)
		}
	}
	for i, v := range tau {
		keep := 1.0
		if most > 0 {
			keep -= min(1, v/most)
		}
		loss += c[i] * (1 - keep)
		if next != nil {
			next[i] = c[i] * keep
		}
	}
	return loss, most
}

// normalise sets w to c over its sum.
func normalise(w, c []float64) {
	total := sum(c)
	for i, v := range c {
		w[i] = v / total
	}
}
