package config

import (
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

// Options returns the model's own options; the caller adds those of its data.
func (m Model) Options() models.Options {
	return models.Options{Widths: m.Widths, Stem: m.Stem, Dropout: m.Dropout, BatchStats: m.EvalBatchStats, Direct: m.Conv == "direct"}
}

// Sizes returns those of the set and of the model for its images. It reads no file, and
// fails on a model that cannot take them.
func (c Config) Sizes() (data.Extent, models.Size, error) {
	set, err := data.ExtentOf(c.Data.Set)
	if err != nil {
		return set, models.Size{}, err
	}
	o := c.Model.Options()
	o.Shape, o.Classes, o.Batch, o.EvalBatch = set.Shape, set.Classes, c.Data.Batch, min(c.Model.EvalBatch, set.Test)
	size, err := models.SizeOf(c.Model.Name, o)
	return set, size, err
}
