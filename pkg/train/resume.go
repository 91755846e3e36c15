package train

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/corrupt"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/record"
)

// CheckpointName is the file in a run's folder that holds the state after its
// last whole epoch: the model's parameters under PyTorch's names and in its
// shapes, and what else it takes to go on.
const CheckpointName = "checkpoint.safetensors"

// Names of the tensors beside the model's. Their elements are in the order of
// models.Net.Params.
const (
	velocityName = "optimizer.velocity"   // of sgd with momentum
	meanName     = "optimizer.exp_avg"    // of adam, under PyTorch's names
	squareName   = "optimizer.exp_avg_sq" //
	memoryName   = "aggregator.memory"
)

// progress is what a checkpoint holds besides tensors.
type progress struct {
	record.Mark
	Step     int           `json:"step"`
	Updates  int           `json:"updates,omitempty"` // steps whose size was not 0, which only adam counts
	Features corrupt.Tally `json:"features"`
	Labels   corrupt.Tally `json:"labels"`
	Rows     corrupt.Tally `json:"rows"`
	Memory   int           `json:"memory,omitempty"` // elements of the aggregator's, so that it can't be missing
}

// open begins or resumes the run in dir and returns the last epoch that is
// done, -1 for none.
func (t *trainer) open(dir string, o Options) (int, error) {
	t.dir = dir
	config := t.Recorded().YAML()
	env := record.Here()
	env.Workers, env.Backend, env.Aggregator, env.DataSet = t.net.Workers(), t.net.Backend(), t.rule.String(), t.set.Name
	if d := t.device; d != nil {
		env.Device = &record.Device{Name: d.Name, Driver: d.Driver, Capability: d.Capability, Memory: d.Memory}
	}
	for _, f := range t.set.Files {
		env.DataFiles = append(env.DataFiles, record.DataFile(f))
	}
	var mark *record.Mark
	var err error
	if o.Resume {
		if mark, err = t.load(); err != nil {
			return 0, err
		}
	}
	if mark == nil { // otherwise the checkpoint has the parameters
		if env.Initial, err = t.initialise(); err != nil {
			return 0, err
		}
	}
	if !o.Resume {
		t.record, err = record.Create(dir, config, env)
		return -1, err
	}
	if t.record, err = record.Resume(dir, config, env, mark); err != nil || mark == nil {
		return -1, err
	}
	t.elapsed = t.record.Epochs()[mark.Epoch].Elapsed
	return mark.Epoch, nil
}

// save writes the checkpoint of the last epoch recorded.
func (t *trainer) save() error {
	p := progress{
		Mark: t.record.Mark(), Step: t.steps, Updates: t.updates,
		Features: t.features.Tally(), Labels: t.labels.Tally(), Rows: t.rows.Tally(),
	}
	var memory []float32
	if rule := t.rule.Traits().Memory; rule != nil {
		memory = rule.State()
		p.Memory = len(memory)
	}
	if err := t.place.Settle(); err != nil { // also if State failed: a device that has failed stays so
		return err
	}
	var tensors []checkpoint.Tensor
	for _, x := range t.net.Export() {
		tensors = append(tensors, checkpoint.Tensor(x))
	}
	add := func(name string, x []float32) {
		if x != nil {
			tensors = append(tensors, checkpoint.Tensor{Name: name, Shape: []int{len(x)}, Data: x})
		}
	}
	state := t.optimizer.state()
	for _, name := range slices.Sorted(maps.Keys(state)) {
		add(name, state[name])
	}
	add(memoryName, memory)
	return checkpoint.Save(filepath.Join(t.dir, CheckpointName), tensors, p)
}

// load restores the state of the run's checkpoint and returns its place in the
// record, nil if there is none: the run was stopped before its first, or is to
// start over.
func (t *trainer) load() (*record.Mark, error) {
	path := filepath.Join(t.dir, CheckpointName)
	var p progress
	tensors, err := checkpoint.Load(path, &p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case isPathError(err): // it may be as good as ever
		return nil, err
	case err == nil && p.Config == "":
		return nil, fmt.Errorf("train: resume from %s: an earlier version wrote it, which did not note the record that it belongs to: "+
			"go on with that version, which environment.json names, or remove the file, and the run starts over", path)
	case err == nil:
		err = t.restore(tensors, p)
	}
	if err != nil {
		return nil, &record.DamageError{Err: fmt.Errorf("train: resume: %w: remove the file, and the run starts over", err)}
	}
	return &p.Mark, nil
}

func isPathError(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// restore sets the trainer's state to a checkpoint's.
func (t *trainer) restore(tensors []checkpoint.Tensor, p progress) error {
	var params []models.Tensor
	state := map[string][]float32{}
	for _, x := range tensors {
		params = append(params, models.Tensor(x))
		state[x.Name] = x.Data
	}
	errs := []error{t.net.Import(params), restore(t.optimizer, state)}
	memory := state[memoryName]
	if len(memory) != p.Memory {
		errs = append(errs, fmt.Errorf("%s has %d elements, want %d", memoryName, len(memory), p.Memory))
	} else if rule := t.rule.Traits().Memory; rule != nil {
		errs = append(errs, rule.Restore(memory))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(t.dir, CheckpointName), err)
	}
	t.steps, t.updates = p.Step, p.Updates
	t.features.Restore(p.Features)
	t.labels.Restore(p.Labels)
	t.rows.Restore(p.Rows)
	return nil
}
