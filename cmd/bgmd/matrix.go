package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/bgmd/bgmd/internal/npy"
	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/pkg/agg"
)

// inputError is about data that were given.
type inputError struct{ error }

func (e *inputError) Unwrap() error { return e.error }

// readMatrix reads a matrix and whether the file holds float64, unless fits, which is
// asked about its size before there is memory for it, has an error.
func readMatrix(stdin io.Reader, path string, fits func(n, d int) error) (G agg.Matrix, double bool, err error) {
	in := stdin
	if path != standard {
		file, err := os.Open(path)
		if err != nil {
			return G, false, &inputError{err}
		}
		defer file.Close()
		in = file
	} else {
		path = standardInput
	}
	var refused error
	m, err := npy.Read(in, func(n, d int) error {
		refused = fits(n, d)
		return refused
	})
	if refused != nil {
		return G, false, fmt.Errorf("%s: %w", path, refused)
	}
	if err != nil {
		return G, false, &inputError{fmt.Errorf("%s: %w", path, err)}
	}
	return agg.Matrix{Data: m.Data, Rows: m.Rows, Cols: m.Cols}, m.Double, nil
}

func writeVector(path string, y []float32, double bool) error {
	var b bytes.Buffer
	if err := npy.Write(&b, y, double); err != nil {
		return err
	}
	return safefile.Write(path, b.Bytes())
}
