package data

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/stream"
)

// partitions has every way to share n samples among the clients, by name. A
// partition splits the samples into disjoint parts: either one part a client,
// which only that client draws from, or a single part that all draw from.
// rng is the run's stream for it.
var partitions = map[string]func(n, clients int, rng *rand.Rand) [][]int{
	"iid":    iid,
	"pooled": pooled,
}

// Partitions lists the partitions that [NewSampler] knows, in order.
func Partitions() []string { return slices.Sorted(maps.Keys(partitions)) }

// iid deals a random permutation of the samples out in equal parts. The
// n mod clients samples that are left over belong to nobody.
func iid(n, clients int, rng *rand.Rand) [][]int {
	perm := rng.Perm(n)
	parts := make([][]int, clients)
	for c := range parts {
		size := n / clients
		parts[c] = perm[c*size : (c+1)*size]
	}
	return parts
}

// pooled leaves the samples together, as the authors' code does: its clients
// are consecutive batches of one shuffled loader, and own nothing.
func pooled(n, _ int, _ *rand.Rand) [][]int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return [][]int{all}
}

// Sampler says which samples each client's batch consists of.
//
// An epoch visits the samples in a new random order, each at most once, in
// steps that give every client a full batch; samples that do not fill the last
// step are left out of that epoch. The order depends on the root seed and the
// epoch's number alone, so a resumed run sees the batches it would have seen.
type Sampler struct {
	root    stream.Root
	clients int
	batch   int
	steps   int
	shared  int     // clients that draw from one part: 1 or all
	parts   [][]int // as the partition gave them
	order   [][]int // the parts, shuffled for the current epoch
}

// NewSampler shares n samples among clients, batch samples a client a step. It
// stands at epoch 0. Two samplers with equal arguments give equal batches.
//
// It is an error if the partition is unknown, if a number is below 1, or if the
// samples do not suffice for one batch a client.
func NewSampler(partition string, n, clients, batch int, root stream.Root) (*Sampler, error) {
	split, known := partitions[partition]
	var errs []error
	if !known {
		errs = append(errs, fmt.Errorf("data: unknown partition %q (have %s)", partition, strings.Join(Partitions(), ", ")))
	}
	for _, field := range []struct {
		name  string
		value int
	}{{"samples", n}, {"clients", clients}, {"batch", batch}} {
		if field.value < 1 {
			errs = append(errs, fmt.Errorf("data: %s is %d, want at least 1", field.name, field.value))
		}
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	s := &Sampler{root: root, clients: clients, batch: batch}
	s.parts = split(n, clients, root.At(stream.Partition))
	s.shared = clients / len(s.parts)
	s.steps = len(s.parts[0]) / s.shared / batch
	for _, part := range s.parts {
		s.steps = min(s.steps, len(part)/s.shared/batch)
		s.order = append(s.order, make([]int, len(part)))
	}
	if s.steps == 0 {
		return nil, fmt.Errorf("data: partition %q: %d samples are %d for each of %d clients, want at least one batch of %d",
			partition, n, n/clients, clients, batch)
	}
	s.Epoch(0)
	return s, nil
}

// Steps is the number of steps in an epoch. For both "iid" and "pooled" it is
// n/(clients·batch), rounded down.
func (s *Sampler) Steps() int { return s.steps }

// Epoch moves the sampler to the start of epoch e, forwards or back, and costs
// time proportional to the number of samples. What Indices returned before is
// overwritten.
func (s *Sampler) Epoch(e int) {
	for i, part := range s.parts {
		order := s.order[i]
		copy(order, part)
		s.root.At(stream.Shuffle, e, i).Shuffle(len(order), func(a, b int) {
			order[a], order[b] = order[b], order[a]
		})
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
