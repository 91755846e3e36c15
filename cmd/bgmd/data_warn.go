package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/sweep"
)

// warnOfOtherFiles warns, in one line, if files of the set, which were read from dir, are
// not the published ones: nobody else's results compare with those of such files.
func warnOfOtherFiles(w io.Writer, set *data.Set, dir string) {
	var others []string
	for _, f := range set.Files {
		if !f.Official {
			others = append(others, f.Name)
		}
	}
	if others == nil {
		return
	}
	which := strings.Join(others, ", ")
	if len(others) == len(set.Files) {
		which = fmt.Sprintf("all %d files", len(others))
	}
	printError(w, "bgmd: warning: ", fmt.Errorf("%s in %s is not the published set: the MD5 sums of %s differ", set.Name, dir, which))
}

// lookAtSets warns of such files for the sets of all jobs that are left. It fails if none
// of the sets can be read; otherwise a job whose set is missing reports it itself.
func lookAtSets(w io.Writer, jobs []sweep.Job) error {
	type place struct{ set, dir string }
	seen := map[place]bool{}
	var errs []error
	for _, j := range jobs {
		c := j.Config.Data
		at := place{c.Set, c.Dir}
		if j.Done() || seen[at] {
			continue
		}
		seen[at] = true
		set, err := data.Load(c.Set, c.Dir, j.Config.Seed)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		warnOfOtherFiles(w, set, c.Dir)
	}
	if len(errs) < len(seen) {
		return nil
	}
	return errors.Join(errs...)
}
