package nn

import (
	"errors"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// counted is a machine that counts its runs and can fail.
type counted struct {
	gorgonia.VM
	runs int
	err  error
}

func (m *counted) RunAll() error {
	m.runs++
	if m.err != nil {
		return m.err
	}
	return m.VM.RunAll()
}

// doubler is a graph of one op, which doubles a number.
func doubler(t *testing.T) (g *gorgonia.ExprGraph, pass *Pass, x, out *Array) {
	t.Helper()
	g, pass, x, out = gorgonia.NewGraph(), &Pass{}, NewArray(1), NewArray(1)
	node := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(1), gorgonia.WithName("x"), gorgonia.WithValue(x))
	_, err := op{name: "double", shape: out.shape, pass: pass, do: func(in []gorgonia.Value) (gorgonia.Value, error) {
		v := floats(in[0])[0]
		if v < 0 {
			return nil, errors.New("negative")
		}
		out.data[0] = 2 * v
		return out, nil
	}}.apply(node)
	if err != nil {
		t.Fatal(err)
	}
	return g, pass, x, out
}

// TestRun: the machine runs a graph until that has gone well once, and every run after
// it sees the inputs of its time and fails as the op does.
func TestRun(t *testing.T) {
	g, pass, x, out := doubler(t)
	m := &counted{VM: gorgonia.NewTapeMachine(g), err: errors.New("out of order")}
	if err := pass.Run(g, m); !errors.Is(err, m.err) {
		t.Fatalf("error is %v, want the machine's", err)
	}
	m.err = nil
	for i := range 3 {
		x.data[0] = float32(i)
		if err := pass.Run(g, m); err != nil || out.data[0] != float32(2*i) {
			t.Errorf("run %d gives %v and error %v, want %d", i, out.data[0], err, 2*i)
		}
	}
	if m.runs != 2 {
		t.Errorf("the machine ran %d times, want 2: a failure and the first run", m.runs)
	}
	x.data[0] = -1
	if err := pass.Run(g, m); err == nil || err.Error() != "nn: double: negative" {
		t.Errorf("error is %v, want the op's", err)
	}
}

// TestRunRefusesOtherOps, which it would leave out.
func TestRunRefusesOtherOps(t *testing.T) {
	g, pass, _, _ := doubler(t)
	gorgonia.Must(gorgonia.Sigmoid(g.AllNodes()[0]))
	err := pass.Run(g, gorgonia.NewTapeMachine(g))
	if err == nil || !strings.Contains(err.Error(), "is not one of this package's") {
		t.Errorf("error is %v, want one about an op of another kind", err)
	}
}
