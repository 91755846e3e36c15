package corrupt

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
)

// elsewhere are rows in memory that count what copies them.
type elsewhere struct {
	G, copied agg.Matrix
	noise     []float32
	copies    int
}

func (e *elsewhere) Size() (n, d int) { return e.G.Rows, e.G.Cols }

func (e *elsewhere) Scale(rows []int, factor float32) error {
	for _, i := range rows {
		for j := range e.G.Row(i) {
			e.G.Row(i)[j] *= factor
		}
	}
	return nil
}

func (e *elsewhere) Noise(rows int) (agg.Matrix, error) {
	if e.noise == nil {
		e.noise = make([]float32, rows*e.G.Cols)
	}
	return agg.Matrix{Data: e.noise, Rows: rows, Cols: e.G.Cols}, nil
}

func (e *elsewhere) Add(rows []int, noise agg.Matrix) error {
	for k, i := range rows {
		for j, z := range noise.Row(k) {
			e.G.Row(i)[j] += z
		}
	}
	return nil
}

func (e *elsewhere) Replace(rows []int, noise agg.Matrix) error {
	for k, i := range rows {
		copy(e.G.Row(i), noise.Row(k))
	}
	return nil
}

func (e *elsewhere) Host() ([]float32, agg.Matrix, error) {
	e.copies++
	e.copied = clone(e.G)
	return nil, e.copied, nil
}

func (e *elsewhere) Return(rows []int) error {
	for _, i := range rows {
		copy(e.G.Row(i), e.copied.Row(i))
	}
	return nil
}

// TestApplyIn: rows that live elsewhere become what they become in memory, to the bit,
// in any order of steps, and are copied only where a corruption looks at them.
func TestApplyIn(t *testing.T) {
	const n, d = 7, 2*rowGrain + 5
	for _, kind := range GradientNames() {
		for _, members := range []string{"fixed", "redrawn", "numpy"} {
			if members == "numpy" && !slices.Contains(NumPyNames(), kind) {
				continue
			}
			t.Run(kind+" of "+members, func(t *testing.T) {
				plan := func() *GradientPlan {
					p, err := NewGradientPlan(kind, GradientOptions{Std: 10, Scale: 5, Epsilon: 0.5},
						RowMemberOptions{Fraction: 0.45, Members: members, Count: "floor"}, stream.Root(3))
					if err != nil {
						t.Fatal(err)
					}
					return p
				}
				here, there := plan(), plan()
				rows := &elsewhere{G: agg.NewMatrix(n, d)}
				for _, step := range []int{0, 1, 2, 7, 8} {
					G := noisy(n, d)
					copy(rows.G.Data, G.Data)
					want := here.Apply(G, step)
					got, err := there.ApplyIn(rows, step)
					if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
						t.Fatalf("step %d: rows %v, %v, want %v", step, got, err, want)
					}
					if !sameBits(rows.G.Data, G.Data) {
						t.Fatalf("step %d: other values than in memory", step)
					}
				}
				there.Settle()
				if here.Tally() != there.Tally() {
					t.Errorf("tally %v, want %v", there.Tally(), here.Tally())
				}
				stays := slices.Contains([]string{none, "bitflip", "sign-flip", "additive", "gaussian"}, kind)
				if stays != (rows.copies == 0) {
					t.Errorf("%d copies", rows.copies)
				}
			})
		}
	}
}
