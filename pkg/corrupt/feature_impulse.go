package corrupt

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/data"
)

// Impulse is salt-and-pepper noise: every value of an image becomes
//
//	u with probability Amount/2   (salt)
//	0 with probability Amount/2   (pepper)
//	x otherwise, with Clip min(max(x, 0), u)
//
// where u, the value of white, is 1 in space [Image] and 255 in [Whitened].
//
// The channels of a pixel are hit independently of each other, as by
// skimage.util.random_noise, which [code] and the corruptions that [bgmd]
// adopts (Hendrycks and Dietterich 2018) call. In space Image Clip changes
// nothing, as images lie in [0, 1]. [bgmd] has Amount 0.9; [code] has 0.95 with
// Clip in space Whitened: there pepper is the mean image's value, salt is a
// hundred times a white pixel's, and values below the mean become 0 too.
type Impulse struct {
	Amount float64
	Clip   bool
	In     Space
}

func newImpulse(o FeatureOptions) (Data, error) {
	space, err := lookup("space", o.Space, spaces)
	if !(o.Amount > 0 && o.Amount <= 1) {
		err = errors.Join(fmt.Errorf("corrupt: impulse: amount is %v, want (0, 1]", o.Amount), err)
	}
	if err != nil {
		return nil, err
	}
	return Impulse{Amount: o.Amount, Clip: o.Clip, In: space}, nil
}

// Apply implements [Data].
func (m Impulse) Apply(b *data.Batch, samples []int, rng *rand.Rand) {
	white := m.In.unit()
	// Of the 64 bits of a draw the upper 53 decide whether the value is hit
	// and the lowest whether by salt.
	hit := uint64(m.Amount * (1 << 53))
	for x := range values(b, samples) {
		switch draw := rng.Uint64(); {
		case draw>>11 >= hit:
			if m.Clip {
				*x = min(max(*x, 0), white)
			}
		case draw&1 == 1:
			*x = white
		default:
			*x = 0
		}
	}
}

// Space implements [Data].
func (m Impulse) Space() Space { return m.In }

func (m Impulse) String() string {
	return fmt.Sprintf("impulse(%v%s, %v)", m.Amount, clipped(m.Clip), m.In)
}
