package train

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/models/device"
)

// Memory is what a run takes at its peak, in bytes, by what it is for. For n clients,
// a model of d parameters and w workers:
type Memory struct {
	Gradients  float64 // G and its aggregate, 4(n+1)d
	Rule       float64 // the rule's scratch and memory: of a block with one a client, 8nd and more
	Models     float64 // w graphs for a client's batch, and as many for a batch of evaluation
	Parameters float64 // parameters, the optimiser's state and a checkpoint in the making: 8d to 16d
	Noise      float64 // of gradients that NumPy's generator draws, 4d a corrupt client
	Data       float64 // the set, as it is published, and who gets which sample
	Program    float64 // the rest, and what the garbage collector has not collected yet
}

// Total is their sum.
func (m Memory) Total() float64 {
	return m.Gradients + m.Rule + m.Models + m.Parameters + m.Noise + m.Data + m.Program
}

// String returns the total and what makes most of it, such as "604 MB (rule 344 MB,
// gradients 154 MB, program 63.4 MB)".
func (m Memory) String() string { return fmt.Sprintf("%s (%s)", ram.Text(m.Total()), m.largest()) }

// largest lists the parts that matter.
func (m Memory) largest() string {
	type part struct {
		name  string
		bytes float64
	}
	parts := []part{
		{"gradients", m.Gradients}, {"rule", m.Rule}, {"models", m.Models}, {"parameters", m.Parameters},
		{"noise", m.Noise}, {"data", m.Data}, {"program", m.Program},
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.bytes, a.bytes) })
	var texts []string
	for _, p := range parts {
		if p.bytes >= m.Total()/20 {
			texts = append(texts, p.name+" "+ram.Text(p.bytes))
		}
	}
	return strings.Join(texts, ", ")
}

// programSize is what every run takes, in bytes; garbageShare is how many bytes of
// garbage there may be for a byte in use.
const (
	programSize  = 30e6
	garbageShare = 0.05
)

// MemoryOf estimates the memory of a run from its config alone. It allocates nearly
// nothing and reads no file. It fails on a model that cannot take the set's images.
//
// It leaves out what a run seldom needs: the copies of rows that non_finite: drop makes
// (see the rule's Scratch), and a checkpoint that is read.
func MemoryOf(c config.Config) (Memory, error) {
	set, size, err := c.Sizes()
	if err != nil {
		return Memory{}, err
	}
	rule, err := c.Rule()
	if err != nil {
		return Memory{}, err
	}
	n, d, workers := float64(c.Data.Clients), float64(size.Params), float64(replicas(c))
	m := Memory{
		Gradients:  4 * (n + 1) * d,
		Rule:       rule.Scratch(c.Data.Clients, size.Params),
		Parameters: 4*(2+vectors(c.Optimizer))*d + 4*(n+3)*float64(size.Buffers) + float64(size.Shared),
		Data:       float64((set.Train+set.Test)*(set.Shape.Size()+1)) + 8*float64(3*set.Train+set.Test),
	}
	batches := float64(set.Shape.Size()) * 4 * float64(c.Data.Batch+min(c.Model.EvalBatch, set.Test))
	m.Models = workers * (float64(size.Train) + float64(size.Eval) + batches)
	if g := c.Corruption.Gradient; g.Members == "numpy" && g.Kind == "additive" {
		m.Noise = 4 * d * float64(g.Corrupt(c.Data.Clients))
	}
	m.Program = programSize + garbageShare*m.Total()
	// While the set is read, nothing else is there yet.
	m.Program += max(0, float64(set.Files)-(m.Total()-m.Program-m.Data))
	return m, nil
}

// vectors is the number of the optimiser's vectors of d values.
func vectors(c config.Optimizer) float64 {
	switch {
	case c.Kind == "adam":
		return 2
	case c.Momentum != 0:
		return 1
	}
	return 0
}

// replicas is the number of clients that are computed at once.
func replicas(c config.Config) int {
	workers := c.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return min(workers, c.Data.Clients)
}

// checkMemory refuses a run that takes more memory than this process can have, and
// names the keys that would make it smaller.
func checkMemory(c config.Config) error {
	m, err := MemoryOf(c)
	if err != nil {
		return err
	}
	err = ram.Check(m.Total(), m.largest())
	if err == nil {
		return nil
	}
	if keys := savings(c, m.Total()); keys != nil {
		err = fmt.Errorf("%w: less would do with %s", err, strings.Join(keys, ", then "))
	}
	return fmt.Errorf("train: %w", err)
}

// smaller adds to the error of a full device what would take less of its memory. It
// returns other errors as they are.
func smaller(c config.Config, err error) error {
	full, ok := errors.AsType[*device.MemoryError](err)
	if !ok {
		return err
	}
	return fmt.Errorf("train: the GPU's memory is full: %s are asked for, %s of %s are free: less would do with data.clients below %d, data.batch below %d, or a smaller model than %s",
		ram.Text(float64(full.Asked)), ram.Text(float64(full.Free)), ram.Text(float64(full.Total)), c.Data.Clients, c.Data.Batch, c.Model.Name)
}

// savings lists changes of the config that would save at least a fiftieth of the memory,
// the largest saving first. For a number it tries half.
func savings(c config.Config, total float64) []string {
	type change struct {
		text  string
		apply func(*config.Config)
		saves float64
	}
	changes := []change{
		{fmt.Sprintf("data.clients below %d", c.Data.Clients), func(x *config.Config) { x.Data.Clients = (c.Data.Clients + 1) / 2 }, 0},
		{fmt.Sprintf("data.batch below %d", c.Data.Batch), func(x *config.Config) { x.Data.Batch = (c.Data.Batch + 1) / 2 }, 0},
		{fmt.Sprintf("model.eval_batch below %d", c.Model.EvalBatch), func(x *config.Config) { x.Model.EvalBatch = (c.Model.EvalBatch + 1) / 2 }, 0},
		{fmt.Sprintf("workers below %d", replicas(c)), func(x *config.Config) { x.Workers = (replicas(c) + 1) / 2 }, 0},
		{"smaller model.widths than " + strings.ReplaceAll(fmt.Sprint(c.Model.Widths), " ", ", "), func(x *config.Config) { x.Model.Widths = halved(c.Model.Widths) }, 0},
		{fmt.Sprintf("aggregator.block.memory mean, not %s", c.Aggregator.Block.Memory), func(x *config.Config) { x.Aggregator.Block.Memory = "mean" }, 0},
		{fmt.Sprintf("aggregator.block.fraction below %v", c.Aggregator.Block.Fraction), func(x *config.Config) { x.Aggregator.Block.Fraction /= 2 }, 0},
	}
	for i := range changes {
		x := c
		changes[i].apply(&x)
		if m, err := MemoryOf(x); err == nil {
			changes[i].saves = total - m.Total()
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(b.saves, a.saves) })
	var texts []string
	for _, x := range changes {
		if x.saves >= total/50 {
			texts = append(texts, x.text)
		}
	}
	return texts
}

func halved(widths []int) []int {
	half := slices.Clone(widths)
	for i := range half {
		half[i] = (half[i] + 1) / 2
	}
	return half
}

// lean makes Go collect garbage once it is a tenth of the memory in use, rather than as
// much as that, until restore is called. Nearly all of a run's memory is in a few large
// arrays without pointers, which cost the collector nothing.
func lean() (restore func()) {
	before := debug.SetGCPercent(int(200 * garbageShare))
	return func() { debug.SetGCPercent(before) }
}
