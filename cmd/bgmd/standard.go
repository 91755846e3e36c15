package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// standard stands for standard input or output in place of a file's name.
const standard = "-"

// standardInput and standardOutput are what messages call them.
const (
	standardInput  = "standard input"
	standardOutput = "standard output"
)

// textOutputs are the commands whose file is text, which a terminal can show.
var textOutputs = []string{"table", "report"}

// outputToStandard makes every command below cmd write its file to standard output
// where that is called "-", once all of it is there. What the command prints goes to
// standard error then.
func outputToStandard(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if f := outputFlag(cmd); f != nil && f.Value.String() == standard {
				return runToStandard(cmd, args, f, run)
			}
			return run(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		outputToStandard(sub)
	}
}

// outputFlag returns the flag that names the file which a command writes, nil for none.
func outputFlag(cmd *cobra.Command) (output *pflag.Flag) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if isOutput(f) {
			output = f
		}
	})
	return output
}

// runToStandard runs a command on a file of its own, and copies that to standard output.
func runToStandard(cmd *cobra.Command, args []string, f *pflag.Flag, run func(*cobra.Command, []string) error) (err error) {
	out := cmd.OutOrStdout()
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && !slices.Contains(textOutputs, cmd.Name()) {
		return &configError{fmt.Errorf("--%s is %q, but standard output is a terminal, which cannot show it: want a file or a pipe", f.Name, standard)}
	}
	dir, err := os.MkdirTemp("", "bgmd-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "output.png") // which is what a picture becomes
	if err := f.Value.(*onceValue).Value.Set(path); err != nil {
		return err
	}
	cmd.SetOut(&renaming{cmd.ErrOrStderr(), []byte(path)})
	if err := run(cmd, args); err != nil {
		return err
	}
	written, err := os.Open(path)
	if err != nil {
		return err
	}
	defer written.Close()
	_, err = io.Copy(out, written)
	return err
}

// renaming writes "standard output" in place of a path.
type renaming struct {
	to   io.Writer
	path []byte
}

func (r *renaming) Write(p []byte) (int, error) {
	if _, err := r.to.Write(bytes.ReplaceAll(p, r.path, []byte(standardOutput))); err != nil {
		return 0, err
	}
	return len(p), nil
}
