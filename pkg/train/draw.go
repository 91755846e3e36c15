package train

import (
	"errors"
	"fmt"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/corrupt"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/record"
)

// source is where a run's batches come from: the set, who owns which sample,
// how images are augmented, and how samples are corrupted.
type source struct {
	clock            *clock
	streams          stream.Root
	set              *data.Set
	sampler          *data.Sampler
	augmentation     data.Augmentation
	features, labels *corrupt.DataPlan
}

// newSource loads the set and shares it out as c says.
func newSource(c config.Config, clock *clock) (*source, error) {
	s := &source{clock: clock, streams: stream.Root(c.Seed), augmentation: data.Augmentation{Crop: c.Data.Crop, Flip: c.Data.Flip}}
	var err error
	if s.set, err = data.Load(c.Data.Set, c.Data.Dir, c.Seed); err != nil {
		return nil, err
	}
	if l := c.Corruption.Label; l.Kind != "none" && l.Target >= s.set.Classes {
		return nil, config.Clash(fmt.Sprintf("is %d, want below %d, the classes of %s", l.Target, s.set.Classes, s.set.Name),
			"corruption.label.target", "data.set")
	}
	if side := min(s.set.Shape.H, s.set.Shape.W); c.Data.Crop >= side {
		return nil, config.Clash(fmt.Sprintf("is %d, want below %d, the side of %s's images", c.Data.Crop, side, s.set.Name), "data.crop", "data.set")
	}
	n := c.Data.Clients
	p := data.Partition{Kind: c.Data.Partition, Clients: n, Shards: c.Data.Shards, Alpha: c.Data.Alpha}
	if s.sampler, err = data.NewSampler(p, s.set.Train.Labels, c.Data.Batch, s.streams); err != nil {
		if s.set.Train.Len()/n < c.Data.Batch {
			return nil, config.Clash(fmt.Sprintf("is %d: %v", n, err), "data.clients", "data.batch", "data.partition", "data.set")
		}
		return nil, config.Clash(fmt.Sprintf("is %q: %v", p.Kind, err), "data.partition", "data.clients", "data.batch", "data.set")
	}
	var errs [2]error
	f, l := c.Corruption.Feature, c.Corruption.Label
	s.features, errs[0] = corrupt.NewFeaturePlan(f.Kind, f.FeatureOptions, f.MemberOptions, n, s.streams)
	s.labels, errs[1] = corrupt.NewLabelPlan(l.Kind, l.LabelOptions, l.MemberOptions, n, s.streams)
	return s, errors.Join(errs[:]...)
}

// draw fills b with a client's samples at step s of the sampler's epoch, which is the
// given step of the run, as its loader gives them: cropped and flipped.
func (src *source) draw(b *data.Batch, s, step, client int, took *record.Seconds) {
	start := src.clock.now()
	defer src.clock.lap(&start, &took.Data)
	src.set.Train.Fill(b, src.sampler.Indices(s, client))
	src.augmentation.Apply(b, src.streams.At(stream.Augment, step, client))
}

// corrupt makes of what a client draws what its model sees, and returns the number of
// corrupted samples and labels. In this order:
//
//	feature and label corruption
//	→ whitening
//	→ feature corruption that acts on whitened images
//
// It comes after crop and flip. So noise and impulses hit the black edges of a shifted
// image, too, and what they leave is not moved, as in the code of [bgmd]'s authors,
// which corrupts the batches that its loaders give.
func (src *source) corrupt(b *data.Batch, step, client int, took *record.Seconds) (corrupted int) {
	start := src.clock.now()
	corrupted = src.features.Apply(b, corrupt.Image, step, client)
	corrupted += src.labels.Apply(b, corrupt.Image, step, client)
	src.clock.lap(&start, &took.Corrupt)
	b.Whiten(src.set.Mean, src.set.Std)
	src.clock.lap(&start, &took.Data)
	corrupted += src.features.Apply(b, corrupt.Whitened, step, client)
	src.clock.lap(&start, &took.Corrupt)
	return corrupted
}
