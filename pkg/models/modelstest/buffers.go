package modelstest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

// buffers: batch norm's running averages begin as PyTorch's, follow the
// statistics of batches, are what Predict normalises by, and travel with Export
// and Import.
func (s suite) buffers(t *testing.T) {
	const n = 4
	o := s.options
	o.Batch, o.EvalBatch, o.Replicas, o.Rand = n, n, 1, source(1)
	net, err := models.New(s.name, o)
	if err != nil {
		t.Fatal(err)
	}
	size := len(net.Buffers())
	if got := len(net.Replica(0).Statistics()); got != size {
		t.Fatalf("%d statistics and %d buffers", got, size)
	}
	if size == 0 {
		t.Skip("the model has none")
	}
	checkBuffers(t, net, 0, 1, 0)

	b := s.batch(2, n)
	grad(t, net, b, nil)
	batch := slices.Clone(net.Replica(0).Statistics())
	for i, v := range batch {
		if v != v || math.IsInf(float64(v), 0) {
			t.Fatalf("statistic %d of %d is %g", i, size, v)
		}
	}
	before := predict(t, net, b, nil)
	net.UpdateBuffers(batch)
	ones := variances(net)
	for i, v := range net.Buffers() {
		initial := 0.0
		if slices.Contains(ones, i) {
			initial = 1
		}
		if want := 0.9*initial + 0.1*float64(batch[i]); math.Abs(float64(v)-want) > 1e-6*(1+math.Abs(want)) {
			t.Fatalf("buffer %d is %g, want 0.9·%g + 0.1·%g", i, v, initial, batch[i])
		}
	}
	after := predict(t, net, b, nil)
	if slices.Equal(before, after) {
		t.Error("Predict does not depend on the buffers")
	}

	// By running averages a sample's logits do not depend on the others.
	alone := data.NewBatch(b.Shape, n)
	for p := range b.Shape.Size() {
		alone.X[p*n] = b.X[p*n]
	}
	logits := predict(t, net, alone, nil)
	for c := range s.classes {
		if d := math.Abs(float64(logits[c*n] - after[c*n])); d > 1e-4*(1+math.Abs(float64(after[c*n]))) {
			t.Errorf("logit %d is %g among other images and %g among blank ones", c, after[c*n], logits[c*n])
		}
	}

	o.Rand = source(5)
	other, err := models.New(s.name, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Import(net.Export()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(other.Buffers(), net.Buffers()) || !slices.Equal(predict(t, other, b, nil), after) {
		t.Error("buffers differ after Import")
	}
	other.UpdateBuffers(batch)
	checkCount(t, other, 2)
}

// variances are the places of the buffers that are variances.
func variances(net *models.Net) []int {
	var places []int
	at := 0
	for _, x := range net.Export() {
		if strings.HasSuffix(x.Name, ".running_mean") {
			at += len(x.Data)
		}
		if strings.HasSuffix(x.Name, ".running_var") {
			for range x.Data {
				places = append(places, at)
				at++
			}
		}
	}
	return places
}

// checkBuffers fails unless all means, variances and counts are as given.
func checkBuffers(t *testing.T, net *models.Net, mean, variance float32, count int) {
	t.Helper()
	for _, x := range net.Export() {
		want, ok := mean, strings.HasSuffix(x.Name, ".running_mean")
		if strings.HasSuffix(x.Name, ".running_var") {
			want, ok = variance, true
		}
		if ok && (slices.Min(x.Data) != want || slices.Max(x.Data) != want) {
			t.Errorf("%s is not %g throughout", x.Name, want)
		}
	}
	checkCount(t, net, count)
}

func checkCount(t *testing.T, net *models.Net, count int) {
	t.Helper()
	for _, x := range net.Export() {
		if strings.HasSuffix(x.Name, ".num_batches_tracked") && (len(x.Shape) != 0 || x.Data[0] != float32(count)) {
			t.Errorf("%s is %v of shape %v, want %d and no shape", x.Name, x.Data, x.Shape, count)
		}
	}
}
