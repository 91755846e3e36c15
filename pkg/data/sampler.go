package data

import (
	"errors"
	"fmt"

	"github.com/bgmd/bgmd/internal/stream"
)

// Sampler says which samples each client's batch consists of.
//
// Every client has a full batch in every step, and an epoch is
//
//	⌊n / (clients·batch)⌋ steps
//
// whatever the partition. Each client passes over its own part in a random
// order, which is new in every pass and every epoch; samples that do not fill
// the last batch of a pass are left out of it. With parts of equal size that is
// one pass: every sample at most once an epoch. Where parts are of unequal size
// (dirichlet, and shards of unequal classes), clients with few samples begin
// anew before the epoch ends, and those with many see as many as there are steps
// for, others in each epoch. Thus all clients weigh the same in every step, as
// in simulators of Byzantine training whose clients draw from their own endless
// loaders; rejected was to stop with the smallest client, which leaves most of
// the samples of all others unseen.
//
// The order depends on the root seed and the epoch's number alone, so a resumed
// run sees the batches it would have seen.
type Sampler struct {
	root    stream.Root
	clients int
	batch   int
	steps   int
	shared  int     // clients that draw from one part: 1 or all
	parts   [][]int // as the partition gave them
	order   [][]int // of each part: what the current epoch's batches consist of
	pass    []int   // room for one pass over the largest part
}

// NewSampler shares the samples with the given labels among p's clients, batch
// samples a client a step. It stands at epoch 0. Two samplers with equal
// arguments give equal batches.
//
// It is an error if the partition is not one, if a number is below 1, or if a
// client would have fewer samples than one batch.
func NewSampler(p Partition, labels []uint8, batch int, root stream.Root) (*Sampler, error) {
	errs := []error{p.check()}
	if len(labels) < 1 {
		errs = append(errs, fmt.Errorf("data: samples is %d, want at least 1", len(labels)))
	}
	if batch < 1 {
		errs = append(errs, fmt.Errorf("data: batch is %d, want at least 1", batch))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	parts, err := p.split(labels, batch, root.At(stream.Partition))
	if err != nil {
		return nil, err
	}
	s := &Sampler{root: root, clients: p.Clients, batch: batch, parts: parts}
	s.steps = len(labels) / (p.Clients * batch)
	s.shared = p.Clients / len(parts)
	largest := 0
	for _, part := range parts {
		largest = max(largest, len(part))
		s.order = append(s.order, make([]int, s.steps*s.shared*batch))
	}
	s.pass = make([]int, largest)
	s.Epoch(0)
	return s, nil
}

// Steps is the number of steps in an epoch: n/(clients·batch), rounded down.
func (s *Sampler) Steps() int { return s.steps }

// Parts returns the samples that each client draws from, or one part that all
// draw from. They are the sampler's own and must not be written to.
func (s *Sampler) Parts() [][]int { return s.parts }

// Epoch moves the sampler to the start of epoch e, forwards or back, and costs
// time proportional to the number of samples. What Indices returned before is
// overwritten.
func (s *Sampler) Epoch(e int) {
	for i, part := range s.parts {
		rng := s.root.At(stream.Shuffle, e, i)
		pass := s.pass[:len(part)]
		for order := s.order[i]; len(order) > 0; {
			copy(pass, part)
			rng.Shuffle(len(pass), func(a, b int) { pass[a], pass[b] = pass[b], pass[a] })
			order = order[copy(order, pass[:len(pass)/s.batch*s.batch]):]
		}
	}
}

// Indices returns the batch samples of a client at a step of the current epoch.
// The slice is the sampler's own: it is valid until the next call of Epoch and
// must not be written to. Calls may be concurrent with each other. It panics if
// step is not in [0, Steps) or client not in [0, clients).
func (s *Sampler) Indices(step, client int) []int {
	if step < 0 || step >= s.steps || client < 0 || client >= s.clients {
		panic(fmt.Sprintf("data: batch of step %d, client %d out of %d steps, %d clients", step, client, s.steps, s.clients))
	}
	order := s.order[client/s.shared]
	start := (step*s.shared + client%s.shared) * s.batch
	return order[start : start+s.batch : start+s.batch]
}
