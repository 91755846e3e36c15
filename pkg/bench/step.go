package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/bgmd/bgmd/internal/bounds"
	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/models/device"
)

// Step says of which step to time the gradients.
type Step struct {
	Model   string `json:"model"`
	Clients int    `json:"clients"`
	Batch   int    `json:"batch"`
	Steps   int    `json:"steps"`
	Workers int    `json:"workers"`          // clients computed at once; 0 is one a core
	Direct  bool   `json:"direct"`           // convolutions by definition
	Device  string `json:"device,omitempty"` // as [device.Open] takes it
}

// StepResult is what was measured.
type StepResult struct {
	Step
	Backend string             `json:"backend"`
	MS      float64            `json:"ms_per_step"` // median
	MinMS   float64            `json:"min_ms_per_step"`
	MaxMS   float64            `json:"max_ms_per_step"`
	GFLOPS  float64            `json:"gflops"`                // of the matrix products, over the whole step
	Nominal float64            `json:"effective_gflops"`      // the same, with convolutions counted by definition
	Sgemm   float64            `json:"sgemm_gflops_one_core"` // 512×512×512 products; 0 on a device
	OfSgemm float64            `json:"share_of_sgemm"`        // speed a worker over that
	AllocKB float64            `json:"alloc_kb_per_step"`
	PeakMB  float64            `json:"peak_mb"` // of the process
	Split   map[string]float64 `json:"split"`   // share of the workers' time by op
}

// Check reports all that [Step.Run] cannot do, a line each that begins with the field's
// name in lower case.
func (b Step) Check() error {
	err := bounds.Check(bounds.Count{Name: "clients", Value: b.Clients, Least: 1}, bounds.Count{Name: "batch", Value: b.Batch, Least: 1},
		bounds.Count{Name: "steps", Value: b.Steps, Least: 1}, bounds.Count{Name: "workers", Value: b.Workers, Least: 0})
	if !slices.Contains(models.Names(), b.Model) {
		err = errors.Join(err, fmt.Errorf("model is %q, want one of %s", b.Model, strings.Join(models.Names(), ", ")))
	}
	return err
}

// Run times b.Steps steps, after one that is not timed. It refuses what [Step.Check]
// reports and more than there is memory for ([ram.Error]).
func (b Step) Run(ctx context.Context) (r StepResult, err error) {
	if err := b.Check(); err != nil {
		return StepResult{}, err
	}
	if b.Workers == 0 {
		b.Workers = runtime.GOMAXPROCS(0)
	}
	root := stream.Root(1)
	net, closeNet, err := b.open(root.At(stream.Init))
	if err != nil {
		return StepResult{}, err
	}
	defer func() {
		if closed := closeNet(); err == nil {
			err = closed
		}
	}()
	batch := noise(b.shape(), b.Batch, root.At(stream.Synthetic))
	row, err := rowsOf(net, b.Clients)
	if err != nil {
		return StepResult{}, err
	}
	step := func(i int) error {
		return net.Grads(models.Clients{
			Count: b.Clients,
			Draw: func(_, _ int, to *data.Batch) {
				copy(to.X, batch.X)
				copy(to.Labels, batch.Labels)
			},
			Dropout: func(client int) *rand.PCG { return root.Source(stream.Dropout, i, client) },
			Row:     row,
			Done:    func(int, float64, []float32) {},
		})
	}
	if err := step(0); err != nil {
		return StepResult{}, err
	}
	profiles, err := net.Profile()
	if err != nil {
		return StepResult{}, err
	}
	var times []float64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range b.Steps {
		if err := ctx.Err(); err != nil {
			return StepResult{}, err
		}
		start := time.Now()
		if err = step(i + 1); err != nil {
			return StepResult{}, err
		}
		times = append(times, time.Since(start).Seconds())
	}
	runtime.ReadMemStats(&after)
	slices.Sort(times)
	done, byDefinition := net.Flops()
	middle := median(times)
	r = StepResult{
		Step: b, Backend: net.Backend(),
		MS: 1e3 * middle, MinMS: 1e3 * times[0], MaxMS: 1e3 * times[b.Steps-1],
		GFLOPS:  float64(done*b.Clients) / middle / 1e9,
		Nominal: float64(byDefinition*b.Clients) / middle / 1e9,
		AllocKB: float64(after.TotalAlloc-before.TotalAlloc) / 1024 / float64(b.Steps),
		PeakMB:  peakMB(),
		Split:   shares(profiles),
	}
	r.Workers = net.Workers()
	if b.Device == "" || b.Device == device.Host {
		r.Sgemm = Sgemm()
		r.OfSgemm = r.GFLOPS / (r.Sgemm * float64(r.Workers))
	}
	return r, nil
}

// shape is that of the model's images.
func (b Step) shape() data.Shape {
	if b.Model == "resnet18" {
		return data.Shape{C: 3, H: 32, W: 32}
	}
	return data.Shape{C: 1, H: 28, W: 28}
}

// open makes the net, with fresh parameters, if there is memory for it and the rows. Its
// device is closed by what it returns.
func (b Step) open(init *rand.Rand) (net *models.Net, closeNet func() error, err error) {
	o := config.Defaults().Model.Options()
	o.Shape, o.Classes, o.Batch, o.EvalBatch = b.shape(), 10, b.Batch, 1
	o.Replicas, o.Rand, o.Direct, o.Clients = min(b.Workers, b.Clients), init, b.Direct, b.Clients
	size, err := models.SizeOf(b.Model, o)
	if err != nil {
		return nil, nil, err
	}
	if err := ram.Check(4*float64(b.Clients+1)*float64(size.Params)+float64(o.Replicas)*float64(size.Train+size.Eval)+float64(size.Shared), ""); err != nil {
		return nil, nil, err
	}
	if o.Device, err = device.Open(b.Device); err != nil {
		return nil, nil, err
	}
	if net, err = models.New(b.Model, o); err != nil {
		return nil, nil, errors.Join(err, o.Device.Close())
	}
	return net, o.Device.Close, nil
}

// rowsOf is where the gradients of a net's clients go; nil on a device, where they stay.
func rowsOf(net *models.Net, clients int) (row func(i int) []float32, err error) {
	if there, err := net.Resident(); there != nil || err != nil {
		return nil, err
	}
	rows, err := net.Rows(clients)
	return agg.Matrix{Data: rows, Rows: clients, Cols: len(net.Params())}.Row, err
}

func noise(shape data.Shape, n int, rng *rand.Rand) *data.Batch {
	b := data.NewBatch(shape, n)
	for i := range b.X {
		b.X[i] = float32(rng.NormFloat64())
	}
	for i := range b.Labels {
		b.Labels[i] = rng.IntN(10)
	}
	return b
}

// shares adds up the workers' seconds by op and divides them by their sum.
func shares(profiles []map[string]float64) map[string]float64 {
	sum := map[string]float64{}
	var all float64
	for _, p := range profiles {
		for op, s := range p {
			sum[op] += s
			all += s
		}
	}
	for op := range sum {
		sum[op] /= all
	}
	return sum
}
