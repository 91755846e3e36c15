package breakdown

import (
	"bytes"
	"os"
	"testing"
)

// TestTable1AsPublished makes the published table of the published measurements.
func TestTable1AsPublished(t *testing.T) {
	got, err := Table1("../../results")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := got.Write(&b, "markdown"); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../results/aggregation/table1.md")
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

// TestStanding: a rule stands the rows before the first that move it by more than 2,
// under any attack, and no more than were tried.
func TestStanding(t *testing.T) {
	stands := standing([]Point{
		{Rule: "a", Attack: "x", N: 32, Corrupt: 12, Max: 1.5},
		{Rule: "a", Attack: "x", N: 32, Corrupt: 14, Max: 2.5},
		{Rule: "a", Attack: "y", N: 32, Corrupt: 12, Max: 1.75},
		{Rule: "a", Attack: "y", N: 32, Corrupt: 13, Max: 2},
		{Rule: "b", Attack: "x", N: 32, Corrupt: 16, Max: 1},
		{Rule: "c", Attack: "x", N: 32, Corrupt: 1, Max: 3},
	})
	for rule, want := range map[string]stand{"a": {13, 1.75, "y"}, "b": {most: 16}, "c": {}} {
		if got := stands[rule]; got == nil || *got != want {
			t.Errorf("%s: %+v, want %+v", rule, got, want)
		}
	}
}
