package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/bgmd/bgmd/internal/lockfile"
	"github.com/bgmd/bgmd/internal/safefile"
)

// vacant returns nil if a run can begin in dir: there is no such folder, or
// nothing in it but what Create writes before config.yaml. For a run that is
// there already the error is an *ExistsError.
func vacant(dir string) error {
	run := Run{Dir: dir}
	if _, err := run.readSummary(); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if has(dir, configName) || run.Summary != nil {
		return &ExistsError{Dir: dir, Status: run.Status()}
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == lockName, name == environmentName, safefile.Temporary(name):
		case name == metricsName && empty(e):
		default:
			return fmt.Errorf("%s holds %s but no %s, so it is neither empty nor a run: choose another folder", dir, name, configName)
		}
	}
	return nil
}

// Begun tells whether a run has begun in dir: then [Resume] goes on with it, and
// [Create] refuses the folder.
func Begun(dir string) bool { return has(dir, configName) }

// has tells whether there is something called name in dir.
func has(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

// IsPart tells whether path is one of the files that make up a run's record.
func IsPart(path string) bool {
	switch filepath.Base(path) {
	case configName, environmentName, metricsName, summaryName, lockName:
		return isRun(filepath.Dir(path))
	}
	return false
}

// empty tells whether e is a file without content.
func empty(e fs.DirEntry) bool {
	info, err := e.Info()
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// removeSummary durably removes dir's summary.json, if there is one.
func removeSummary(dir string) error {
	err := os.Remove(filepath.Join(dir, summaryName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return safefile.SyncFolder(dir)
}

// Tidy removes what is left in dir by a process that was killed after its run had
// ended: temporary files, those of plots included, and a lock that nobody holds. While
// a process is writing the run, it removes nothing. An error does the record no harm:
// the files that stay behind lock nothing and hide nothing.
func Tidy(dir string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == lockName || safefile.Temporary(e.Name()) }) {
		return nil // nothing to remove, and we may not be allowed to write here
	}
	if err == nil {
		var lock *lockfile.Lock
		if lock, err = acquire(dir); errors.Is(err, ErrLocked) {
			return nil
		}
		if err == nil {
			err = errors.Join(safefile.RemoveTemporary(dir), lock.Release())
		}
	}
	if err != nil {
		return fmt.Errorf("record: tidy up %s: %w", dir, err)
	}
	return nil
}
