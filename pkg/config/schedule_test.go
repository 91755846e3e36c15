package config

import (
	"math"
	"testing"
)

func TestStepSize(t *testing.T) {
	c := Defaults()
	c.Optimizer.LR, c.Epochs = 0.1, 8
	for _, s := range []struct {
		schedule Schedule
		epoch    int
		want     float64
	}{
		{Schedule{Kind: "constant"}, 7, 0.1},
		{Schedule{Kind: "exponential", Factor: 0.5}, 0, 0.1},
		{Schedule{Kind: "exponential", Factor: 0.5}, 3, 0.0125},
		{Schedule{Kind: "step", Factor: 0.5, Every: 2}, 1, 0.1},
		{Schedule{Kind: "step", Factor: 0.5, Every: 2}, 5, 0.025},
		{Schedule{Kind: "cosine", TMax: 4}, 0, 0.1},
		{Schedule{Kind: "cosine", TMax: 4}, 2, 0.05},
		{Schedule{Kind: "cosine", TMax: 4}, 4, 0},
		{Schedule{Kind: "cosine"}, 4, 0.05}, // half of the run's 8 epochs
		{Schedule{Kind: "cosine", Warmup: 3}, 0, 0.025},
		{Schedule{Kind: "cosine", Warmup: 3}, 2, 0.075},
		{Schedule{Kind: "cosine", Warmup: 3}, 3, 0.1},
		{Schedule{Kind: "cosine", Warmup: 4}, 6, 0.05}, // half of the 4 epochs after it
		{Schedule{Kind: "cosine", Warmup: 9}, 7, 0.08}, // the run ends in it
		{Schedule{Kind: "exponential", Factor: 0.5, Warmup: 1}, 2, 0.05},
	} {
		c.Schedule = s.schedule
		if got := c.StepSize(s.epoch); math.Abs(got-s.want) > 1e-15 {
			t.Errorf("%+v: step size of epoch %d is %v, want %v", s.schedule, s.epoch, got, s.want)
		}
	}
}
