package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models/device"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bgmd": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Condition: func(name string) (bool, error) {
			if name != "gpu" {
				return false, fmt.Errorf("no condition %q", name)
			}
			return device.Built, nil
		},
		Cmds: scriptCommands(),
	})
}

// scriptCommands are what scripts have beside testscript's own.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		// digits FOLDER: a tiny set in the format of MNIST.
		"digits": func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) != 1 {
				ts.Fatalf("usage: digits FOLDER")
			}
			ts.Check(writeDigits(ts.MkAbs(args[0])))
		},
		// matrix FILE ROW...: a float32 matrix, rows as 1,2,NaN.
		"matrix": func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) < 2 {
				ts.Fatalf("usage: matrix FILE ROW...")
			}
			var numbers []byte
			cols := 0
			for _, row := range args[1:] {
				fields := strings.Split(row, ",")
				cols = len(fields)
				for _, field := range fields {
					v, err := strconv.ParseFloat(field, 32)
					ts.Check(err)
					numbers = binary.LittleEndian.AppendUint32(numbers, math.Float32bits(float32(v)))
				}
			}
			header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }\n", len(args)-1, cols)
			file := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(append(file, header...), numbers...), 0o644))
		},
		// batch FILE [VALUE]: three images of 1×4×5 with labels, as safetensors, or
		// with VALUE in all pixels.
		"batch": func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) < 1 || len(args) > 2 {
				ts.Fatalf("usage: batch FILE [VALUE]")
			}
			images := checkpoint.Tensor{Name: "images", Shape: []int{3, 1, 4, 5}}
			for i := range 60 {
				images.Data = append(images.Data, float32(i%7)-3)
			}
			if len(args) > 1 {
				v, err := strconv.ParseFloat(args[1], 32)
				ts.Check(err)
				for i := range images.Data {
					images.Data[i] = float32(v)
				}
			}
			labels := checkpoint.Tensor{Name: "labels", Shape: []int{3}, Data: []float32{0, 2, 1}}
			ts.Check(checkpoint.Save(ts.MkAbs(args[0]), []checkpoint.Tensor{images, labels}, struct{}{}))
		},
		// exits CODE ARG...: bgmd ARG... ends with exit code CODE.
		"exits": func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) < 1 {
				ts.Fatalf("usage: exits CODE ARG...")
			}
			got := "0"
			if err := ts.Exec("bgmd", args[1:]...); err != nil {
				var exit interface{ ExitCode() int }
				if !errors.As(err, &exit) {
					ts.Fatalf("%v", err)
				}
				got = fmt.Sprint(exit.ExitCode())
			}
			if got != args[0] {
				ts.Fatalf("bgmd exits with %s, want %s", got, args[0])
			}
		},
	}
}

// writeDigits writes the four files of MNIST with 24 training and 3 test images
// of bars whose height tells the class.
func writeDigits(dir string) error {
	dir = filepath.Join(dir, "mnist")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for part, n := range map[string]uint32{"train": 24, "t10k": 3} {
		images, labels := binary.BigEndian.AppendUint32(nil, 0x803), binary.BigEndian.AppendUint32(nil, 0x801)
		images = binary.BigEndian.AppendUint32(images, n)
		images = binary.BigEndian.AppendUint32(images, 28)
		images = binary.BigEndian.AppendUint32(images, 28)
		labels = binary.BigEndian.AppendUint32(labels, n)
		for i := range n {
			labels = append(labels, byte(i%10))
			for p := range uint32(28 * 28) {
				images = append(images, byte(40+p*7%50))
				if p/28/3 == i%10 {
					images[len(images)-1] += 150
				}
			}
		}
		if err := errors.Join(
			os.WriteFile(filepath.Join(dir, part+"-images-idx3-ubyte"), images, 0o644),
			os.WriteFile(filepath.Join(dir, part+"-labels-idx1-ubyte"), labels, 0o644)); err != nil {
			return err
		}
	}
	return nil
}

func TestExitCode(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errors.New("unknown flag: --x"), exitUsage},
		{&failure{errors.New("disk full")}, exitFailed},
		{&failure{fmt.Errorf("load: %w", &configError{errors.New("seed is -1")})}, exitUsage},
		{&failure{fmt.Errorf("run: %w", &config.KeyError{Path: "seed"})}, exitUsage},
		{&failure{fmt.Errorf("load: %w", &data.FileError{File: "x"})}, exitData},
		{&failure{fmt.Errorf("epoch 3: %w", errDiverged)}, exitDiverged},
	}
	for _, tt := range tests {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("%v: exit code %d, want %d", tt.err, got, tt.want)
		}
	}
}
