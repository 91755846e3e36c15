package train

import (
	"fmt"
	"path/filepath"

	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/train/checkpoint"
	"github.com/bgmd/bgmd/pkg/train/record"
)

// Options returns the model's own options; the caller adds those of its data.
func (m ModelConfig) Options() models.Options {
	return models.Options{Widths: m.Widths, Stem: m.Stem, Dropout: m.Dropout, BatchStats: m.EvalBatchStats}
}

// Load sets the parameters and buffers of net to those of the file m.Init, if
// there is one, and returns its MD5 sum. Its errors are *[KeyError]s.
func (m ModelConfig) Load(net *models.Net) (md5 string, err error) {
	if m.Init == "" {
		return "", nil
	}
	file, md5, err := checkpoint.ReadTensors(m.Init)
	if err == nil {
		tensors := make([]models.Tensor, len(file))
		for i, t := range file {
			tensors[i] = models.Tensor(t)
		}
		err = net.Import(tensors)
	}
	if err != nil {
		return "", clash(fmt.Sprintf("is %q: %v", m.Init, err), "model.init")
	}
	return md5, nil
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
