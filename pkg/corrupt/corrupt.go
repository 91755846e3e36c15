// Package corrupt damages what a share of the clients contributes to training:
// the features or labels of their samples, or the gradients they send.
//
// A corruption ([Data], [Gradient]) says what happens to the samples or rows it
// is given and keeps no state; [Members] says which ones those are. A plan
// ([DataPlan], [GradientPlan]) joins the two for a whole run, takes its
// randomness from the run's seed, and counts what it has done. A training loop
// needs plans alone:
//
//	for every client:
//		features.Apply(batch, corrupt.Image, step, client)
//		labels.Apply(batch, corrupt.Image, step, client)
//		batch.Whiten(mean, std)
//		features.Apply(batch, corrupt.Whitened, step, client)
//		...
//	gradients.Apply(G, step)
//
// Sources are cited in brackets: [bgmd] is Acharya et al., "Robust Training in
// High Dimensions via Block Coordinate Geometric Median Descent", AISTATS 2022,
// Section 4.1; [code] is the program its first author published with it. Where
// the two differ, both can be had by settings. Attacks that [bgmd] does not have
// name their papers where they are defined.
package corrupt

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/data"
)

// Data corrupts samples: their features or their labels. Its methods are safe
// for concurrent use on different batches.
type Data interface {
	// Apply corrupts the given samples of b in place, all of them where
	// samples is nil, drawing from rng, which belongs to this call. Listing
	// all samples in order does the same as nil.
	Apply(b *data.Batch, samples []int, rng *rand.Rand)
	// Space says in which form Apply wants the images.
	Space() Space
	// String names the corruption and its settings, such as
	// "additive(10, clip, image)".
	String() string
}

// Gradient corrupts rows of the matrix G of the clients' gradients.
type Gradient interface {
	// Apply corrupts the given rows of G, each listed once, in place, drawing
	// from rng, which belongs to this call. The other rows are honest; it may
	// look at them. Without rows it does nothing. The result does not depend
	// on the number of cores.
	Apply(G agg.Matrix, rows []int, rng *rand.Rand)
	// String names the corruption and its settings, such as "bitflip(100)".
	String() string
}

// Space is a form that images take on their way to the model.
type Space int

const (
	// Image is the form before whitening: values in [0, 1].
	Image Space = iota
	// Whitened is the form after it: zero mean and unit deviation, so about
	// [-1, 2]. [code] corrupts there as if the values were in [0, 255]: one
	// unit of noise or one impulse is worth 255, a hundred times what a clean
	// pixel reaches.
	Whitened
)

var spaces = map[string]Space{"image": Image, "whitened": Whitened}

func (s Space) String() string { return nameOf(spaces, s) }

// unit returns the value that stands for white in a corruption's formula.
func (s Space) unit() float32 {
	if s == Whitened {
		return 255
	}
	return 1
}

// FeatureOptions are the settings of the feature corruptions. Each kind reads
// only its own.
type FeatureOptions struct {
	Std    float64 // additive: σ > 0, in units of the space
	Amount float64 // impulse: probability in (0, 1] that a value is replaced
	Clip   bool    // all: clip the result to the space's [0, unit]
	Space  string  // all: "image" or "whitened"
}

// LabelOptions are the settings of the label corruptions.
type LabelOptions struct {
	Target int // backdoor: class ≥ 0 that corrupt samples are labelled as
}

// GradientOptions are the settings of the gradient corruptions. Each kind reads
// only its own; some have none.
type GradientOptions struct {
	Std     float64 // additive, gaussian: σ > 0
	Scale   float64 // bitflip: g becomes −Scale·g, Scale > 0
	Z       float64 // alie: deviations from the honest mean ≥ 0; 0 means [MaxZ]
	Epsilon float64 // ipm: g becomes −Epsilon times the honest mean, Epsilon > 0
}

// none is the kind that corrupts nothing. The constructors return nil for it,
// which the plans accept.
const none = "none"

var features = map[string]func(FeatureOptions) (Data, error){
	none:       func(FeatureOptions) (Data, error) { return nil, nil },
	"additive": newAdditiveFeature,
	"impulse":  newImpulse,
}

var labels = map[string]func(LabelOptions) (Data, error){
	none:       func(LabelOptions) (Data, error) { return nil, nil },
	"backdoor": newBackdoor,
}

var gradients = map[string]func(GradientOptions) (Gradient, error){
	none:               func(GradientOptions) (Gradient, error) { return nil, nil },
	"additive":         newAdditiveGradient,
	"alie":             newALIE,
	"bitflip":          newBitFlip,
	"gaussian":         newGaussianGradient,
	"ipm":              newIPM,
	"mimic":            newMimic,
	"not-finite":       newNotFinite,
	"random-sign-flip": newRandomSignFlip,
	"sign-flip":        newSignFlip,
}

// FeatureNames returns the kinds that [NewFeature] knows, sorted.
func FeatureNames() []string { return slices.Sorted(maps.Keys(features)) }

// LabelNames returns the kinds that [NewLabel] knows, sorted.
func LabelNames() []string { return slices.Sorted(maps.Keys(labels)) }

// GradientNames returns the kinds that [NewGradient] knows, sorted.
func GradientNames() []string { return slices.Sorted(maps.Keys(gradients)) }

// NewFeature returns the feature corruption of the given kind, nil for "none".
// It fails on an unknown kind and on settings out of range, naming all of them.
func NewFeature(kind string, o FeatureOptions) (Data, error) {
	build, err := lookup("feature corruption", kind, features)
	if err != nil {
		return nil, err
	}
	return build(o)
}

// NewLabel returns the label corruption of the given kind, nil for "none". It
// fails as [NewFeature] does. It does not know the number of classes: that the
// target is one of them is the caller's to check.
func NewLabel(kind string, o LabelOptions) (Data, error) {
	build, err := lookup("label corruption", kind, labels)
	if err != nil {
		return nil, err
	}
	return build(o)
}

// NewGradient returns the gradient corruption of the given kind, nil for
// "none". It fails as [NewFeature] does.
func NewGradient(kind string, o GradientOptions) (Gradient, error) {
	build, err := lookup("gradient corruption", kind, gradients)
	if err != nil {
		return nil, err
	}
	return build(o)
}

// lookup returns table[name]; its error lists what the table has.
func lookup[V any](what, name string, table map[string]V) (V, error) {
	v, ok := table[name]
	if !ok {
		have := strings.Join(slices.Sorted(maps.Keys(table)), ", ")
		return v, fmt.Errorf("corrupt: unknown %s %q (have %s)", what, name, have)
	}
	return v, nil
}

// nameOf is the inverse of lookup.
func nameOf[V ~int](table map[string]V, value V) string {
	for name, v := range table {
		if v == value {
			return name
		}
	}
	return fmt.Sprintf("%T(%d)", value, int(value))
}

// positive reports a setting that is not a positive finite number.
func positive(kind, field string, v float64) error {
	if !(v > 0) || math.IsInf(v, 1) {
		return fmt.Errorf("corrupt: %s: %s is %v, want > 0", kind, field, v)
	}
	return nil
}

// values yields every value of the given samples of b, of all where samples is
// nil: pixel by pixel, and within a pixel in the order of samples.
func values(b *data.Batch, samples []int) iter.Seq[*float32] {
	return func(yield func(*float32) bool) {
		for start := 0; start < len(b.X); start += b.N {
			pixel := b.X[start : start+b.N]
			if samples == nil {
				for i := range pixel {
					if !yield(&pixel[i]) {
						return
					}
				}
				continue
			}
			for _, i := range samples {
				if !yield(&pixel[i]) {
					return
				}
			}
		}
	}
}
