package modelstest

import (
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/bgmd/bgmd/internal/racing"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

// replicas: a client's gradient has the same bits whatever the number of
// replicas and whichever of them computes it. Two really run side by side,
// under the race detector, too.
func (s suite) replicas(t *testing.T) {
	const clients, batch = 4, 2
	batches := make([]*data.Batch, clients)
	for i := range batches {
		batches[i] = s.batch(uint64(10+i), batch)
	}
	step := func(replicas int) (rows [clients][]float32, losses [clients]float64) {
		net := s.net(t, 1, batch, replicas, 0.5)
		var meet sync.WaitGroup
		meet.Add(replicas)
		err := net.Each(clients, func(r *models.Replica, i int) (err error) {
			if i < replicas { // as many calls must be under way at once
				meet.Done()
				meet.Wait()
			}
			rows[i] = make([]float32, len(net.Params()))
			losses[i], err = r.Grad(rows[i], batches[i], source(uint64(i)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return rows, losses
	}
	rows, losses := step(1)
	gotRows, gotLosses := step(2)
	for i := range rows {
		if gotLosses[i] != losses[i] {
			t.Errorf("client %d: loss is %.9g with two replicas and %.9g with one", i, gotLosses[i], losses[i])
		}
		if !slices.Equal(gotRows[i], rows[i]) {
			t.Errorf("client %d: two replicas and one give different gradients", i)
		}
	}
	if slices.Equal(rows[0], rows[1]) {
		t.Error("two clients have equal gradients")
	}
}

// profile: the time of every op is added under its name, from one call to the
// next and until told to stop, and the gradient stays the same.
func (s suite) profile(t *testing.T) {
	net, b := s.net(t, 1, 2, 1, 0), s.batch(2, 2)
	want, _ := grad(t, net, b, nil)
	seconds := map[string]float64{}
	net.Replica(0).Profile(seconds)
	got, _ := grad(t, net, b, nil)
	if !slices.Equal(got, want) {
		t.Error("the gradient differs under Profile")
	}
	once := maps.Clone(seconds)
	if len(once) < 4 {
		t.Errorf("ops are %v, want at least two layers and their gradients", once)
	}
	grad(t, net, b, nil)
	for name, twice := range seconds {
		if !(once[name] > 0 && twice > once[name]) {
			t.Errorf("%s takes %g s in one call and %g s in two", name, once[name], twice)
		}
	}
	net.Replica(0).Profile(nil)
	before := maps.Clone(seconds)
	grad(t, net, b, nil)
	if !maps.Equal(seconds, before) {
		t.Error("the profile grows after it is stopped")
	}
}

// allocation: a step of 32 clients (10 in a model with batch norm, as [bgmd] has
// for CIFAR-10) allocates less than 64 kB, with batches of any size. What there
// is comes from Gorgonia's machine, for every op, and the clients' streams.
func (s suite) allocation(t *testing.T) {
	if racing.Enabled {
		t.Skip("the race detector makes pools of memory forget")
	}
	const limit, slack = 64 << 10, 8 << 10
	small, large := s.allocated(t, 4), s.allocated(t, 16)
	if small > limit {
		t.Errorf("a step with batches of 4 allocates %d bytes, want at most %d", small, limit)
	}
	if large > small+slack {
		t.Errorf("a step allocates %d bytes with batches of 16 and %d with batches of 4", large, small)
	}
}

// allocated is the number of bytes that a step allocates, the least of three.
func (s suite) allocated(t *testing.T, batch int) uint64 {
	t.Helper()
	net, b := s.net(t, 1, batch, 2, 0.5), s.batch(2, batch)
	d := len(net.Params())
	rows := make([]float32, net.Replicas()*d)
	clients := 32
	if len(net.Buffers()) > 0 {
		clients = 10
	}
	step := func() {
		err := net.Each(clients, func(r *models.Replica, i int) error {
			_, err := r.Grad(rows[r.ID*d:(r.ID+1)*d], b, source(uint64(i)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	step()
	least := uint64(math.MaxUint64)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		step()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
