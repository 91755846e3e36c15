package config

import "math"

// StepSize returns γ in the given epoch, counted from 0. In a warm-up of w epochs
// it rises linearly,
//
//	γ₀·(epoch + 1)/(w + 1)
//
// and with e = epoch − w, the epochs after that, it is
//
//	constant     γ₀
//	step         γ₀·factor^⌊e/every⌋
//	exponential  γ₀·factor^e
//	cosine       γ₀·(1 + cos(π·e/t_max))/2
//
// where t_max = 0 means the run's number of epochs less w.
func (c Config) StepSize(epoch int) float64 {
	gamma, s := c.Optimizer.LR, c.Schedule
	if epoch < s.Warmup {
		return gamma * float64(epoch+1) / float64(s.Warmup+1)
	}
	epoch -= s.Warmup
	switch s.Kind {
	case "step":
		return gamma * math.Pow(s.Factor, float64(epoch/s.Every))
	case "exponential":
		return gamma * math.Pow(s.Factor, float64(epoch))
	case "cosine":
		period := s.TMax
		if period == 0 {
			period = max(1, c.Epochs-s.Warmup)
		}
		return gamma * (1 + math.Cos(math.Pi*float64(epoch)/float64(period))) / 2
	}
	return gamma
}
