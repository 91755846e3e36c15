package modelstest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

// all: the calls for all clients and for all batches of a test set give what the
// calls for one give, and each client and batch its own.
func (s suite) all(t *testing.T) {
	const clients, batch, workers = 3, 2, 2
	net := s.net(t, 1, batch, workers, 0.5)
	d := len(net.Params())
	rows, losses := make([]float32, clients*d), make([]float64, clients)
	statistics, logits := make([][]float32, clients), make([][]float32, clients)
	fill := func(worker, i int, b *data.Batch) {
		if worker < 0 || worker >= net.Workers() {
			t.Errorf("worker %d, want below %d", worker, net.Workers())
		}
		from := s.batch(uint64(10+i), batch)
		copy(b.X, from.X)
		copy(b.Labels, from.Labels)
	}
	dropout := func(i int) *rand.PCG { return rand.NewPCG(uint64(i), 0) }
	err := net.Grads(models.Clients{
		Count: clients, Draw: fill, Dropout: dropout,
		Row:  func(i int) []float32 { return rows[i*d : (i+1)*d] },
		Done: func(i int, loss float64, s []float32) { losses[i], statistics[i] = loss, slices.Clone(s) },
	})
	if err != nil {
		t.Fatal(err)
	}
	err = net.Predict(models.Batches{
		Count: clients, Fill: fill, Dropout: dropout,
		Done: func(i int, x []float32, labels []int) {
			if want := s.batch(uint64(10+i), batch).Labels; !slices.Equal(labels, want) {
				t.Errorf("batch %d has labels %v, want %v", i, labels, want)
			}
			logits[i] = slices.Clone(x)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range clients {
		b := s.batch(uint64(10+i), batch)
		row, loss := grad(t, net, b, source(uint64(i)))
		if loss != losses[i] || !slices.Equal(row, rows[i*d:(i+1)*d]) || !slices.Equal(net.Replica(0).Statistics(), statistics[i]) {
			t.Errorf("client %d: gradient, loss or statistics are not those of its own call", i)
		}
		if !slices.Equal(predict(t, net, b, source(uint64(i))), logits[i]) {
			t.Errorf("batch %d: logits are not those of its own call", i)
		}
	}
}
