package config

import (
	"math"
	"testing"
)

func TestStepSize(t *testing.T) {
	c := Defaults()
	c.Optimizer.LR, c.Epochs = 0.1, 8
	for _, s := range []struct {
		schedule ScheduleConfig
		epoch    int
		want     float64
	}{
		{ScheduleConfig{Kind: "constant"}, 7, 0.1},
		{ScheduleConfig{Kind: "exponential", Factor: 0.5}, 0, 0.1},
		{ScheduleConfig{Kind: "exponential", Factor: 0.5}, 3, 0.0125},
		{ScheduleConfig{Kind: "step", Factor: 0.5, Every: 2}, 1, 0.1},
		{ScheduleConfig{Kind: "step", Factor: 0.5, Every: 2}, 5, 0.025},
		{ScheduleConfig{Kind: "cosine", TMax: 4}, 0, 0.1},
		{ScheduleConfig{Kind: "cosine", TMax: 4}, 2, 0.05},
		{ScheduleConfig{Kind: "cosine", TMax: 4}, 4, 0},
		{ScheduleConfig{Kind: "cosine"}, 4, 0.05}, // half of the run's 8 epochs
		{ScheduleConfig{Kind: "cosine", Warmup: 3}, 0, 0.025},
		{ScheduleConfig{Kind: "cosine", Warmup: 3}, 2, 0.075},
		{ScheduleConfig{Kind: "cosine", Warmup: 3}, 3, 0.1},
		{ScheduleConfig{Kind: "cosine", Warmup: 4}, 6, 0.05}, // half of the 4 epochs after it
		{ScheduleConfig{Kind: "cosine", Warmup: 9}, 7, 0.08}, // the run ends in it
		{ScheduleConfig{Kind: "exponential", Factor: 0.5, Warmup: 1}, 2, 0.05},
	} {
		c.Schedule = s.schedule
		if got := c.StepSize(s.epoch); math.Abs(got-s.want) > 1e-15 {
			t.Errorf("%+v: step size of epoch %d is %v, want %v", s.schedule, s.epoch, got, s.want)
		}
	}
}
