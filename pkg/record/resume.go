package record

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/bgmd/bgmd/internal/safefile"
)

// Resume goes on with the run in dir after the epoch of mark, which comes from the
// checkpoint that training goes on from; nil starts the run over. Lines after that
// epoch are discarded, and so is the summary of an interrupted or failed run:
// while it goes on, the run is unfinished again. The first session's environment
// is kept and env appended to its sessions.
//
// It refuses, and leaves as it is, a run that has finished or diverged, that was begun
// with another configuration or other data, that mark does not belong to, that another
// process is writing ([ErrLocked]), or that [Read] refuses. Where a file is to blame,
// the error wraps a [*DamageError].
func Resume(dir string, config []byte, env Environment, mark *Mark) (*Writer, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("record: resume run: there is no run in %s", dir)
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, fmt.Errorf("record: resume run in %s: %w", dir, err)
	}
	w := &Writer{dir: dir, config: bytes.Clone(config), lock: lock}
	if err := w.resume(env, mark); err != nil {
		return nil, errors.Join(fmt.Errorf("record: resume run in %s: %w", dir, err), lock.Release())
	}
	return w, nil
}

// DamageError is the error of a file that a run cannot go on from: of its record or
// its checkpoint, damaged or another run's. Its text is that of Err.
type DamageError struct{ Err error }

func (e *DamageError) Error() string { return e.Err.Error() }
func (e *DamageError) Unwrap() error { return e.Err }

// resume does Resume's work under the lock.
func (w *Writer) resume(env Environment, mark *Mark) error {
	run, err := readToResume(w.dir)
	if err != nil {
		return err
	}
	if err := sameConfig(run.Config, w.config); err != nil {
		return err
	}
	if s := run.Status(); s.Final() {
		return fmt.Errorf("its status is %q: there is nothing left to train", s)
	}
	last := -1
	if mark != nil {
		last = mark.Epoch
		if w.lines, err = mark.kept(run); err != nil {
			return &DamageError{err}
		}
	}
	if err := sameGround(run.Environment, env); err != nil { // of an environment that the mark has found whole
		return fmt.Errorf("%s: %w", environmentName, err)
	}
	w.epochs = run.Epochs[:last+1]
	run.Sessions = append(run.Sessions, Session{FromEpoch: last, Environment: env})
	// The summary goes before the lines that it sums up.
	if err := removeSummary(w.dir); err != nil {
		return err
	}
	if err := writeFile(w.dir, metricsName, w.lines); err != nil {
		return err
	}
	if err := w.writeEnvironment(run.Environment, run.Sessions); err != nil {
		return err
	}
	return safefile.RemoveTemporary(w.dir)
}

// readToResume is read, but its errors about damage say what to do.
func readToResume(dir string) (*Run, error) {
	run, err := read(dir)
	if _, other := errors.AsType[*fs.PathError](err); err != nil && !other {
		err = &DamageError{fmt.Errorf("%w: %s", err, startAnew)}
	}
	return run, err
}

// Ended returns the summary of the run in dir if it has finished or diverged, nil
// if there is something left to train or no run. It refuses a run that was begun
// with another configuration.
func Ended(dir string, config []byte) (*Summary, error) {
	run := &Run{Dir: dir}
	if _, err := run.readSummary(); err == nil && !run.Status().Final() {
		return nil, nil
	}
	run, err := readToResume(dir)
	if err == nil {
		err = sameConfig(run.Config, config)
	}
	if err != nil {
		return nil, fmt.Errorf("record: resume run in %s: %w", dir, err)
	}
	return run.Summary, nil
}

// sameConfig reports the first line in which two configurations differ.
func sameConfig(first, now []byte) error {
	if bytes.Equal(first, now) {
		return nil
	}
	was, is := bytes.Split(first, []byte("\n")), bytes.Split(now, []byte("\n"))
	n := 0
	for quoted(was, n) == quoted(is, n) {
		n++
	}
	return fmt.Errorf("it was begun with another configuration: %s, line %d: found %s, want %s", configName, n+1, quoted(was, n), quoted(is, n))
}

// quoted is line n in quotes, or words to say that there is none.
func quoted(lines [][]byte, n int) string {
	if n >= len(lines) {
		return "no line"
	}
	return strconv.Quote(string(lines[n]))
}

// sameGround reports whether now describes other data or another backend than
// first: training could then not go on as it began. Machines may differ.
func sameGround(first, now Environment) error {
	if first.Backend != now.Backend {
		return fmt.Errorf("it was begun with the backend %q and the program has %q: results would differ", first.Backend, now.Backend)
	}
	if first.DataSet != now.DataSet {
		return fmt.Errorf("the data set was %q when the run began and is %q now", first.DataSet, now.DataSet)
	}
	if len(first.DataFiles) != len(now.DataFiles) {
		return fmt.Errorf("the data set had %d files when the run began and has %d now", len(first.DataFiles), len(now.DataFiles))
	}
	for i, f := range first.DataFiles {
		if n := now.DataFiles[i]; f.Name != n.Name || f.MD5 != n.MD5 {
			return fmt.Errorf("data file %s had MD5 %s when the run began; now there is %s with MD5 %s", f.Name, f.MD5, n.Name, n.MD5)
		}
	}
	if was, is := first.Initial, now.Initial; was != nil && is != nil && was.MD5 != is.MD5 {
		return fmt.Errorf("the initial parameters, %s, had MD5 %s when the run began; now %s has MD5 %s", was.Name, was.MD5, is.Name, is.MD5)
	}
	return nil
}
