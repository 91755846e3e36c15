package plots

import (
	"fmt"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

// marks describes an axis: its ends and the labels of its ticks.
func marks(a plot.Axis) string {
	var labels []string
	for _, tick := range a.Tick.Marker.Ticks(a.Min, a.Max) {
		labels = append(labels, tick.Label)
	}
	return fmt.Sprintf("[%.4g, %.4g] %s", a.Min, a.Max, strings.Join(labels, " "))
}

func TestSetX(t *testing.T) {
	for _, c := range []struct {
		hi    float64
		whole bool
		want  string
	}{
		{0, false, "[0, 1.02] 0.0 0.2 0.4 0.6 0.8 1.0"},
		{0, true, "[0, 1.02] 0 1"},
		{3, true, "[0, 3.06] 0 1 2 3"},
		{3, false, "[0, 3.06] 0.0 0.5 1.0 1.5 2.0 2.5 3.0"},
		{50, true, "[0, 51] 0 10 20 30 40 50"},
		{0.012, false, "[0, 0.01224] 0.000 0.002 0.004 0.006 0.008 0.010 0.012"},
		{5850, true, "[0, 5967] 0 1000 2000 3000 4000 5000"},
	} {
		var a plot.Axis
		setX(&a, c.hi, c.whole)
		if got := marks(a); got != c.want {
			t.Errorf("setX(%g, %t) gives %s, want %s", c.hi, c.whole, got, c.want)
		}
	}
}

func TestSetY(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{10, 89.4, "[0, 100] 0 20 40 60 80 100"},
		{0, 0, "[0, 3] 0 1 2 3"},
		{100, 100, "[97, 100] 97 98 99 100"},
		{9.8, 9.8, "[7, 13] 7 8 9 10 11 12 13"},
		{80, 89, "[80, 90] 80 82 84 86 88 90"},
	} {
		var a plot.Axis
		setY(&a, span{min: c.lo, max: c.hi})
		if got := marks(a); got != c.want {
			t.Errorf("setY(%g to %g) gives %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
}

func TestTimeUnits(t *testing.T) {
	for _, c := range []struct {
		seconds float64
		label   string
		divisor float64
	}{
		{0, "wall-clock time (s)", 1},
		{1199, "wall-clock time (s)", 1},
		{1200, "wall-clock time (min)", 60},
		{3*3600 - 1, "wall-clock time (min)", 60},
		{3 * 3600, "wall-clock time (h)", 3600},
	} {
		if label, divisor := Time.unit(c.seconds); label != c.label || divisor != c.divisor {
			t.Errorf("%g s: unit is %q, 1/%g, want %q, 1/%g", c.seconds, label, divisor, c.label, c.divisor)
		}
	}
}
