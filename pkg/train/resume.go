package train

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/train/checkpoint"
	"github.com/bgmd/bgmd/pkg/train/record"
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
	Epoch    int           `json:"epoch"`
	Step     int           `json:"step"`
	Updates  int           `json:"updates,omitempty"` // steps whose size was not 0, which only adam counts
	Features corrupt.Tally `json:"features"`
	Labels   corrupt.Tally `json:"labels"`
	Rows     corrupt.Tally `json:"rows"`
}

// open begins or resumes the run in dir and returns the last epoch that is
// done, -1 for none.
func (t *trainer) open(dir string, o Options) (int, error) {
	t.dir = dir
	config := t.Recorded().YAML()
	env := record.Here()
	env.Workers, env.Backend, env.Aggregator, env.DataSet = t.net.Replicas(), gemm.Backend(), t.rule.String(), t.set.Name
	for _, f := range t.set.Files {
		env.DataFiles = append(env.DataFiles, record.DataFile(f))
	}
	epoch := -1
	var err error
	if o.Resume {
		if epoch, err = t.load(); err != nil {
			return 0, err
		}
	}
	if epoch < 0 { // otherwise the checkpoint has the parameters
		if env.Initial, err = t.initialise(); err != nil {
			return 0, err
		}
	}
	if !o.Resume {
		t.record, err = record.Create(dir, config, env)
		return -1, err
	}
	if t.record, err = record.Resume(dir, config, env, epoch); err != nil {
		return 0, err
	}
	if epoch >= 0 {
		t.elapsed = t.record.Epochs()[epoch].Elapsed
	}
	return epoch, nil
}

// save writes the checkpoint of the given epoch.
func (t *trainer) save(epoch int) error {
	var tensors []checkpoint.Tensor
	for _, p := range t.net.Export() {
		tensors = append(tensors, checkpoint.Tensor(p))
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
	if rule, ok := t.rule.(agg.Stateful); ok {
		add(memoryName, rule.State())
	}
	return checkpoint.Save(filepath.Join(t.dir, CheckpointName), tensors, progress{
		Epoch: epoch, Step: t.steps, Updates: t.updates,
		Features: t.features.Tally(), Labels: t.labels.Tally(), Rows: t.rows.Tally(),
	})
}

// load restores the state of the run's checkpoint and returns its epoch, or -1
// if the run was stopped before its first.
func (t *trainer) load() (int, error) {
	path := filepath.Join(t.dir, CheckpointName)
	var p progress
	tensors, err := checkpoint.Load(path, &p)
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	var params []models.Tensor
	state := map[string][]float32{}
	for _, x := range tensors {
		params = append(params, models.Tensor(x))
		state[x.Name] = x.Data
	}
	errs := []error{t.net.Import(params), restore(t.optimizer, state)}
	if rule, ok := t.rule.(agg.Stateful); ok && state[memoryName] != nil {
		errs = append(errs, rule.Restore(state[memoryName]))
	}
	if err := errors.Join(errs...); err != nil {
		return 0, fmt.Errorf("train: resume from %s: %w", path, err)
	}
	t.steps, t.updates = p.Step, p.Updates
	t.features.Restore(p.Features)
	t.labels.Restore(p.Labels)
	t.rows.Restore(p.Rows)
	return p.Epoch, nil
}
