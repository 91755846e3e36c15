package train

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/train/checkpoint"
	"github.com/bgmd/bgmd/pkg/train/record"
)

// Options returns the model's own options; the caller adds those of its data.
func (m ModelConfig) Options() models.Options {
	return models.Options{Widths: m.Widths, Stem: m.Stem, Dropout: m.Dropout, BatchStats: m.EvalBatchStats, Direct: m.Conv == "direct"}
}

// Load sets the parameters and buffers of net to those of the file m.Init, if
// there is one, and returns its MD5 sum. Its errors wrap [data.ErrData] where the file
// is damaged; where it cannot be opened, or holds another model, they are *[KeyError]s.
func (m ModelConfig) Load(net *models.Net) (md5 string, err error) {
	if m.Init == "" {
		return "", nil
	}
	wrong := func(err error) *KeyError { return clash(fmt.Sprintf("is %q: %v", m.Init, err), "model.init") }
	file, md5, err := checkpoint.ReadTensors(m.Init)
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return "", wrong(err)
	}
	if err != nil {
		return "", &damagedFile{wrong(err)}
	}
	tensors := make([]models.Tensor, len(file))
	for i, t := range unwrapped(file) {
		tensors[i] = models.Tensor(t)
	}
	if err := net.Import(tensors); err != nil {
		return "", wrong(err)
	}
	return md5, nil
}

// damagedFile is an error about a file's contents, not about the key that names it.
type damagedFile struct{ key *KeyError }

func (d *damagedFile) Error() string { return d.key.Error() }
func (d *damagedFile) Unwrap() error { return data.ErrData }

// unwrapped takes "module." off the names of tensors, which PyTorch's DataParallel puts
// before all of them.
func unwrapped(tensors []checkpoint.Tensor) []checkpoint.Tensor {
	const wrapper = "module."
	for _, t := range tensors {
		if !strings.HasPrefix(t.Name, wrapper) {
			return tensors
		}
	}
	for i := range tensors {
		tensors[i].Name = strings.TrimPrefix(tensors[i].Name, wrapper)
	}
	return tensors
}

// initialise replaces the parameters that were drawn, if the config says so, and
// returns the file that it read, nil for none.
func (t *trainer) initialise() (*record.Initial, error) {
	md5, err := t.Model.Load(t.net)
	if md5 == "" {
		return nil, err
	}
	return &record.Initial{Name: filepath.Base(t.Model.Init), MD5: md5}, err
}
