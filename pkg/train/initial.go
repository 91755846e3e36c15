package train

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/record"
)

// LoadInitial sets the parameters and buffers of net to those of the file c.Init, if
// there is one, and returns its MD5 sum. Its errors wrap [data.ErrData] where the file
// is damaged; where it cannot be opened, or holds another model, they are *[config.KeyError]s.
func LoadInitial(c config.Model, net *models.Net) (md5 string, err error) {
	if c.Init == "" {
		return "", nil
	}
	wrong := func(err error) *config.KeyError {
		return config.Clash(fmt.Sprintf("is %q: %v", c.Init, err), "model.init")
	}
	file, md5, err := checkpoint.ReadTensors(c.Init)
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
type damagedFile struct{ key *config.KeyError }

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
	md5, err := LoadInitial(t.Model, t.net)
	if md5 == "" {
		return nil, err
	}
	return &record.Initial{Name: filepath.Base(t.Model.Init), MD5: md5}, err
}
