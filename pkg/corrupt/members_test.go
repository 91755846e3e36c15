package corrupt

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMembersSize(t *testing.T) {
	for _, test := range []struct {
		fraction    float64
		n           int
		floor, ceil int
	}{
		{0, 32, 0, 0},
		{0.2, 10, 2, 2},
		{0.4, 10, 4, 4},
		{0.1, 32, 3, 4},
		{0.2, 32, 6, 7},
		{0.4, 32, 12, 13},
		{0.29, 100, 29, 29},             // 0.29·100 = 28.999999999999996 in float64
		{0.07, 100, 7, 7},               // 0.07·100 = 7.000000000000001
		{0.30000000000000004, 10, 3, 4}, // taken at its word
		{1e-9, 32, 0, 1},
		{1, 32, 32, 32},
		{0.5, 0, 0, 0},
	} {
		floor := Members{Fraction: test.fraction, Count: Floor}.Size(test.n)
		ceil := Members{Fraction: test.fraction, Count: Ceil}.Size(test.n)
		if floor != test.floor || ceil != test.ceil {
			t.Errorf("%v of %d: floor %d, ceil %d, want %d, %d", test.fraction, test.n, floor, ceil, test.floor, test.ceil)
		}
	}
}

func TestPickFirst(t *testing.T) {
	got := Members{Fraction: 0.2, Kind: First, Count: Ceil}.Pick(32, nil)
	if want := []int{0, 1, 2, 3, 4, 5, 6}; !slices.Equal(got, want) {
		t.Errorf("first 0.2 of 32 are %v, want %v", got, want)
	}
}

func TestPickIsUniform(t *testing.T) {
	const n, times = 10, 20000
	m := Members{Fraction: 0.3, Kind: Redrawn}
	rng := newRand()
	var hits [n]int
	for range times {
		picked := m.Pick(n, rng)
		if len(picked) != 3 || !slices.IsSorted(picked) || len(slices.Compact(slices.Clone(picked))) != 3 {
			t.Fatalf("picked %v, want three different numbers in order", picked)
		}
		for _, i := range picked {
			hits[i]++
		}
	}
	for i, h := range hits {
		near(t, "frequency of "+string(rune('0'+i)), float64(h)/times, 0.3, times)
	}
}

func TestPickNests(t *testing.T) {
	few := Members{Fraction: 0.2}.Pick(32, newRand())
	many := Members{Fraction: 0.4}.Pick(32, newRand())
	for _, i := range few {
		if !slices.Contains(many, i) {
			t.Errorf("%d is among 0.2 of 32, %v, but not among 0.4, %v", i, few, many)
		}
	}
}

func TestPickNoneIsNotNil(t *testing.T) {
	if got := (Members{}).Pick(4, newRand()); got == nil || len(got) != 0 {
		t.Errorf("got %#v, want an empty slice", got)
	}
}

func TestMembersNameAllProblems(t *testing.T) {
	_, err := newMembers(1.5, "last", rowMemberKinds, "round")
	want := "corrupt: fraction is 1.5, want [0, 1]\n" +
		`corrupt: unknown members "last" (have first, fixed, numpy, redrawn)` + "\n" +
		`corrupt: unknown count "round" (have ceil, floor)`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestMembersPanicOnProgrammersMistakes(t *testing.T) {
	for name, f := range map[string]func(){
		"NaN":   func() { Members{Fraction: nan()}.Size(3) },
		"numpy": func() { Members{Kind: NumPy}.Pick(3, rand.New(rand.NewPCG(1, 2))) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
