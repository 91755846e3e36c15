package corrupt

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
)

func TestNames(t *testing.T) {
	for _, test := range []struct {
		got  []string
		want string
	}{
		{FeatureNames(), "additive impulse none"},
		{LabelNames(), "backdoor none"},
		{GradientNames(), "additive alie bitflip gaussian ipm mimic none not-finite random-sign-flip sign-flip"},
	} {
		if got := strings.Join(test.got, " "); got != test.want {
			t.Errorf("names %q, want %q", got, test.want)
		}
	}
}

func TestConstructors(t *testing.T) {
	feature := func(kind string, o FeatureOptions) func() (any, error) {
		return func() (any, error) { return NewFeature(kind, o) }
	}
	label := func(kind string, o LabelOptions) func() (any, error) {
		return func() (any, error) { return NewLabel(kind, o) }
	}
	gradient := func(kind string, o GradientOptions) func() (any, error) {
		return func() (any, error) { return NewGradient(kind, o) }
	}
	good := map[string]func() (any, error){
		"additive(10, clip, whitened)": feature("additive", FeatureOptions{Std: 10, Clip: true, Space: "whitened"}),
		"additive(0.5, image)":         feature("additive", FeatureOptions{Std: 0.5, Space: "image"}),
		"impulse(0.9, image)":          feature("impulse", FeatureOptions{Amount: 0.9, Space: "image"}),
		"backdoor(8)":                  label("backdoor", LabelOptions{Target: 8}),
		"additive(10)":                 gradient("additive", GradientOptions{Std: 10}),
		"bitflip(100)":                 gradient("bitflip", GradientOptions{Scale: 100}),
		"gaussian(200)":                gradient("gaussian", GradientOptions{Std: 200}),
		"sign-flip":                    gradient("sign-flip", GradientOptions{}),
		"random-sign-flip":             gradient("random-sign-flip", GradientOptions{}),
		"alie(1.5)":                    gradient("alie", GradientOptions{Z: 1.5}),
		"alie(z_max)":                  gradient("alie", GradientOptions{}),
		"ipm(0.1)":                     gradient("ipm", GradientOptions{Epsilon: 0.1}),
		"mimic":                        gradient("mimic", GradientOptions{}),
		"not-finite":                   gradient("not-finite", GradientOptions{}),
	}
	for want, build := range good {
		got, err := build()
		if err != nil {
			t.Errorf("%s: %v", want, err)
		} else if s := got.(interface{ String() string }).String(); s != want {
			t.Errorf("got %s, want %s", s, want)
		}
	}
	bad := map[string]func() (any, error){
		`corrupt: unknown feature corruption "gauss" (have additive, impulse, none)`:                                                                      feature("gauss", FeatureOptions{}),
		`corrupt: unknown label corruption "flip" (have backdoor, none)`:                                                                                  label("flip", LabelOptions{}),
		`corrupt: unknown gradient corruption "sign" (have additive, alie, bitflip, gaussian, ipm, mimic, none, not-finite, random-sign-flip, sign-flip)`: gradient("sign", GradientOptions{}),
		"corrupt: gaussian: std is 0, want > 0":                                                                                                           gradient("gaussian", GradientOptions{}),
		"corrupt: alie: z is -0.5, want ≥ 0 (0 means z_max)":                                                                                              gradient("alie", GradientOptions{Z: -0.5}),
		"corrupt: alie: z is NaN, want ≥ 0 (0 means z_max)":                                                                                               gradient("alie", GradientOptions{Z: math.NaN()}),
		"corrupt: alie: z is +Inf, want ≥ 0 (0 means z_max)":                                                                                              gradient("alie", GradientOptions{Z: math.Inf(1)}),
		"corrupt: ipm: epsilon is 0, want > 0":                                                                                                            gradient("ipm", GradientOptions{}),
		"corrupt: additive: std is -1, want > 0":                                                                                                          gradient("additive", GradientOptions{Std: -1}),
		"corrupt: additive: std is NaN, want > 0":                                                                                                         gradient("additive", GradientOptions{Std: math.NaN()}),
		"corrupt: bitflip: scale is +Inf, want > 0":                                                                                                       gradient("bitflip", GradientOptions{Scale: math.Inf(1)}),
		"corrupt: backdoor: target is -1, want ≥ 0":                                                                                                       label("backdoor", LabelOptions{Target: -1}),
		"corrupt: impulse: amount is 1.5, want (0, 1]":                                                                                                    feature("impulse", FeatureOptions{Amount: 1.5, Space: "image"}),
		"corrupt: additive: std is 0, want > 0\n" +
			`corrupt: unknown space "" (have image, whitened)`: feature("additive", FeatureOptions{}),
		"corrupt: impulse: amount is 0, want (0, 1]\n" +
			`corrupt: unknown space "raw" (have image, whitened)`: feature("impulse", FeatureOptions{Space: "raw"}),
	}
	for want, build := range bad {
		if _, err := build(); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

func TestNamesOfUnknownValues(t *testing.T) {
	if got, want := Space(7).String(), "corrupt.Space(7)"; got != want {
		t.Errorf("Space(7) prints %q, want %q", got, want)
	}
}

// grey returns n 1×28×28 images of one value.
func grey(n int, value float32) *data.Batch {
	b := data.NewBatch(data.Shape{C: 1, H: 28, W: 28}, n)
	for i := range b.X {
		b.X[i] = value
	}
	return b
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// share returns the fraction of xs that equal value.
func share(xs []float32, value float32) float64 {
	n := 0
	for _, x := range xs {
		if x == value {
			n++
		}
	}
	return float64(n) / float64(len(xs))
}

// near fails the test unless a share of n independent trials is within five
// standard errors of its expectation p.
func near(t *testing.T, what string, got, p float64, n int) {
	t.Helper()
	if math.Abs(got-p) > 5*math.Sqrt(p*(1-p)/float64(n)) {
		t.Errorf("%s is %.4f, want %.4f", what, got, p)
	}
}

func TestAdditiveFeatureMoments(t *testing.T) {
	for _, test := range []struct {
		in  Space
		std float64 // of what is added
	}{{Image, 10}, {Whitened, 2550}} {
		b := grey(64, 0.25)
		AdditiveFeature{Std: 10, In: test.in}.Apply(b, nil, newRand())
		mean, std := moments(b.X)
		stderr := test.std / math.Sqrt(float64(len(b.X)))
		if math.Abs(mean-0.25) > 5*stderr || math.Abs(std-test.std) > 5*stderr {
			t.Errorf("%v: mean %.4f, deviation %.4f, want 0.25, %v", test.in, mean, std, test.std)
		}
	}
}

// TestAdditiveFeatureClips computes by hand what N(0, 100) and clipping leave of
// a value x: with Φ the normal distribution function it is 0 with probability
// Φ(−x/10), and white with Φ((x−1)/10), x in units of white.
func TestAdditiveFeatureClips(t *testing.T) {
	cdf := func(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }
	for _, test := range []struct {
		in    Space
		x     float32
		white float32
		unit  float64 // x in units of white
	}{
		{Image, 0.5, 1, 0.5},
		{Whitened, 2, 255, 2. / 255},     // about the whitest pixel of Fashion-MNIST
		{Whitened, -0.8, 255, -.8 / 255}, // about the blackest
	} {
		b := grey(64, test.x)
		AdditiveFeature{Std: 10, Clip: true, In: test.in}.Apply(b, nil, newRand())
		near(t, "share of 0", share(b.X, 0), cdf(-test.unit/10), len(b.X))
		near(t, "share of white", share(b.X, test.white), cdf((test.unit-1)/10), len(b.X))
		if low, high := slices.Min(b.X), slices.Max(b.X); low != 0 || high != test.white {
			t.Errorf("%v: values in [%v, %v], want [0, %v]", test.in, low, high, test.white)
		}
	}
}

func TestImpulse(t *testing.T) {
	tests := []struct {
		impulse           Impulse
		x, untouched, top float32
	}{
		{Impulse{Amount: 0.9}, 0.25, 0.25, 1},
		{Impulse{Amount: 0.9, Clip: true}, 0.25, 0.25, 1},
		{Impulse{Amount: 0.95, Clip: true, In: Whitened}, 1.5, 1.5, 255},
		{Impulse{Amount: 0.95, In: Whitened}, -0.8, -0.8, 255},
	}
	for _, test := range tests {
		t.Run(test.impulse.String(), func(t *testing.T) {
			b := grey(64, test.x)
			test.impulse.Apply(b, nil, newRand())
			amount := test.impulse.Amount
			near(t, "salt", share(b.X, test.top), amount/2, len(b.X))
			near(t, "pepper", share(b.X, 0), amount/2, len(b.X))
			near(t, "untouched", share(b.X, test.untouched), 1-amount, len(b.X))
		})
	}
	// In [code] an untouched value below the mean becomes 0, like pepper.
	b := grey(64, -0.8)
	Impulse{Amount: 0.95, Clip: true, In: Whitened}.Apply(b, nil, newRand())
	near(t, "black", share(b.X, 0), 0.525, len(b.X))

	b = grey(4, 0.25)
	Impulse{Amount: 1}.Apply(b, nil, newRand())
	if left := share(b.X, 0.25); left != 0 {
		t.Errorf("amount 1 left a share of %v untouched", left)
	}
}

func TestImpulseHitsChannelsIndependently(t *testing.T) {
	b := data.NewBatch(data.Shape{C: 3, H: 32, W: 32}, 16)
	for i := range b.X {
		b.X[i] = 0.25
	}
	Impulse{Amount: 0.5}.Apply(b, nil, newRand())
	both := 0
	for i, x := range b.Channel(0) {
		if x != 0.25 && b.Channel(1)[i] != 0.25 {
			both++
		}
	}
	n := len(b.Channel(0))
	near(t, "share of pixels hit in two given channels", float64(both)/float64(n), 0.25, n)
}

// TestDataContract runs every data corruption through what [Data] promises.
func TestDataContract(t *testing.T) {
	for _, corruption := range []Data{
		AdditiveFeature{Std: 10}, AdditiveFeature{Std: 10, Clip: true, In: Whitened},
		Impulse{Amount: 0.9}, Impulse{Amount: 0.9, Clip: true, In: Whitened},
		Backdoor{Target: 8},
	} {
		t.Run(corruption.String(), func(t *testing.T) {
			all, listed, some := grey(5, 0.25), grey(5, 0.25), grey(5, 0.25)
			corruption.Apply(all, nil, newRand())
			corruption.Apply(listed, []int{0, 1, 2, 3, 4}, newRand())
			if !slices.Equal(all.X, listed.X) || !slices.Equal(all.Labels, listed.Labels) {
				t.Error("nil and a list of all samples differ")
			}
			corruption.Apply(some, []int{1, 4}, newRand())
			changed := make([]bool, some.N)
			for i, x := range some.X {
				changed[i%some.N] = changed[i%some.N] || x != 0.25
			}
			for i, label := range some.Labels {
				changed[i] = changed[i] || label != 0
			}
			if want := []bool{false, true, false, false, true}; !slices.Equal(changed, want) {
				t.Errorf("samples changed: %v, want %v", changed, want)
			}
		})
	}
}

func TestValuesStops(t *testing.T) {
	for _, samples := range [][]int{nil, {1, 0}} {
		b := grey(2, 0)
		for x := range values(b, samples) {
			*x = 1
			break
		}
		if i := slices.Index(b.X, 1); i < 0 || slices.Contains(b.X[i+1:], 1) {
			t.Errorf("samples %v: want one value changed", samples)
		}
	}
}

func TestBackdoor(t *testing.T) {
	b := grey(4, 0)
	copy(b.Labels, []int{1, 2, 3, 4})
	Backdoor{Target: 8}.Apply(b, []int{1, 3}, nil)
	if want := []int{1, 8, 3, 8}; !slices.Equal(b.Labels, want) {
		t.Errorf("labels %v, want %v", b.Labels, want)
	}
}

func moments(xs []float32) (mean, std float64) {
	var sum, squares float64
	for _, x := range xs {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	mean = sum / float64(len(xs))
	return mean, math.Sqrt(squares/float64(len(xs)) - mean*mean)
}
