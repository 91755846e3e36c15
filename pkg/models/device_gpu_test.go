//go:build gpu && linux

package models_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/bgmd/bgmd/internal/cuda/cudatest"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/models/device"
)

func TestMain(m *testing.M) { cudatest.Main(m) }

// deviceCase is a model on small images.
type deviceCase struct {
	name    string
	options models.Options
}

var deviceCases = []deviceCase{
	{"lenet", models.Options{Shape: data.Shape{C: 1, H: 28, W: 28}, Dropout: 0.5}},
	{"mlp", models.Options{Shape: data.Shape{C: 3, H: 4, W: 5}, Widths: []int{33, 17}, Dropout: 0.3}},
	{"small", models.Options{Shape: data.Shape{C: 3, H: 12, W: 11}, Stem: "imagenet"}},
	{"small", models.Options{Shape: data.Shape{C: 1, H: 7, W: 8}, Stem: "cifar"}},
}

// nets are the model on the host and on the device.
func (c deviceCase) nets(t *testing.T, clients, n, evalBatch int) (host, dev *models.Net) {
	t.Helper()
	defer models.AddSmall()()
	d, err := device.Open("gpu")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	build := func(d *device.Device) *models.Net {
		o := c.options
		o.Classes, o.Batch, o.EvalBatch, o.Replicas, o.Rand = 5, n, evalBatch, 2, rand.New(rand.NewPCG(1, 1))
		o.Device, o.Clients, o.Direct = d, clients, true
		net, err := models.New(c.name, o)
		if err != nil {
			t.Fatal(err)
		}
		return net
	}
	return build(nil), build(d)
}

// step is what a net makes of the clients' batches.
type step struct {
	rows       []float32
	losses     []float64
	statistics []float32
}

func fill(_, i int, b *data.Batch) {
	rng := rand.New(rand.NewPCG(7, uint64(i)))
	for k := range b.X {
		b.X[k] = float32(rng.NormFloat64())
	}
	for k := range b.Labels {
		b.Labels[k] = (i+k)%6 - 1 // some have none
	}
}

func dropout(i int) *rand.PCG { return rand.NewPCG(11, uint64(i)) }

func stepOf(t *testing.T, net *models.Net, clients int, dropout func(int) *rand.PCG) step {
	t.Helper()
	d := len(net.Params())
	rows, err := net.Rows(clients)
	if err != nil {
		t.Fatal(err)
	}
	s := step{rows: rows, losses: make([]float64, clients)}
	statistics := make([][]float32, clients)
	err = net.Grads(models.Clients{
		Count: clients, Draw: fill, Dropout: dropout,
		Row:  func(i int) []float32 { return s.rows[i*d : (i+1)*d] },
		Done: func(i int, loss float64, x []float32) { s.losses[i], statistics[i] = loss, slices.Clone(x) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.statistics = slices.Concat(statistics...)
	return s
}

// distance is the Euclidean distance of two vectors, over the length of the second.
func distance(a, b []float32) float64 {
	var sum, all float64
	for i := range b {
		sum += math.Pow(float64(a[i])-float64(b[i]), 2)
		all += float64(b[i]) * float64(b[i])
	}
	return math.Sqrt(sum / all)
}

// TestDeviceGradients: gradients and losses of all clients on a device are the host's to
// rounding, with dropout and without, which would be far off with any other mask.
func TestDeviceGradients(t *testing.T) {
	for _, c := range deviceCases {
		for _, n := range []int{3, 4} {
			t.Run(fmt.Sprint(c.name, n), func(t *testing.T) {
				const clients = 2
				host, dev := c.nets(t, clients, n, 1)
				for _, d := range []func(int) *rand.PCG{dropout, nil} {
					want, got := stepOf(t, host, clients, d), stepOf(t, dev, clients, d)
					if e := distance(got.rows, want.rows); !(e < 2e-6) {
						t.Errorf("gradients are %g apart", e)
					}
					if e := distance(got.statistics, want.statistics); len(want.statistics) > 0 && !(e < 1e-6) {
						t.Errorf("statistics are %g apart", e)
					}
					for i, loss := range want.losses {
						if !(math.Abs(got.losses[i]-loss) < 1e-6) {
							t.Errorf("client %d: loss is %.9g, want %.9g", i, got.losses[i], loss)
						}
					}
				}
			})
		}
	}
}

// TestDeviceRefuses: what a net on a device cannot do is an error.
func TestDeviceRefuses(t *testing.T) {
	_, dev := deviceCases[1].nets(t, 2, 2, 1)
	c := models.Clients{Count: 3, Draw: fill, Row: func(i int) []float32 { return make([]float32, 2681*i) }, Done: func(int, float64, []float32) {}}
	refuses := func(err error, want string) {
		t.Helper()
		if err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	refuses(dev.Grads(c), "models: gradients of 3 clients, want 2")
	c.Count = 2
	refuses(dev.Grads(c), "models: gradient has 0 elements, want 2681")
	c.Draw = func(_, i int, b *data.Batch) { b.Labels[1] = 5 * i }
	refuses(dev.Grads(c), "models: label 1 of the batch is 5, want below 5, or negative for none")
	refuses(dev.Each(1, func(*models.Replica, int) error { return nil }), "models: a net on a device has no replicas")
}

// TestDevicePredict: logits on a device are the host's to rounding, in a second call and
// with changed parameters, too.
func TestDevicePredict(t *testing.T) {
	for _, c := range deviceCases {
		t.Run(c.name, func(t *testing.T) {
			host, dev := c.nets(t, 1, 2, 3)
			for _, d := range []func(int) *rand.PCG{nil, dropout} {
				want, got := logits(t, host, 5, d), logits(t, dev, 5, d)
				if e := distance(got, want); !(e < 2e-6) {
					t.Errorf("logits are %g apart", e)
				}
				for _, net := range []*models.Net{host, dev} {
					for i := range net.Params() {
						net.Params()[i] *= 1.25
					}
				}
			}
		})
	}
}

// TestDeviceKeepsTestSet: the batches of a test set are drawn once, also where they come
// to the device in several parts, and give the host's logits in every call; more of them
// are drawn when they are asked for.
func TestDeviceKeepsTestSet(t *testing.T) {
	host, dev := deviceCases[1].nets(t, 1, 2, 1500) // two batches a part
	for _, c := range []struct{ count, drawn int }{{1, 1}, {3, 3}, {3, 0}, {5, 5}, {4, 0}} {
		want, drawn := logits(t, host, c.count, nil), 0
		var count sync.Mutex
		var got []float32
		err := dev.Predict(models.Batches{
			Count: c.count,
			Fill: func(worker, i int, b *data.Batch) {
				count.Lock()
				drawn++
				count.Unlock()
				fill(worker, i, b)
			},
			Done: func(_ int, x []float32, _ []int) { got = append(got, x...) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if drawn != c.drawn {
			t.Errorf("of %d batches %d are drawn, want %d", c.count, drawn, c.drawn)
		}
		if e := distance(got, want); !(e < 2e-6) {
			t.Errorf("the logits of %d batches are %g apart", c.count, e)
		}
	}
}

func logits(t *testing.T, net *models.Net, count int, dropout func(int) *rand.PCG) []float32 {
	t.Helper()
	results := make([][]float32, count)
	err := net.Predict(models.Batches{Count: count, Fill: fill, Dropout: dropout, Done: func(i int, x []float32, labels []int) {
		b := data.NewBatch(data.Shape{}, len(labels))
		if fill(0, i, b); !slices.Equal(labels, b.Labels) {
			t.Errorf("batch %d has labels %v, want %v", i, labels, b.Labels)
		}
		results[i] = slices.Clone(x)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(results...)
}
