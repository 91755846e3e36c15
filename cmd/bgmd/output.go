package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bgmd/bgmd/internal/whole"
	"github.com/bgmd/bgmd/pkg/train/record"
)

// checkOutput refuses, before any work is done, a file to write whose folder is not
// there, that is one, or that the command reads: an input, or a part of a record.
func checkOutput(cmd *cobra.Command, args []string) error {
	var written []*pflag.Flag
	read := map[string]string{} // path to what it is called
	for _, arg := range args {
		read[arg] = "the input " + arg
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		kind, _ := pflag.UnquoteUsage(f)
		switch {
		case kind != "file":
		case f.Name == "out", f.Name == "figure":
			written = append(written, f)
		default:
			read[f.Value.String()] = "the input of --" + f.Name
		}
	})
	var errs []error
	for _, f := range written {
		path := f.Value.String()
		if path == "" {
			if f.Changed {
				errs = append(errs, fmt.Errorf("--%s is empty, want a file", f.Name))
			}
			continue
		}
		if path == standard {
			continue
		}
		folder := filepath.Dir(path)
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			errs = append(errs, fmt.Errorf("--%s is %q, but there is no folder %s", f.Name, path, folder))
			continue
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			errs = append(errs, fmt.Errorf("--%s is %q, which is a folder, want a file", f.Name, path))
			continue
		}
		errs = append(errs, notRead("--"+f.Name, path, read))
	}
	return errors.Join(errs...)
}

// notRead refuses to write to a path that leads to one of the files that are read,
// each with what it is called, or to a part of a record. flag is where the path
// was given.
func notRead(flag, path string, read map[string]string) error {
	to, err := whole.Follow(path)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	if record.IsPart(to) {
		return fmt.Errorf("%s is %q, which is part of a run's record: choose another file", flag, path)
	}
	out, err := os.Stat(to)
	if err != nil || !out.Mode().IsRegular() {
		return nil // nothing that could be lost
	}
	for in, name := range read {
		if info, err := os.Stat(in); err == nil && os.SameFile(info, out) {
			return fmt.Errorf("%s is %q, which is %s: choose another file", flag, path, name)
		}
	}
	return nil
}
