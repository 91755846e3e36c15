package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/pkg/record"
)

// checkOutput refuses, before any work is done, an output file whose folder does not
// exist, that is a folder, or that the command reads: an input, or a part of a record.
func checkOutput(cmd *cobra.Command, args []string) error {
	var written []*pflag.Flag
	read := map[string]string{} // path to what it is called
	for _, arg := range args {
		read[arg] = "the input " + arg
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch {
		case isOutput(f):
			written = append(written, f)
		case isFile(f):
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

// isFile tells whether a flag's value is a file, and isOutput whether it is one that
// the command writes.
func isFile(f *pflag.Flag) bool {
	kind, _ := pflag.UnquoteUsage(f)
	return kind == "file"
}

func isOutput(f *pflag.Flag) bool {
	return isFile(f) && (f.Name == "out" || f.Name == "figure")
}

// checkPicture refuses, before any work is done, a picture's file whose name has an unknown
// ending. flag is the flag that names it.
func checkPicture(flag, path string) error {
	if !slices.Contains([]string{".png", ".svg", ".pdf"}, strings.ToLower(filepath.Ext(path))) {
		return &configError{fmt.Errorf("--%s is %q, want a file ending in .png, .svg or .pdf", flag, path)}
	}
	return nil
}

// notRead refuses to write to a path that leads to a part of a record or to one of the
// files in read, which maps a file's path to what messages call it. flag is the flag that
// gave the path.
func notRead(flag, path string, read map[string]string) error {
	to, err := safefile.Follow(path)
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
