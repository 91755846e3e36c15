package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/bgmd/bgmd/pkg/config"
)

// The tiny set: enough for three steps an epoch, and small enough for a run to
// take some hundredths of a second.
const (
	trainImages = 48
	testImages  = 20
	dataSet     = "mnist"
)

// dataFiles are the set's files, one of them zipped.
var dataFiles = []string{
	"train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}

// writeData writes the tiny set below dir: noise with a bright bar whose place tells
// the label. The test set's labels are wrong, so that the test loss rises while the
// training loss falls.
func writeData(dir string) error {
	rng := rand.New(rand.NewPCG(1, 2))
	dir = filepath.Join(dir, dataSet)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for part, n := range []int{trainImages, testImages} {
		images := idx(0x803, n, 28, 28)
		labels := idx(0x801, n)
		for i := range n {
			for y := range 28 {
				bright := 0
				if y/3 == i%10 {
					bright = 195
				}
				for range 28 {
					images = append(images, byte(rng.IntN(60)+bright))
				}
			}
			labels = append(labels, byte((i+part)%10))
		}
		for kind, data := range [][]byte{images, labels} {
			name := dataFiles[2*part+kind]
			if filepath.Ext(name) == ".gz" {
				data = zipped(data)
			}
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// idx is the header of an IDX file.
func idx(magic uint32, sizes ...int) []byte {
	header := binary.BigEndian.AppendUint32(nil, magic)
	for _, n := range sizes {
		header = binary.BigEndian.AppendUint32(header, uint32(n))
	}
	return header
}

func zipped(data []byte) []byte {
	var b bytes.Buffer // takes all without an error
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// finishing is a run that finishes, with everything that a checkpoint may hold: the
// model, momentum and a block's memory.
func finishing(data string) config.Config {
	c := config.Defaults()
	c.Name, c.Epochs = "finishing", 3
	c.Data.Set, c.Data.Dir, c.Data.Clients, c.Data.Batch = dataSet, data, 4, 4
	c.Model.Name, c.Model.Widths, c.Model.Dropout = "mlp", []int{8}, 0
	c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "bitflip", 0.25
	c.Aggregator.Rule, c.Aggregator.Block.Fraction = "gm", 0.1
	c.Optimizer.LR, c.Optimizer.Momentum = 0.01, 0.9
	return c
}

// divergingInTest is a run whose test loss leaves its bounds at the end of its last
// epoch, while its training loss falls.
func divergingInTest(data string) config.Config {
	c := finishing(data)
	c.Name, c.Epochs, c.DivergedLoss, c.Optimizer.LR = "diverging-in-test", 4, 3.8, 0.02
	c.Corruption.Gradient.Kind = "none"
	c.Aggregator.Rule, c.Aggregator.Block.Fraction = "mean", 1
	return c
}

// divergingInStep is a run that diverges in the middle of an epoch.
func divergingInStep(data string) config.Config {
	c := finishing(data)
	c.Name, c.Optimizer.LR, c.DivergedAt = "diverging-in-step", 1e4, "step"
	return c
}
