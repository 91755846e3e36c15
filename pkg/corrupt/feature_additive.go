package corrupt

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/data"
)

// AdditiveFeature adds Gaussian noise to every value of an image,
//
//	x ← x + u·z,  z ~ N(0, Std²),  then with Clip  x ← min(max(x, 0), u)
//
// where u, the value of white, is 1 in space [Image] and 255 in [Whitened].
//
// [bgmd] adds N(0, 100), Std = 10, to the image. [code] does so with Clip in
// space Whitened, as 255·clip(x/255 + z, 0, 1): nearly every corrupt value is 0
// or 255 after it. Without Clip in Whitened, the noise of deviation 255·Std
// stays as drawn: the setting takes away the clipping and nothing else.
type AdditiveFeature struct {
	Std  float64 // σ, in units of white
	Clip bool
	In   Space
}

func newAdditiveFeature(o FeatureOptions) (Data, error) {
	space, err := lookup("space", o.Space, spaces)
	if err := errors.Join(positive("additive", "std", o.Std), err); err != nil {
		return nil, err
	}
	return AdditiveFeature{Std: o.Std, Clip: o.Clip, In: space}, nil
}

// Apply implements [Data].
func (a AdditiveFeature) Apply(b *data.Batch, samples []int, rng *rand.Rand) {
	white := a.In.unit()
	std := float32(a.Std) * white
	noise := newGaussian(rng.Uint64(), rng.Uint64())
	for x := range values(b, samples) {
		*x += float32(std * noise.next())
		if a.Clip {
			*x = min(max(*x, 0), white)
		}
	}
}

// Space implements [Data].
func (a AdditiveFeature) Space() Space { return a.In }

func (a AdditiveFeature) String() string {
	return fmt.Sprintf("additive(%v%s, %v)", a.Std, clipped(a.Clip), a.In)
}

func clipped(clip bool) string {
	if clip {
		return ", clip"
	}
	return ""
}
