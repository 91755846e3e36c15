package train

import (
	"errors"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/models"
)

// buffers combines the clients' statistics of a step into the one that the
// running averages of batch norm follow.
//
// A client whose batch is corrupt sends corrupt statistics. The median over the
// clients withstands a minority of such clients; the mean does not. Both leave out
// clients whose statistics are not finite. Corruptions of gradients do not change
// statistics.
type buffers struct {
	rule       agg.Aggregator
	statistics agg.Matrix // a row a client
	combined   []float32
}

// newBuffers returns nil, whose methods do nothing, for a net without buffers.
func newBuffers(kind string, clients int, net *models.Net) (*buffers, error) {
	size := len(net.Buffers())
	if size == 0 {
		return nil, nil
	}
	name := map[string]string{"mean": "mean", "median": "cm"}[kind]
	rule, err := agg.Chain{Rule: name, DropNonFinite: true}.New()
	return &buffers{rule, agg.NewMatrix(clients, size), make([]float32, size)}, err
}

// note keeps the statistics of a client's batch. Calls for different clients may run
// concurrently.
func (b *buffers) note(client int, statistics []float32) {
	if b != nil {
		copy(b.statistics.Row(client), statistics)
	}
}

// update moves the running averages. They stay as they are where no client's
// statistics are finite, or the combined ones are not.
func (b *buffers) update(net *models.Net) error {
	if b == nil {
		return nil
	}
	switch _, err := b.rule.Aggregate(b.combined, b.statistics, agg.Step{}); {
	case errors.Is(err, agg.ErrNotFinite):
	case err != nil:
		return err
	default:
		net.UpdateBuffers(b.combined)
	}
	return nil
}
