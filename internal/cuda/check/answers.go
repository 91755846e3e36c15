//go:build gpu && linux

package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/bgmd/bgmd/internal/cuda"
)

// saved holds the emulator's answers, a line each: the case's output, how many values it
// has, the start of the SHA-256 of their bits, and some of them.
//
//go:embed answers.txt
var saved string

// samples is how many values of an output a line has, evenly spread.
const samples = 32

// answer is a line of answers.
type answer struct {
	name   string
	count  int
	digest string
	values []float64
}

func (a answer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %s", a.name, a.count, a.digest)
	for _, v := range a.values {
		b.WriteByte(' ')
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return b.String()
}

// answerOf condenses an output.
func answerOf[T float32 | float64 | uint8 | uint32 | int32](name string, x []T) answer {
	h := sha256.New()
	_ = binary.Write(h, binary.LittleEndian, x)
	a := answer{name: name, count: len(x), digest: fmt.Sprintf("%x", h.Sum(nil)[:8])}
	for i := range min(samples, len(x)) {
		a.values = append(a.values, float64(x[i*len(x)/min(samples, len(x))]))
	}
	return a
}

// answers runs all cases and returns their lines.
func answers(s *cuda.Stream) ([]byte, error) {
	var b bytes.Buffer
	for _, c := range cases() {
		got, err := c.answer(s)
		if err != nil {
			return nil, err
		}
		for _, a := range got {
			fmt.Fprintln(&b, a)
		}
	}
	return b.Bytes(), nil
}

// compare runs all cases and reports which differ from the saved answers, and by how much.
func compare(s *cuda.Stream, out io.Writer) (int, error) {
	want := map[string]answer{}
	for line := range strings.Lines(saved) {
		a, err := parse(line)
		if err != nil {
			return failed, err
		}
		want[a.name] = a
	}
	code, count := agree, 0
	for _, c := range cases() {
		got, err := c.answer(s)
		if err != nil {
			return failed, err
		}
		for _, a := range got {
			count++
			if w, ok := want[a.name]; !ok {
				code = differ
				fmt.Fprintf(out, "MISSING  %s has no saved answer\n", a.name)
			} else if w.digest != a.digest || w.count != a.count {
				code = differ
				fmt.Fprintf(out, "DIFFERS  %-40s %s\n", a.name, difference(a, w))
			} else {
				fmt.Fprintf(out, "PASS     %s\n", a.name)
			}
		}
	}
	if code == agree {
		fmt.Fprintf(out, "all %d outputs equal the emulator's to the bit\n", count)
	}
	return code, nil
}

// difference says how far the samples of two answers are apart.
func difference(got, want answer) string {
	if got.count != want.count {
		return fmt.Sprintf("%d values, want %d", got.count, want.count)
	}
	var worst, scale float64
	where, differ := 0, 0
	for i, w := range want.values {
		scale = max(scale, math.Abs(w))
		if d := math.Abs(got.values[i] - w); d > worst || d != d {
			worst, where = d, i
		}
		if got.values[i] != w {
			differ++
		}
	}
	return fmt.Sprintf("%d of %d samples; the largest difference is %.3g of %.3g: %v, want %v",
		differ, len(want.values), worst, scale, got.values[where], want.values[where])
}

// parse reads a line.
func parse(line string) (answer, error) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return answer{}, fmt.Errorf("saved answer %q: want a name, a count and a digest", line)
	}
	a := answer{name: fields[0], digest: fields[2]}
	var err error
	if a.count, err = strconv.Atoi(fields[1]); err != nil {
		return a, fmt.Errorf("saved answer %s: %w", a.name, err)
	}
	for _, f := range fields[3:] {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return a, fmt.Errorf("saved answer %s: %w", a.name, err)
		}
		a.values = append(a.values, v)
	}
	return a, nil
}
