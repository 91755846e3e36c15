package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
	"github.com/bgmd/bgmd/pkg/train"
)

// The files of a record.
const (
	configName      = "config.yaml"
	environmentName = "environment.json"
	metricsName     = "metrics.jsonl"
	summaryName     = "summary.json"
)

// keptEpoch is the last epoch of the run that was stopped.
const keptEpoch = 1

// specimen is one experiment's record at several times of its life.
type specimen struct {
	config   config.Config
	data     folder // the data set's files
	first    folder // killed after epoch 0
	stopped  folder // killed in the middle, after keptEpoch
	finished folder
	read     string // of the finished record, as text
}

// specimen makes one, of the given seed.
func (s *session) specimen(seed uint64) (*specimen, error) {
	dir := filepath.Join(s.scratch, fmt.Sprint("seed-", seed))
	if err := writeData(filepath.Join(dir, "data")); err != nil {
		return nil, err
	}
	c := finishing(filepath.Join(dir, "data"))
	c.Seed, c.Workers = seed, int(seed) // so that environments differ
	x := &specimen{config: c}
	run := filepath.Join(dir, "run")
	var errs []error
	keep := func(f *folder) {
		var err error
		*f, err = readFolder(run)
		delete(*f, "lock")
		errs = append(errs, err)
	}
	_, err := train.Run(context.Background(), c, run, train.Options{Observe: func(p train.Progress) {
		switch {
		case p.Done == nil:
		case p.Epoch == 0:
			keep(&x.first)
		case p.Epoch == keptEpoch:
			keep(&x.stopped)
		}
	}})
	if err != nil {
		return nil, err
	}
	keep(&x.finished)
	r, err := record.Read(run)
	if err != nil {
		return nil, err
	}
	x.read = inText(r)
	x.data, err = readFolder(c.Data.Dir)
	return x, errors.Join(append(errs, err)...)
}

// inText is a record's contents as text, in which NaN equals NaN.
func inText(r *record.Run) string {
	copied := *r
	copied.Dir = ""
	text, err := json.Marshal(copied)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// compare compares a run that went on, and has ended, with the one that was not
// disturbed.
func (x *specimen) compare(dir string, after folder, name string) string {
	run, err := record.Read(dir)
	if err != nil {
		return fmt.Sprintf("the damaged %s is sealed\n%v", name, err)
	}
	var was record.Run
	if err := json.Unmarshal([]byte(x.read), &was); err != nil {
		return err.Error()
	}
	switch {
	case run.Summary == nil || run.Summary.Status != record.Finished:
		return fmt.Sprintf("status %s with a damaged %s", run.Status(), name)
	case run.Summary.Digest != was.Summary.Digest:
		return fmt.Sprintf("another digest with a damaged %s", name)
	case !bytes.Equal(run.Config, was.Config):
		return "another configuration"
	}
	whole := bytes.SplitAfter(x.stopped[metricsName], []byte("\n"))
	lines := bytes.SplitAfter(after[metricsName], []byte("\n"))
	for i := range run.Sessions[len(run.Sessions)-1].FromEpoch + 1 {
		if !bytes.Equal(whole[i], lines[i]) {
			return fmt.Sprintf("line %d of %s is another and goes into the record", i+1, metricsName)
		}
	}
	var before record.Environment
	if err := json.Unmarshal(x.stopped[environmentName], &before); err != nil {
		return err.Error()
	}
	if !reflect.DeepEqual(run.Environment, before) {
		return fmt.Sprintf("another environment goes into the record with a damaged %s", name)
	}
	return ""
}
