package train

import (
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/record"
)

// Shares says who owns which samples in a run: the parts that clients draw from,
// one each, or a single one that all draw from, and the steps of an epoch. It
// fails as [Run] does.
func Shares(c config.Config) (set *data.Set, parts [][]int, steps int, err error) {
	if err := c.Validate(); err != nil {
		return nil, nil, 0, err
	}
	s, err := newSource(c, newClock())
	if err != nil {
		return nil, nil, 0, err
	}
	return s.set, s.sampler.Parts(), s.sampler.Steps(), nil
}

// FirstStep is what the clients' models see at the first step of a run.
type FirstStep struct {
	Set              *data.Set
	Features, Labels string // what corrupts them
	Clients          []Preview
}

// Preview is what one client's model sees.
type Preview struct {
	Client int
	Clean  *data.Batch // without corruption of features and labels
	Seen   *data.Batch // with it
	Hits   int         // samples or labels corrupted
}

// PreviewFirstStep draws the first step's batches of all clients as [Run] does,
// by the same functions, with and without corruption; all are whitened. Rows of
// gradients are not shown. It fails as Run does.
func PreviewFirstStep(c config.Config) (*FirstStep, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s, err := newSource(c, newClock())
	if err != nil {
		return nil, err
	}
	clean := *s
	clean.features, clean.labels = nil, nil
	first := &FirstStep{Set: s.set, Features: s.features.String(), Labels: s.labels.String()}
	for client := range c.Data.Clients {
		p := Preview{Client: client, Clean: data.NewBatch(s.set.Shape, c.Data.Batch), Seen: data.NewBatch(s.set.Shape, c.Data.Batch)}
		clean.draw(p.Clean, 0, 0, client, &record.Seconds{})
		clean.corrupt(p.Clean, 0, client, &record.Seconds{})
		s.draw(p.Seen, 0, 0, client, &record.Seconds{})
		p.Hits = s.corrupt(p.Seen, 0, client, &record.Seconds{})
		first.Clients = append(first.Clients, p)
	}
	return first, nil
}
