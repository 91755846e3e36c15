package plots

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// span is the range of the values added to it.
type span struct {
	min, max float64
	some     bool
}

func (s *span) add(x float64) {
	if !s.some {
		*s = span{x, x, true}
	}
	s.min, s.max = min(s.min, x), max(s.max, x)
}

// niceStep returns the distance of about count ticks over width: 1, 2 or 5
// times a power of ten.
func niceStep(width float64, count int) float64 {
	rough := width / float64(count)
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// ticks returns marks at the multiples of step in [lo, hi].
func ticks(lo, hi, step float64) plot.ConstantTicks {
	decimals := max(0, int(-math.Floor(math.Log10(step)+1e-9)))
	var marks plot.ConstantTicks
	for i := int(math.Ceil(lo/step - 1e-9)); float64(i) <= hi/step+1e-9; i++ {
		value := float64(i) * step
		marks = append(marks, plot.Tick{Value: value, Label: strconv.FormatFloat(value, 'f', decimals, 64)})
	}
	return marks
}

// setX lets an axis run from 0 to a little more than hi, so that the last
// marker is inside. Whole numbers get no ticks between them.
func setX(axis *plot.Axis, hi float64, whole bool) {
	if hi <= 0 {
		hi = 1 // nothing but epoch 0
	}
	step := niceStep(hi, 6)
	if whole {
		step = max(1, step)
	}
	axis.Min, axis.Max = 0, hi*1.02
	axis.Tick.Marker = ticks(axis.Min, axis.Max, step)
}

// setY lets an axis of percentages run from a tick below the values to one
// above them, within [0, 100].
func setY(axis *plot.Axis, values span) {
	const narrowest = 5 // points; less would magnify noise
	if widen := narrowest - (values.max - values.min); widen > 0 {
		values.min, values.max = values.min-widen/2, values.max+widen/2
	}
	step := niceStep(values.max-values.min, 5)
	lo := max(0, math.Floor(values.min/step)*step)
	hi := min(100, math.Ceil(values.max/step)*step)
	axis.Min, axis.Max = lo, hi
	axis.Tick.Marker = ticks(lo, hi, step)
}
