// Package record writes and reads the files of one training run.
//
// A run owns a folder, usually <out>/<experiment>/<run>:
//
//	config.yaml       the resolved configuration, byte for byte
//	environment.json  program, machine and data; a session for every resume
//	metrics.jsonl     one line an epoch, epoch 0 being before training
//	summary.json      how the run ended; absent while it goes on
//	lock              held by the process that writes; gone afterwards
//
// Every file is written beside its final name, synced and renamed, so whatever
// stands under a final name is whole: a process killed at any moment, or a full
// disk, leaves the previous version. A run without summary.json has not ended,
// so that an unfinished run is never taken for a finished one.
//
// Chosen: metrics.jsonl is replaced as a whole at every epoch. Rejected:
// appending, which can leave half a line under the final name; the file is some
// hundred bytes an epoch, so rewriting it costs less than the sync.
//
// The [Writer] computes everything in summary.json that follows from the
// metrics, and [Read] checks it again: the two files cannot disagree. The summary
// also seals the run: it holds the sum of every file above, its own included.
//
// Chosen: the summary's own sum is in it, computed with zeros in its place, as a
// checkpoint's is. Rejected: a file of sums beside it, which a kill between the
// two writings leaves out and a copy forgets.
package record

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bgmd/bgmd/internal/safefile"
)

// The names of a run's files.
const (
	configName      = "config.yaml"
	environmentName = "environment.json"
	metricsName     = "metrics.jsonl"
	summaryName     = "summary.json"
	lockName        = "lock"
)

// Run is what a run's folder holds.
type Run struct {
	Dir         string      // the folder, as given to Read
	Config      []byte      // config.yaml
	Environment Environment // of the first session
	Sessions    []Session   // of every resume, in order; nil without one
	Epochs      []Epoch     // Epochs[e] is epoch e
	Summary     *Summary    // nil while the run has not ended

	metrics []byte // metrics.jsonl
}

// Name is the last element of the run's folder.
func (r *Run) Name() string { return filepath.Base(absolute(r.Dir)) }

// Experiment is the last element of the folder around the run's.
func (r *Run) Experiment() string { return filepath.Base(filepath.Dir(absolute(r.Dir))) }

// Status is the summary's, or [Unfinished] without one.
func (r *Run) Status() Status {
	if r.Summary == nil {
		return Unfinished
	}
	return r.Summary.Status
}

// Read reads the run in dir. It is strict: a missing file, an unknown or
// missing key, a damaged line, epochs out of order, an unknown status or a
// summary that does not fit the metrics is an error that names the file and
// the line. One thing is forgiven: a last line of metrics.jsonl without its
// newline is ignored in a run that has not ended, as copying the folder of a
// running process can cut it short.
func Read(dir string) (*Run, error) {
	run, err := read(dir)
	if err != nil { // it may have been resumed in the meantime, and have no summary now
		run, err = read(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return run, nil
}

func read(dir string) (*Run, error) {
	run := &Run{Dir: dir}
	// The summary goes first: should the run end while it is being read, the
	// result is a moment old, but still consistent.
	summary, err := run.readSummary()
	if err != nil {
		return nil, err
	}
	if run.Config, err = safefile.ReadFile(filepath.Join(dir, configName)); err != nil {
		return nil, err
	}
	var env environmentFile
	environment, err := readJSON(filepath.Join(dir, environmentName), &env)
	if err != nil {
		return nil, err
	}
	run.Environment, run.Sessions = env.Environment, env.Sessions
	if run.metrics, err = safefile.ReadFile(filepath.Join(dir, metricsName)); err != nil {
		return nil, err
	}
	if err := run.parseMetrics(); err != nil {
		return nil, err
	}
	if run.Summary != nil {
		if err := lineEndings(run.Config, run.Summary.ConfigHash); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, configName), err)
		}
		want := summarise(run.Summary.Outcome, run.Config, run.Epochs)
		if err := run.Summary.matches(want); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, summaryName), err)
		}
	}
	return run, run.checkSeal(environment, summary)
}

// lineEndings returns an error if a text has another sum than it should only because of
// its line endings.
func lineEndings(text []byte, sum string) error {
	written := bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if len(written) == len(text) || ConfigHash(written) != sum {
		return nil
	}
	return errors.New("its line endings are CR LF and were LF, which changes its sum: " +
		"git does that with core.autocrlf=true; clone with core.autocrlf=false")
}

// readSummary reads summary.json, if there is one, and returns its bytes.
func (r *Run) readSummary() ([]byte, error) {
	path := filepath.Join(r.Dir, summaryName)
	var s Summary
	data, err := readJSON(path, &s)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.Summary = &s
	return data, nil
}

// parseMetrics decodes the lines of metrics.jsonl. Whether its last line may be
// cut short depends on the summary, which has been read before.
func (r *Run) parseMetrics() error {
	path := filepath.Join(r.Dir, metricsName)
	data := r.metrics
	for n := 1; len(data) > 0; n++ {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			if r.Summary == nil {
				return nil
			}
			return fmt.Errorf("%s, line %d: found %d bytes without a newline at the end, want a whole line", path, n, len(line))
		}
		e, err := parseLine(line, r.Epochs)
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		r.Epochs = append(r.Epochs, e)
		data = rest
	}
	return nil
}

// ReadAll reads every run below root, in the order of their paths. A folder is
// a run's when it holds environment.json, metrics.jsonl or summary.json; what
// lies below a run that can be read is not searched. A link to a run's folder is
// followed, other links are not. Runs and folders that cannot be read are left out,
// and the error joins what is wrong with each of them; the other runs are valid
// even so. A root without runs gives none and no error.
func ReadAll(root string) ([]*Run, error) {
	var runs []*Run
	var broken []error
	// The separator leads to the folder where root is a link. Not fs.WalkDir,
	// which refuses names that are not UTF-8.
	_ = filepath.WalkDir(filepath.Clean(root)+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		dir := filepath.Clean(path)
		switch {
		case err != nil: // entry is nil where it is root that cannot be read
			broken = append(broken, fmt.Errorf("record: search %s for runs: %w", dir, err))
		case (entry.IsDir() || entry.Type() == fs.ModeSymlink) && isRun(dir):
			run, err := Read(dir)
			if err != nil {
				broken = append(broken, err)
			} else {
				runs = append(runs, run)
			}
			if entry.IsDir() && (err == nil || errors.Is(err, fs.ErrPermission)) {
				return fs.SkipDir
			}
		}
		return nil
	})
	return runs, errors.Join(broken...)
}

// isRun tells whether dir holds a file that only runs' folders hold. A folder that we
// cannot look into counts as one, so that Read reports it. A config.yaml alone is no
// sign of a run: users keep theirs anywhere.
func isRun(dir string) bool {
	for _, name := range []string{environmentName, metricsName, summaryName} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil || errors.Is(err, fs.ErrPermission) {
			return true
		}
	}
	return false
}

// absolute is filepath.Abs, or dir itself where the working folder is unknown.
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
