package corrupt

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/data"
)

// Level says what is corrupt or not as a whole.
type Level int

const (
	// Client corrupts all samples of a corrupt client's batch and none of the
	// others': the corruption that robust aggregation is made for.
	Client Level = iota
	// Sample corrupts a share of the samples of every client's batch, so that
	// every gradient is a mixture.
	Sample
)

var levels = map[string]Level{"client": Client, "sample": Sample}

func (l Level) String() string { return nameOf(levels, l) }

// What a stream is for: the first number of its place.
const (
	ofClients = iota // stream.Members: clients, and with them rows of G
	ofSamples        // stream.Members: samples of one batch
)

const (
	ofFeatures = iota // stream.Corrupt
	ofLabels
	ofGradients
)

// MemberOptions are the settings that say whom a [DataPlan] corrupts.
type MemberOptions struct {
	Fraction float64 // ψ in [0, 1]
	Level    string  // "client" or "sample"
	Members  string  // "fixed", "redrawn" or "first"
	Count    string  // "floor" or "ceil" of ψn
}

// DataPlan corrupts the features or the labels of a run's batches.
//
// Its randomness is a function of the run's seed, the step and the client. The
// corrupt clients come from one stream that feature, label and gradient plans
// share: with equal members the same clients are hit by all of them, and with
// different fractions the smaller set lies within the larger, so that a client
// is corrupt or honest as a whole and ψ bounds the corrupt share. So do the
// corrupt samples of a batch. At level [Sample] members are positions in the
// batch: fixed ones are the same positions, not the same images, at every step.
//
// A nil *DataPlan, or one of kind "none", corrupts nothing.
type DataPlan struct {
	corruption Data
	members    Members
	level      Level
	clients    int
	id         int // ofFeatures or ofLabels
	root       stream.Root
	tally      tally
}

// NewFeaturePlan returns the plan by which the features of a run with the given
// number of clients are corrupted. It fails on unknown names and on settings
// out of range, naming all of them. With kind "none" it ignores the other
// settings.
func NewFeaturePlan(kind string, o FeatureOptions, m MemberOptions, clients int, root stream.Root) (*DataPlan, error) {
	corruption, err := NewFeature(kind, o)
	return newDataPlan(kind, corruption, err, m, clients, ofFeatures, root)
}

// NewLabelPlan returns the plan by which labels are corrupted; it is otherwise
// as [NewFeaturePlan].
func NewLabelPlan(kind string, o LabelOptions, m MemberOptions, clients int, root stream.Root) (*DataPlan, error) {
	corruption, err := NewLabel(kind, o)
	return newDataPlan(kind, corruption, err, m, clients, ofLabels, root)
}

func newDataPlan(kind string, corruption Data, err error, m MemberOptions, clients, id int, root stream.Root) (*DataPlan, error) {
	if kind == none {
		return &DataPlan{}, nil
	}
	members, errMembers := newMembers(m.Fraction, m.Members, memberKinds, m.Count)
	level, errLevel := lookup("level", m.Level, levels)
	if err := errors.Join(err, errMembers, errLevel); err != nil {
		return nil, err
	}
	return &DataPlan{
		corruption: corruption, members: members, level: level,
		clients: clients, id: id, root: root,
	}, nil
}

// Apply corrupts the client's batch of the given step in place if it is to be
// corrupted in this space, counts it, and returns the number of samples it
// has corrupted. The caller calls it once for every space that the images pass
// through. Calls for different batches may run concurrently.
func (p *DataPlan) Apply(b *data.Batch, space Space, step, client int) (corrupted int) {
	if p == nil || p.corruption == nil || p.corruption.Space() != space {
		return 0
	}
	samples, hit := p.samples(b.N, step, client)
	p.tally.add(hit, b.N)
	if hit > 0 {
		p.corruption.Apply(b, samples, p.root.At(stream.Corrupt, p.id, step, client))
	}
	return hit
}

// samples returns which of a batch's n samples are corrupt, nil for all of
// them, and how many that is.
func (p *DataPlan) samples(n, step, client int) (samples []int, hit int) {
	if p.level == Sample {
		place := []int{ofSamples, client, step}
		if p.members.Kind == Fixed {
			place = place[:2]
		}
		samples = p.members.Pick(n, p.root.At(stream.Members, place...))
		return samples, len(samples)
	}
	if slices.Contains(pickClients(p.members, p.clients, p.root, step), client) {
		return nil, n
	}
	return nil, 0
}

// pickClients returns the corrupt ones of n clients at a step. All plans take
// them from here.
func pickClients(m Members, n int, root stream.Root, step int) []int {
	place := []int{ofClients, step}
	if m.Kind == Fixed {
		place = place[:1]
	}
	return m.Pick(n, root.At(stream.Members, place...))
}

// Tally returns the numbers of samples corrupted and seen so far.
func (p *DataPlan) Tally() Tally {
	if p == nil {
		return Tally{}
	}
	return p.tally.load()
}

// Restore sets the numbers that Tally returns, for a run that is resumed.
func (p *DataPlan) Restore(t Tally) {
	if p != nil {
		p.tally.store(t)
	}
}

// String describes the plan, such as
// "additive(10, clip, image) of redrawn floor(0.2·n) clients".
func (p *DataPlan) String() string {
	if p == nil || p.corruption == nil {
		return none
	}
	return fmt.Sprintf("%v of %v %vs", p.corruption, p.members, p.level)
}

// Tally counts the samples or rows that a plan has corrupted, and all those
// that it was shown.
type Tally struct {
	Corrupt int64 `json:"corrupt"`
	Total   int64 `json:"total"`
}

// Fraction returns the realised fraction Corrupt/Total, 0 before the first.
func (t Tally) Fraction() float64 {
	if t.Total == 0 {
		return 0
	}
	return float64(t.Corrupt) / float64(t.Total)
}

// tally is a Tally that may be added to concurrently. Sums commute, so it does
// not depend on the order.
type tally struct{ corrupt, total atomic.Int64 }

func (t *tally) add(corrupt, total int) {
	t.corrupt.Add(int64(corrupt))
	t.total.Add(int64(total))
}

func (t *tally) load() Tally { return Tally{Corrupt: t.corrupt.Load(), Total: t.total.Load()} }

func (t *tally) store(v Tally) {
	t.corrupt.Store(v.Corrupt)
	t.total.Store(v.Total)
}
