package corrupt

import (
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/data"
)

// Backdoor labels every corrupt sample as class Target, whatever it shows.
// [bgmd] has Target 8, the bags of Fashion-MNIST; [code] reads its setting
// under a name that its configuration does not use, and has 0.
type Backdoor struct{ Target int }

func newBackdoor(o LabelOptions) (Data, error) {
	if o.Target < 0 {
		return nil, fmt.Errorf("corrupt: backdoor: target is %d, want ≥ 0", o.Target)
	}
	return Backdoor{Target: o.Target}, nil
}

// Apply implements [Data]. It draws nothing.
func (l Backdoor) Apply(b *data.Batch, samples []int, _ *rand.Rand) {
	if samples == nil {
		for i := range b.Labels {
			b.Labels[i] = l.Target
		}
		return
	}
	for _, i := range samples {
		b.Labels[i] = l.Target
	}
}

// Space implements [Data]. Labels have no space; they are corrupted with the
// image as it comes.
func (Backdoor) Space() Space { return Image }

func (l Backdoor) String() string { return fmt.Sprintf("backdoor(%d)", l.Target) }
