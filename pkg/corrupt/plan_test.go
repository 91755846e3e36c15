package corrupt

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/data"
)

func nan() float64 { return math.NaN() }

const clients = 32

func featurePlan(t *testing.T, kind string, v MemberOptions) *DataPlan {
	t.Helper()
	o := FeatureOptions{Std: 10, Amount: 0.9, Space: "image"}
	p, err := NewFeaturePlan(kind, o, v, clients, 7)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// corruptClients returns the clients whose batches a plan changes at a step.
func corruptClients(p *DataPlan, step int) []int {
	var hit []int
	for client := range clients {
		b := grey(2, 0.25)
		p.Apply(b, Image, step, client)
		if share(b.X, 0.25) < 1 || slices.Max(b.Labels) > 0 {
			hit = append(hit, client)
		}
	}
	return hit
}

func TestDataPlanMembers(t *testing.T) {
	for _, test := range []struct {
		members, count string
		same           bool // at every step
		size           int
	}{
		{"fixed", "floor", true, 6},
		{"redrawn", "floor", false, 6},
		{"first", "ceil", true, 7},
	} {
		p := featurePlan(t, "additive", MemberOptions{Fraction: 0.2, Level: "client", Members: test.members, Count: test.count})
		a, b := corruptClients(p, 0), corruptClients(p, 1)
		if len(a) != test.size || len(b) != test.size {
			t.Errorf("%v: clients %v, then %v, want %d", p, a, b, test.size)
		}
		if slices.Equal(a, b) != test.same {
			t.Errorf("%v: clients %v, then %v", p, a, b)
		}
		want := Tally{Corrupt: int64(2 * 2 * test.size), Total: 2 * 2 * clients}
		if got := p.Tally(); got != want {
			t.Errorf("%v: tally %v, want %v", p, got, want)
		}
	}
}

// TestPlansShareMembers checks that clients are corrupt or honest as a whole.
func TestPlansShareMembers(t *testing.T) {
	for _, members := range []string{"fixed", "redrawn", "first"} {
		v := MemberOptions{Fraction: 0.25, Level: "client", Members: members, Count: "floor"}
		features := featurePlan(t, "impulse", v)
		labels, err := NewLabelPlan("backdoor", LabelOptions{Target: 8}, v, clients, 7)
		if err != nil {
			t.Fatal(err)
		}
		gradients, err := NewGradientPlan("bitflip", GradientOptions{Scale: 5}, RowMemberOptions{Fraction: 0.25, Members: members, Count: "floor"}, 7)
		if err != nil {
			t.Fatal(err)
		}
		for step := range 3 {
			rows := gradients.Apply(agg.NewMatrix(clients, 1), step)
			a, b := corruptClients(features, step), corruptClients(labels, step)
			if !slices.Equal(a, b) || !slices.Equal(a, rows) {
				t.Errorf("%s, step %d: features of %v, labels of %v, gradients of %v", members, step, a, b, rows)
			}
		}
	}
}

func TestDataPlanSamples(t *testing.T) {
	labelled := func(members string, step, client int) []int {
		v := MemberOptions{Fraction: 0.2, Level: "sample", Members: members, Count: "floor"}
		p, err := NewLabelPlan("backdoor", LabelOptions{Target: 8}, v, clients, 7)
		if err != nil {
			t.Fatal(err)
		}
		b := grey(64, 0)
		p.Apply(b, Image, step, client)
		if got, want := p.Tally(), (Tally{Corrupt: 12, Total: 64}); got != want {
			t.Errorf("%v: tally %v, want %v", p, got, want)
		}
		return b.Labels
	}
	for _, test := range []struct {
		members                string
		sameSteps, sameClients bool
	}{{"fixed", true, false}, {"redrawn", false, false}, {"first", true, true}} {
		first := labelled(test.members, 0, 0)
		if got := slices.Equal(first, labelled(test.members, 1, 0)); got != test.sameSteps {
			t.Errorf("%s: same samples at another step: %v, want %v", test.members, got, test.sameSteps)
		}
		if got := slices.Equal(first, labelled(test.members, 0, 1)); got != test.sameClients {
			t.Errorf("%s: same samples of another client: %v, want %v", test.members, got, test.sameClients)
		}
	}
	// A share too small for one sample corrupts none, not all.
	p, err := NewLabelPlan("backdoor", LabelOptions{Target: 8}, MemberOptions{Fraction: 0.01, Level: "sample", Members: "first", Count: "floor"}, clients, 7)
	if err != nil {
		t.Fatal(err)
	}
	b := grey(64, 0)
	p.Apply(b, Image, 0, 0)
	if n := slices.Max(b.Labels); n != 0 || p.Tally().Fraction() != 0 {
		t.Errorf("0.01 of 64 samples: labels up to %d, tally %v", n, p.Tally())
	}
}

func TestDataPlanHasOneSpace(t *testing.T) {
	v := MemberOptions{Fraction: 1, Level: "client", Members: "first", Count: "floor"}
	p, err := NewFeaturePlan("impulse", FeatureOptions{Amount: 1, Clip: true, Space: "whitened"}, v, 1, 7)
	if err != nil {
		t.Fatal(err)
	}
	b := grey(2, 0.25)
	p.Apply(b, Image, 0, 0)
	if share(b.X, 0.25) != 1 || p.Tally().Total != 0 {
		t.Error("corrupted before whitening")
	}
	p.Apply(b, Whitened, 0, 0)
	if share(b.X, 0.25) != 0 || p.Tally().Total != 2 {
		t.Error("not corrupted after whitening")
	}
}

// TestDataPlanConcurrently prepares a step's batches at once and one by one.
func TestDataPlanConcurrently(t *testing.T) {
	v := MemberOptions{Fraction: 0.4, Level: "client", Members: "redrawn", Count: "floor"}
	run := func(each func(func(client int))) ([]*data.Batch, Tally) {
		p := featurePlan(t, "additive", v)
		batches := make([]*data.Batch, clients)
		each(func(client int) {
			batches[client] = grey(4, 0.25)
			p.Apply(batches[client], Image, 3, client)
		})
		return batches, p.Tally()
	}
	want, wantTally := run(func(f func(int)) {
		for client := range clients {
			f(client)
		}
	})
	got, gotTally := run(func(f func(int)) {
		var wg sync.WaitGroup
		for client := range clients {
			wg.Go(func() { f(client) })
		}
		wg.Wait()
	})
	if gotTally != wantTally || wantTally != (Tally{Corrupt: 48, Total: 128}) {
		t.Errorf("tally %v at once, %v one by one, want {48 128}", gotTally, wantTally)
	}
	for client := range clients {
		if !slices.Equal(got[client].X, want[client].X) {
			t.Errorf("client %d's batch differs", client)
		}
	}
}

func TestGradientPlanDoesNotDependOnCores(t *testing.T) {
	run := func(cores int, members string) []float32 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		p, err := NewGradientPlan("additive", GradientOptions{Std: 10}, RowMemberOptions{Fraction: 0.5, Members: members, Count: "floor"}, 7)
		if err != nil {
			t.Fatal(err)
		}
		G := agg.NewMatrix(8, 2*rowGrain+5)
		p.Apply(G, 3)
		return G.Data
	}
	for _, members := range []string{"redrawn", "numpy"} {
		one := run(1, members)
		if !slices.Equal(one, run(1, members)) {
			t.Errorf("%s: two runs differ", members)
		}
		if !slices.Equal(one, run(5, members)) {
			t.Errorf("%s: 1 and 5 cores differ", members)
		}
	}
}

func TestGradientPlanDrawsAnewEachStep(t *testing.T) {
	p, err := NewGradientPlan("additive", GradientOptions{Std: 10}, RowMemberOptions{Fraction: 0.5, Members: "fixed", Count: "floor"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	a, b := agg.NewMatrix(4, 8), agg.NewMatrix(4, 8)
	if rows, again := p.Apply(a, 0), p.Apply(b, 1); !slices.Equal(rows, again) {
		t.Errorf("fixed rows are %v, then %v", rows, again)
	}
	if slices.Equal(a.Data, b.Data) {
		t.Error("two steps have the same noise")
	}
}

func TestPlansOfNothing(t *testing.T) {
	feature, errFeature := NewFeaturePlan("none", FeatureOptions{}, MemberOptions{}, 4, 7)
	label, errLabel := NewLabelPlan("none", LabelOptions{}, MemberOptions{}, 4, 7)
	gradient, errGradient := NewGradientPlan("none", GradientOptions{}, RowMemberOptions{}, 7)
	if errFeature != nil || errLabel != nil || errGradient != nil {
		t.Fatal(errFeature, errLabel, errGradient)
	}
	b, G := grey(2, 0.25), agg.NewMatrix(2, 2)
	for _, p := range []*DataPlan{nil, feature, label} {
		p.Apply(b, Image, 0, 0)
		p.Apply(b, Whitened, 0, 0)
		if p.String() != "none" || p.Tally() != (Tally{}) {
			t.Errorf("%v has tally %v", p, p.Tally())
		}
	}
	for _, p := range []*GradientPlan{nil, gradient} {
		if rows := p.Apply(G, 0); len(rows) != 0 || p.String() != "none" || p.Tally() != (Tally{}) {
			t.Errorf("%v corrupts rows %v, tally %v", p, rows, p.Tally())
		}
	}
	if share(b.X, 0.25) != 1 || share(G.Data, 0) != 1 {
		t.Error("something changed")
	}
	(*DataPlan)(nil).Restore(Tally{1, 2})
	(*GradientPlan)(nil).Restore(Tally{1, 2})
}

func TestRestore(t *testing.T) {
	saved := Tally{Corrupt: 10, Total: 40}
	features := featurePlan(t, "additive", MemberOptions{Fraction: 1, Level: "client", Members: "first", Count: "floor"})
	features.Restore(saved)
	features.Apply(grey(10, 0), Image, 1, 0)
	if got := features.Tally(); got != (Tally{20, 50}) || got.Fraction() != 0.4 {
		t.Errorf("tally %v, fraction %v, want {20 50}, 0.4", got, got.Fraction())
	}
	gradients, err := NewGradientPlan("bitflip", GradientOptions{Scale: 5}, RowMemberOptions{Fraction: 0.5, Members: "first", Count: "floor"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	gradients.Restore(saved)
	gradients.Apply(agg.NewMatrix(10, 1), 1)
	if got := gradients.Tally(); got != (Tally{15, 50}) {
		t.Errorf("tally %v, want {15 50}", got)
	}
}

func TestPlanStrings(t *testing.T) {
	features := featurePlan(t, "impulse", MemberOptions{Fraction: 0.2, Level: "sample", Members: "first", Count: "ceil"})
	if got, want := features.String(), "impulse(0.9, image) of first ceil(0.2·n) samples"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for members, want := range map[string]string{
		"redrawn": "bitflip(5) of redrawn floor(0.4·n) rows",
		"numpy":   "bitflip(5) of numpy(0.4) rows",
	} {
		p, err := NewGradientPlan("bitflip", GradientOptions{Scale: 5}, RowMemberOptions{Fraction: 0.4, Members: members, Count: "floor"}, 7)
		if err != nil {
			t.Fatal(err)
		}
		if p.String() != want {
			t.Errorf("got %q, want %q", p, want)
		}
	}
}

// TestNumPyRefusesOtherKinds: the authors' program has no other attacks.
func TestNumPyRefusesOtherKinds(t *testing.T) {
	for _, kind := range GradientNames() {
		o := GradientOptions{Std: 10, Scale: 5, Epsilon: 0.5}
		_, err := NewGradientPlan(kind, o, RowMemberOptions{Fraction: 0.5, Members: "numpy", Count: "floor"}, 7)
		want := `corrupt: members "numpy" go with additive, bitflip, not with "` + kind + `"`
		if kind == none || slices.Contains(NumPyNames(), kind) {
			if err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		} else if err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
	_, err := NewGradientPlan("ipm", GradientOptions{}, RowMemberOptions{Fraction: 2, Members: "numpy", Count: "floor"}, 7)
	want := "corrupt: ipm: epsilon is 0, want > 0\ncorrupt: fraction is 2, want [0, 1]\n" +
		`corrupt: members "numpy" go with additive, bitflip, not with "ipm"`
	if err == nil || err.Error() != want {
		t.Errorf("got error\n%v\nwant\n%s", err, want)
	}
}

func TestPlansNameAllProblems(t *testing.T) {
	_, feature := NewFeaturePlan("additive", FeatureOptions{Std: -1, Space: "image"}, MemberOptions{Fraction: 2, Level: "batch", Members: "numpy", Count: "floor"}, 4, 7)
	_, label := NewLabelPlan("backdoor", LabelOptions{Target: -3}, MemberOptions{Level: "client", Members: "first"}, 4, 7)
	_, gradient := NewGradientPlan("flip", GradientOptions{}, RowMemberOptions{Fraction: -1, Members: "first", Count: "floor"}, 7)
	for _, test := range []struct {
		err  error
		want []string
	}{
		{feature, []string{
			"corrupt: additive: std is -1, want > 0",
			"corrupt: fraction is 2, want [0, 1]",
			`corrupt: unknown members "numpy" (have first, fixed, redrawn)`,
			`corrupt: unknown level "batch" (have client, sample)`,
		}},
		{label, []string{
			"corrupt: backdoor: target is -3, want ≥ 0",
			`corrupt: unknown count "" (have ceil, floor)`,
		}},
		{gradient, []string{
			`corrupt: unknown gradient corruption "flip" (have additive, alie, bitflip, gaussian, ipm, mimic, none, not-finite, random-sign-flip, sign-flip)`,
			"corrupt: fraction is -1, want [0, 1]",
		}},
	} {
		if test.err == nil || test.err.Error() != strings.Join(test.want, "\n") {
			t.Errorf("got\n%v\nwant\n%s", test.err, strings.Join(test.want, "\n"))
		}
	}
}
