package topk

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

func TestTopMatchesStableSort(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	var s Selector
	for range 300 {
		scores := make([]float64, 1+r.IntN(400))
		for j := range scores {
			switch r.IntN(3) {
			case 0:
				scores[j] = float64(r.IntN(4)) // ties, zeros
			case 1:
				scores[j] = 1 + 0x1p-52*float64(r.IntN(3)) // differ in the last bit
			default:
				scores[j] = math.Exp(200 * r.NormFloat64())
			}
		}
		order := make([]int, len(scores))
		for j := range order {
			order[j] = j
		}
		sort.SliceStable(order, func(a, b int) bool { return scores[order[a]] > scores[order[b]] })
		k := 1 + r.IntN(len(scores))
		want := order[:k]
		slices.Sort(want)
		got := make([]int, k)
		if s.Top(got, scores); !slices.Equal(got, want) {
			t.Fatalf("top %d of %v: %v, want %v", k, scores, got, want)
		}
	}
}

// TestStreamMatchesTop: what is chosen while scores are being formed is what Top chooses
// of all, with the columns that belong to it.
func TestStreamMatchesTop(t *testing.T) {
	const d, n, k = 3*Width + 100, 3, 500
	r := rand.New(rand.NewPCG(8, 1))
	scores, rows := make([]float64, d), make([]float32, n*d)
	for j := range scores {
		scores[j] = float64(r.IntN(100)) // ties
	}
	for i := range rows {
		rows[i] = float32(i)
	}
	want, got, columns := make([]int, k), make([]int, k), make([]float32, n*k)
	var all, s Selector
	all.Top(want, scores)
	for range 2 { // anew
		s.Start(2, s.RankedBin(scores, k+50), d)
		for lo := 0; lo < d; lo += Width {
			s.Add(lo/(2*Width), scores[lo:min(lo+Width, d)], lo, rows, n, d)
		}
		if !s.Holds(k) {
			t.Fatal("too few candidates")
		}
		s.Finish(got)
		if s.Gather(columns, n); !slices.Equal(got, want) || s.Inside() != all.Inside() {
			t.Fatalf("chose %v, want %v", got, want)
		}
		for p, v := range columns {
			if at := p/k*d + want[p%k]; v != rows[at] {
				t.Fatalf("gathered %v, want %v", v, rows[at])
			}
		}
	}
	s.Start(2, 0, k)
	for lo := 0; lo < d; lo += Width {
		s.Add(0, scores[lo:min(lo+Width, d)], lo, rows, n, d)
	}
	if !s.Overfull() || s.Holds(k) {
		t.Error("takes more candidates than allowed")
	}
}
