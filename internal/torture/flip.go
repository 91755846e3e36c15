package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/record"
	"github.com/bgmd/bgmd/pkg/train"
)

// flip is the campaign of that name. A case damages one file of a record; whoever
// reads the record then must refuse it by an error that names the file, leaving all
// files as they are, or find in it what was there before.
func flip(s *session) error {
	own, err := s.specimen(1)
	if err != nil {
		return err
	}
	other, err := s.specimen(2)
	if err != nil {
		return err
	}
	shares := 2*(len(own.finished)+len(own.stopped)+len(own.data)+1) + 3
	for _, d := range damages {
		each := func(what string, files folder, check func(name string, damaged []byte) string) {
			for _, name := range slices.Sorted(maps.Keys(files)) {
				s.share(shares)
				s.sweep(fmt.Sprintf("%s, %s of %s", what, d.name, path.Base(name)), 0, func(_ int, rng *rand.Rand) (broken, differs string) {
					damaged, where := d.do(files[name], rng)
					return where, check(name, damaged)
				})
			}
		}
		each("finished", own.finished, func(name string, damaged []byte) string {
			if name == train.CheckpointName {
				return s.load(own, damaged)
			}
			return s.read(own, own.finished.with(name, damaged), name)
		})
		each("stopped", own.stopped, func(name string, damaged []byte) string {
			return s.resume(own, own.stopped.with(name, damaged), own.data, name)
		})
		each("data", own.data, func(name string, damaged []byte) string {
			return s.resume(own, own.stopped, own.data.with(name, damaged), path.Base(name))
		})
		each("initial", folder{train.CheckpointName: own.finished[train.CheckpointName]}, func(_ string, damaged []byte) string {
			return s.initial(own, damaged)
		})
	}
	s.swapFiles(own, other)
	s.share(shares)
	s.flipForProgram(own, shares)
	return s.swapFolders()
}

// named says that an error does not name the file.
func named(err error, name string) string {
	text := err.Error()
	if strings.Contains(text, strings.TrimSuffix(name, ".gz")) || name == train.CheckpointName && strings.Contains(text, "the checkpoint") {
		return ""
	}
	return fmt.Sprintf("refused without naming %s\n%v", name, err)
}

// read reads a finished record whose file of the given name is not as it was.
func (s *session) read(x *specimen, damaged folder, name string) string {
	dir, remove := s.folder()
	defer remove()
	if err := damaged.write(dir); err != nil {
		return err.Error()
	}
	run, err := record.Read(dir)
	if err != nil {
		return named(err, name)
	}
	if inText(run) != x.read {
		return fmt.Sprintf("the damaged %s is accepted", name)
	}
	return ""
}

// load loads a damaged checkpoint.
func (s *session) load(x *specimen, damaged []byte) string {
	return s.tensors(x, damaged, func(path string) ([]checkpoint.Tensor, error) { return checkpoint.Load(path, nil) })
}

// initial reads a damaged checkpoint as --init does.
func (s *session) initial(x *specimen, damaged []byte) string {
	return s.tensors(x, damaged, func(path string) ([]checkpoint.Tensor, error) {
		tensors, _, err := checkpoint.ReadTensors(path)
		return tensors, err
	})
}

func (s *session) tensors(x *specimen, damaged []byte, load func(path string) ([]checkpoint.Tensor, error)) string {
	dir, remove := s.folder()
	defer remove()
	f := folder{"whole.safetensors": x.finished[train.CheckpointName], "damaged.safetensors": damaged}
	if err := f.write(dir); err != nil {
		return err.Error()
	}
	want, err := load(filepath.Join(dir, "whole.safetensors"))
	if err != nil {
		return fmt.Sprintf("the undamaged file is refused: %v", err)
	}
	got, err := load(filepath.Join(dir, "damaged.safetensors"))
	if err != nil {
		return named(err, "damaged.safetensors")
	}
	if !reflect.DeepEqual(got, want) {
		return "other tensors are accepted"
	}
	return ""
}

// resume goes on with a stopped run of which the file of the given name is not as
// it was.
func (s *session) resume(x *specimen, damaged, data folder, name string) string {
	dir, remove := s.folder()
	defer remove()
	c := x.config
	c.Data.Dir = filepath.Join(filepath.Dir(dir), "data")
	if err := errors.Join(damaged.write(dir), data.write(c.Data.Dir)); err != nil {
		return err.Error()
	}
	_, err := train.Run(context.Background(), c, dir, train.Options{Resume: true})
	after, readErr := readFolder(dir)
	if readErr != nil {
		return readErr.Error()
	}
	if err != nil {
		if differs := after.differs(damaged); differs != "" {
			return fmt.Sprintf("refused, but %s\n%v", differs, err)
		}
		return named(err, name)
	}
	return x.compare(dir, after, name)
}

// swapFiles puts files of other records into one.
func (s *session) swapFiles(own, other *specimen) {
	const kind = "a file of another seed or time"
	number := 0
	swap := func(what string, f func() string) {
		s.try(kind, number, func(*rand.Rand) (broken, differs string) { return what, f() })
		number++
	}
	for _, name := range []string{configName, environmentName, metricsName, train.CheckpointName} {
		swap("another seed's, into a stopped run: "+name, func() string {
			return s.resume(own, own.stopped.with(name, other.stopped[name]), own.data, name)
		})
	}
	for _, name := range []string{configName, environmentName, metricsName, summaryName} {
		swap("another seed's, into a finished run: "+name, func() string {
			return s.read(own, own.finished.with(name, other.finished[name]), name)
		})
	}
	// Of the same run, an older checkpoint is as good, and so are more lines.
	for _, time := range []folder{own.first, own.finished} {
		for _, name := range []string{train.CheckpointName, metricsName} {
			swap("another epoch's: "+name, func() string {
				return s.resume(own, own.stopped.with(name, time[name]), own.data, name)
			})
		}
	}
}

// flipForProgram lets the program itself read a sample of damaged records.
func (s *session) flipForProgram(x *specimen, shares int) {
	run := x.config.Folder()
	config := filepath.Join(s.scratch, "flip.yaml")
	if err := os.WriteFile(config, x.config.YAML(), 0o644); err != nil {
		panic(err)
	}
	// Every case damages a file drawn at random, but for what neither reads.
	sample := func(kind string, files folder, check func(out, dir, name string, damaged folder) string) {
		s.share(shares)
		names := slices.Sorted(maps.Keys(files))
		s.sweep(kind, 0, func(_ int, rng *rand.Rand) (broken, differs string) {
			out, remove := s.folder()
			defer remove()
			name := names[rng.IntN(len(names))]
			data, where := flipBit(files[name], rng)
			damaged := files.with(name, data)
			dir := filepath.Join(out, run)
			broken = fmt.Sprintf("%s of %s", where, name)
			if err := damaged.write(dir); err != nil {
				return broken, err.Error()
			}
			return broken, check(out, dir, name, damaged)
		})
	}
	whole := filepath.Join(s.scratch, "whole")
	if err := x.finished.write(filepath.Join(whole, run)); err != nil {
		panic(err)
	}
	table := func(out string) (int, string, string) {
		return s.call("table", "runs", "--results", out, "--format", "csv")
	}
	wantCode, want, stderr := table(whole)
	if wantCode != 0 {
		panic("the table of the undamaged record: " + stderr)
	}
	delete(x.finished, train.CheckpointName) // no table reads it
	sample("table of a finished run", x.finished, func(out, _, name string, _ folder) string {
		code, got, stderr := table(out)
		if code == wantCode && got == want || strings.Contains(stderr, name) {
			return ""
		}
		return fmt.Sprintf("exit code %d, another table, and %s is not named\n%s", code, name, stderr)
	})
	sample("run --resume", x.stopped, func(out, dir, name string, damaged folder) string {
		code, _, stderr := s.call("run", "--config", config, "--out", out, "--resume")
		after, err := readFolder(dir)
		if err != nil {
			return err.Error()
		}
		if code == 0 {
			return x.compare(dir, after, name)
		}
		if differs := after.differs(damaged); differs != "" {
			return fmt.Sprintf("exit code %d, but %s", code, differs)
		}
		return named(errors.New(stderr), name)
	})
}

// swapFolders swaps two finished runs of a sweep, and calls it again.
func (s *session) swapFolders() error {
	data := filepath.Join(s.scratch, "data")
	if err := writeData(data); err != nil {
		return err
	}
	sc, err := smallSweep(s.scratch, data)
	if err != nil {
		return err
	}
	s.try("folders of a sweep", 0, func(*rand.Rand) (broken, differs string) {
		broken = "two finished runs' folders swapped"
		out, remove := s.folder()
		defer remove()
		if code, _, stderr := s.call(sc.again(out)...); code != 0 {
			return broken, fmt.Sprintf("exit code %d: %s", code, stderr)
		}
		a, b, between := filepath.Join(out, sc.runs[0]), filepath.Join(out, sc.runs[1]), filepath.Join(out, "between")
		if err := errors.Join(os.Rename(a, between), os.Rename(b, a), os.Rename(between, b)); err != nil {
			return broken, err.Error()
		}
		code, stdout, stderr := s.call(sc.again(out)...)
		if said := stdout + stderr; code != 0 && strings.Contains(said, sc.runs[0]) {
			return broken, ""
		}
		return broken, fmt.Sprintf("exit code %d: %s", code, lastLine(stdout))
	})
	return nil
}
