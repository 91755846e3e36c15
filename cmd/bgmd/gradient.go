package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/bounds"
	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/train"
)

func newGradientCommand() *cobra.Command {
	var batch, out string
	var classes int
	cmd := &cobra.Command{
		Use:   "gradient --batch FILE --out FILE",
		Short: "Compute a model's gradient on one batch of your own",
		Long: text(`
Compute the gradient of a model's mean cross-entropy on one batch, without
dropout, and write it beside the model, to look at or to hold against another
program's.

The batch is a safetensors file with images, N×C×H×W, as the model is to see them,
and labels, N numbers. The model is that of the configuration; --set
model.init=FILE gives its parameters, which are drawn from the seed otherwise.

The output is a safetensors file with PyTorch's names and shapes: every parameter
and buffer NAME as it was, grad.NAME for the gradient of each parameter, and the
logits, N×classes, in training (logits.train) and in evaluation (logits.eval). The
loss is printed.`),
		Example: text(`
  bgmd gradient --set model.name=resnet18 --batch batch.safetensors --out gradient.safetensors
  bgmd gradient -c configs/quickstart.yaml --set model.init=checkpoint.safetensors --batch b.safetensors --out g.safetensors`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			if err := notRead("--out", out, map[string]string{c.Model.Init: "model.init"}); err != nil {
				return &configError{err}
			}
			loss, err := gradient(c, classes, cmd.InOrStdin(), batch, out)
			if err != nil {
				return c.Locate(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "loss %.9g\n", loss)
			return err
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().StringVar(&batch, "batch", "", "safetensors `file` with images and labels")
	cmd.Flags().StringVarP(&out, "out", "o", "", "safetensors `file` to write")
	cmd.Flags().IntVar(&classes, "classes", 10, "classes of the model")
	for _, name := range []string{"batch", "out"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // no such flag: a mistake in this function
		}
	}
	return cmd
}

// gradient does what the command does and returns the loss.
func gradient(c config.Config, classes int, stdin io.Reader, from, to string) (float64, error) {
	if err := bounds.Check(bounds.Count{Name: "classes", Value: classes, Least: 1}); err != nil {
		return 0, badFlags(err)
	}
	b, err := readBatch(stdin, from, classes)
	if err != nil {
		return 0, &inputError{err}
	}
	o := c.Model.Options()
	o.Shape, o.Classes, o.Batch, o.EvalBatch, o.Replicas = b.Shape, classes, b.N, b.N, 1
	o.Rand = stream.Root(c.Seed).At(stream.Init)
	needed, err := models.SizeOf(c.Model.Name, o)
	if err != nil {
		return 0, &configError{err}
	}
	// The parameters, the gradient, and a copy of both in PyTorch's order.
	if err := ram.Check(4*4*float64(needed.Params)+float64(needed.Train+needed.Eval), ""); err != nil {
		return 0, lessWouldDo(err, "fewer images or, for mlp, smaller model.widths")
	}
	net, err := models.New(c.Model.Name, o)
	if err != nil {
		return 0, &configError{err}
	}
	if _, err := train.LoadInitial(c.Model, net); err != nil {
		return 0, err
	}
	r := net.Replica(0)
	row := make([]float32, len(net.Params()))
	loss, err := r.Grad(row, b, nil)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, &inputError{fmt.Errorf("%s: the loss is %v: images or parameters are too large for float32", from, loss)}
	}
	eval, err := r.Predict(b, nil)
	if err != nil {
		return 0, err
	}
	var tensors []checkpoint.Tensor
	for _, t := range net.Export() {
		tensors = append(tensors, checkpoint.Tensor(t))
	}
	logits := func(name string, x []float32) {
		t := checkpoint.Tensor{Name: name, Shape: []int{b.N, classes}, Data: make([]float32, len(x))}
		for i := range x {
			t.Data[i%b.N*classes+i/b.N] = x[i]
		}
		tensors = append(tensors, t)
	}
	logits("logits.train", r.Logits())
	logits("logits.eval", eval)
	// A gradient has the order of the parameters: exported in their place, it
	// has PyTorch's.
	copy(net.Params(), row)
	size := 0
	for _, t := range net.Export() {
		if size += len(t.Data); size <= len(row) {
			tensors = append(tensors, checkpoint.Tensor{Name: "grad." + t.Name, Shape: t.Shape, Data: t.Data})
		}
	}
	if to, err = safefile.Follow(to); err != nil {
		return 0, err
	}
	return loss, checkpoint.Save(to, tensors, struct{}{})
}

// readTensors reads a safetensors file, or standard input.
func readTensors(stdin io.Reader, path string) ([]checkpoint.Tensor, error) {
	if path == standard {
		tensors, _, err := checkpoint.DecodeTensors(stdin, standardInput)
		return tensors, err
	}
	tensors, _, err := checkpoint.ReadTensors(path)
	return tensors, err
}

// readBatch reads images and labels below the number of classes.
func readBatch(stdin io.Reader, path string, classes int) (*data.Batch, error) {
	tensors, err := readTensors(stdin, path)
	if err != nil {
		return nil, err
	}
	byName := map[string]checkpoint.Tensor{}
	var names []string
	for _, t := range tensors {
		byName[t.Name] = t
		names = append(names, t.Name)
	}
	images, labels := byName["images"], byName["labels"]
	if len(images.Shape) != 4 || len(labels.Shape) != 1 || len(images.Data) == 0 || labels.Shape[0] != images.Shape[0] {
		return nil, fmt.Errorf("%s: images have shape %v and labels %v, want [N C H W] and [N] (tensors are %s)",
			path, images.Shape, labels.Shape, strings.Join(names, ", "))
	}
	n, shape := images.Shape[0], data.Shape{C: images.Shape[1], H: images.Shape[2], W: images.Shape[3]}
	b := data.NewBatch(shape, n)
	for i := range n {
		for p := range shape.Size() {
			b.X[p*n+i] = images.Data[i*shape.Size()+p]
		}
		b.Labels[i] = int(labels.Data[i])
		if l := b.Labels[i]; l < 0 || l >= classes || float32(l) != labels.Data[i] {
			return nil, fmt.Errorf("%s: label %d is %v, want an integer from 0 to %d", path, i, labels.Data[i], classes-1)
		}
	}
	return b, nil
}
