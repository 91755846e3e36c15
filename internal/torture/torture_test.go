package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bgmd/bgmd/pkg/agg"
)

// TestCounts checks what a campaign makes of its cases, and the exit codes.
func TestCounts(t *testing.T) {
	var out bytes.Buffer
	s := &session{campaign: "poison", seed: 7, out: &out}
	cases := func(number int, _ *rand.Rand) (broken, differs string) {
		if number == 3 {
			panic("three")
		}
		if number%2 == 1 {
			return "odd", fmt.Sprintf("the rest is 1\nof %d", number)
		}
		return "even", ""
	}
	s.until = time.Now().Add(time.Minute)
	s.sweep("numbers", 6, cases)
	if k := s.kind("numbers"); k.tried != 6 || k.differed != 3 {
		t.Errorf("%d tried, %d differed, want 6 and 3", k.tried, k.differed)
	}
	if len(s.faults) != 2 {
		t.Errorf("%d sorts of differences, want 2", len(s.faults))
	}
	if !strings.Contains(out.String(), "again: go run ./internal/torture poison --seed 7 --only 'numbers/3'") {
		t.Errorf("it does not say how to try again:\n%s", out.String())
	}
	alone := &session{seed: 7, out: &out, only: "numbers/5"}
	alone.sweep("numbers", 6, cases)
	alone.sweep("others", 6, cases)
	if len(alone.kinds) != 1 || alone.kinds[0].tried != 1 || alone.differed() != 1 {
		t.Errorf("alone: %+v", alone.kinds)
	}
	for _, args := range [][]string{{"drown"}, {"poison", "--for", "x"}, {"--for", "1s", "poison"}} {
		if code := run(args, &out, &out); code != 2 {
			t.Errorf("%q: exit code %d, want 2", args, code)
		}
	}
}

// spoilt is a rule that breaks its promises.
type spoilt struct {
	agg.Aggregator
	how   string
	state []float32
}

func (s *spoilt) Traits() agg.Traits      { return agg.Traits{Memory: s} }
func (s *spoilt) State() []float32        { return s.state }
func (s *spoilt) Restore([]float32) error { return errors.New("not asked for") }

func (s *spoilt) Aggregate(dst []float32, G agg.Matrix, step agg.Step) (agg.Stats, error) {
	stats, err := s.Aggregator.Aggregate(dst, G, step)
	switch s.how {
	case "not finite":
		dst[1] = float32(math.NaN())
	case "G is changed":
		G.Data[len(G.Data)-1]++
	case "changes the state":
		s.state = []float32{1}
		err = errors.New("failed")
	case "out of bounds":
		dst[0] = 1e9
	case "make it fail":
		err = errors.New("failed")
	case "the weights sum to":
		stats.Weights = make([]float64, G.Rows)
	case "are accepted":
		clear(dst)
		err = nil
	}
	return stats, err
}

// TestPoisonFinds gives the checks rules that are broken, and one that is not.
func TestPoisonFinds(t *testing.T) {
	for _, how := range []string{"", "not finite", "G is changed", "changes the state", "out of bounds", "make it fail", "the weights sum to", "are accepted"} {
		p := &poisoned{Chain: agg.Chain{Rule: "cm"}}
		p.rule, _ = agg.Lookup("cm")
		in := hostile{G: agg.NewMatrix(5, 3), corrupt: 1, honest: 2, far: 1e6, gamma: 1}
		for i := range in.G.Data {
			in.G.Data[i] = float32(i % 2)
		}
		if how == "are accepted" {
			in.G.Data[4] = float32(math.Inf(1))
		}
		_, differs := p.step(&spoilt{Aggregator: p.build(), how: how}, in, agg.Step{Gamma: 1}, true)
		if !strings.Contains(differs, how) || (how == "") != (differs == "") {
			t.Errorf("%q: it differs by %q", how, differs)
		}
	}
}

// TestDamages checks that every damage changes a file, or says that it may not have.
func TestDamages(t *testing.T) {
	data := []byte("one\ntwo\nthree\nfour\n")
	for _, d := range damages {
		changed := 0
		for i := range uint64(100) {
			damaged, where := d.do(data, rand.New(rand.NewPCG(1, i)))
			if string(data) != "one\ntwo\nthree\nfour\n" || where == "" {
				t.Fatalf("%s: the original is now %q, where %q", d.name, data, where)
			}
			if !bytes.Equal(damaged, data) {
				changed++
			}
		}
		if changed < 80 {
			t.Errorf("%s: only %d of 100 damages change anything", d.name, changed)
		}
	}
}
