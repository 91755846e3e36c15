//go:build gpu && linux

package cuda

// SGD moves x along −u with step size rate, by momentum and weight decay in PyTorch's form:
//
//	g = u + decay·x    v ← momentum·v + g    x ← x − rate·v, with Nesterov rate·(g + momentum·v)
//
// A zero velocity means no momentum: x ← x − rate·g. Roundings are the host's.
func (s *Stream) SGD(x, velocity, u Memory[float32], rate, momentum, decay float32, nesterov bool) error {
	flag := 0
	if nesterov {
		flag = 1
	}
	needs := []need{{"u", u.n, x.n}}
	if velocity.at != 0 {
		needs = append(needs, need{"velocity", velocity.n, x.n})
	}
	if err := check("SGD", needs...); err != nil {
		return err
	}
	return s.launch("sgd_step", grid{cover(x.n, 256), 1, 1}, x, velocity, u, rate, momentum, decay, flag, x.n)
}

// Adam is what a step of Adam depends on: Rate and Scale have the corrections of its start,
// rate/(1−β₁ᵗ) and 1/√(1−β₂ᵗ), and Rest1 and Rest2 are 1−β₁ and 1−β₂.
type Adam struct{ Beta1, Rest1, Beta2, Rest2, Decay, Rate, Scale, Epsilon float32 }

// Adam moves x along −u; m and v are the running means of the gradient and its square.
func (s *Stream) Adam(a Adam, x, m, v, u Memory[float32]) error {
	if err := check("Adam", need{"m", m.n, x.n}, need{"v", v.n, x.n}, need{"u", u.n, x.n}); err != nil {
		return err
	}
	return s.launch("adam_step", grid{cover(x.n, 256), 1, 1}, x, m, v, u, a.Beta1, a.Rest1, a.Beta2, a.Rest2, a.Decay, a.Rate, a.Scale, a.Epsilon, x.n)
}
