package record

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/bgmd/bgmd/internal/lockfile"
	"github.com/bgmd/bgmd/internal/safefile"
)

// Writer writes one run's files and holds the run's lock until [Writer.Close].
// It is not safe for concurrent use.
type Writer struct {
	dir         string
	config      []byte
	environment []byte // environment.json
	begun       string // as sumBegun
	epochs      []Epoch
	lines       []byte         // metrics.jsonl
	lock        *lockfile.Lock // nil once closed
}

// ExistsError is [Create]'s error for a folder that holds a run already.
type ExistsError struct {
	Dir    string
	Status Status
}

func (e *ExistsError) Error() string {
	advice := "resume it (--resume), or choose another seed or output folder (--seed, --out)"
	if e.Status.Final() {
		advice = "choose another seed or output folder (--seed, --out)"
	}
	return fmt.Sprintf("%s holds a run with status %q: %s", e.Dir, e.Status, advice)
}

// ErrLocked is wrapped by the errors of [Create] and [Resume] when another
// process, or another Writer of this one, is writing the run.
var ErrLocked = errors.New("the run is being written")

// acquire locks dir, or fails at once with ErrLocked.
func acquire(dir string) (*lockfile.Lock, error) {
	l, err := lockfile.Acquire(filepath.Join(dir, lockName))
	if held, ok := errors.AsType[*lockfile.HeldError](err); ok {
		return nil, fmt.Errorf("%w by process %s", ErrLocked, held.Holder)
	}
	return l, err
}

// WrittenBy is the id of the process that is writing the run in dir, empty if
// none is.
func WrittenBy(dir string) string { return lockfile.Holder(filepath.Join(dir, lockName)) }

// Create begins a run in the folder dir, which it makes along with its
// parents. config is what config.yaml shall hold: [Resume] wants the same
// bytes, so settings that do not decide the result, such as the number of
// workers, had better be left out.
//
// A folder with a run in it is refused with an [*ExistsError], one that another
// process is writing with [ErrLocked], and one with other files in it too. An
// empty folder will do, and so will one that was left by a process killed inside
// Create.
func Create(dir string, config []byte, env Environment) (*Writer, error) {
	// Once without the lock, so that a run that has ended is left untouched.
	err := vacant(dir)
	if exists, ok := errors.AsType[*ExistsError](err); ok && exists.Status != Unfinished {
		return nil, fmt.Errorf("record: create run: %w", err)
	}
	if err := safefile.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("record: create run: %w", err)
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, fmt.Errorf("record: create run in %s: %w", dir, err)
	}
	w := &Writer{dir: dir, config: bytes.Clone(config), lock: lock}
	if err := w.begin(env); err != nil {
		return nil, errors.Join(fmt.Errorf("record: create run: %w", err), lock.Release())
	}
	return w, nil
}

// begin does Create's work under the lock.
func (w *Writer) begin(env Environment) error {
	if err := vacant(w.dir); err != nil {
		return err
	}
	if err := safefile.RemoveTemporary(w.dir); err != nil {
		return err
	}
	if err := w.writeEnvironment(env, nil); err != nil {
		return err
	}
	if err := writeFile(w.dir, metricsName, nil); err != nil {
		return err
	}
	// The configuration comes last: with it the run has begun.
	if err := writeFile(w.dir, configName, w.config); err != nil {
		return err
	}
	return safefile.SyncFolder(filepath.Dir(w.dir))
}

// writeEnvironment writes what a run began on and its sessions since.
func (w *Writer) writeEnvironment(first Environment, later []Session) error {
	var err1, err2 error
	w.begun, err1 = sumBegun(first)
	w.environment, err2 = encode(environmentFile{first, later})
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("encode %s: %w", environmentName, err)
	}
	return writeFile(w.dir, environmentName, w.environment)
}

// Dir is the run's folder, as given to Create or Resume.
func (w *Writer) Dir() string { return w.dir }

// Epochs returns the epochs recorded so far, those kept by [Resume] included.
// The caller may change the slice but not what its elements point to.
func (w *Writer) Epochs() []Epoch { return slices.Clone(w.epochs) }

// Epoch records the next epoch: 0 first, then one after the other. When it
// returns nil the line is on disk, so a checkpoint of this epoch may follow;
// on an error the record is as it was before the call.
func (w *Writer) Epoch(e Epoch) error {
	if w.lock == nil {
		return fmt.Errorf("record: epoch %d of %s: the run is closed", e.Epoch, w.dir)
	}
	line, kept, err := e.encode(w.epochs)
	if err != nil {
		return fmt.Errorf("record: epoch %d of %s: %w", e.Epoch, w.dir, err)
	}
	lines := slices.Concat(w.lines, line)
	if err := writeFile(w.dir, metricsName, lines); err != nil {
		return fmt.Errorf("record: epoch %d: %w", e.Epoch, err)
	}
	w.lines, w.epochs = lines, append(w.epochs, kept)
	return nil
}

// Close ends the run with a summary and releases its lock. If the summary cannot be
// written, it still releases the lock, and the run is unfinished. It refuses an outcome
// that contradicts itself, such as a failed run without an error. A lock file that
// cannot be removed is no error: the run is complete, and the file locks nothing any
// more. [Tidy] removes it, or says why not.
func (w *Writer) Close(o Outcome) error {
	if w.lock == nil {
		return fmt.Errorf("record: close %s: the run is closed already", w.dir)
	}
	err := o.check()
	if err == nil {
		// An Epoch that failed late may have left its line behind.
		err = writeFile(w.dir, metricsName, w.lines)
	}
	var summary []byte
	if err == nil {
		summary, err = sealed(summarise(o, w.config, w.epochs), w.config, w.environment, w.lines)
	}
	if err == nil {
		err = writeFile(w.dir, summaryName, summary)
	}
	left := w.lock.Release()
	w.lock = nil
	if err != nil {
		err = errors.Join(err, left)
		return fmt.Errorf("record: close %s: %w", w.dir, err)
	}
	return nil
}
