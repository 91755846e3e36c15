// Command bgmd trains neural networks on corrupt data and corrupt gradients,
// and compares the rules that aggregate the gradients of many clients.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/record"
)

func main() {
	if err := gemm.Configured(); err != nil {
		fmt.Fprintf(os.Stderr, "bgmd: %v\n", err)
		os.Exit(exitUsage)
	}
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// stoppable lets a command, which must look at its context, finish its current step when
// the process is told to stop. Every other command dies of the signal at once.
func stoppable(cmd *cobra.Command) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, stop := stopSignals(cmd.Context())
		defer stop()
		cmd.SetContext(ctx)
		return run(cmd, args)
	}
	return cmd
}

// stopSignals returns a context that ends with parent, or when the process is told to
// stop: by Ctrl-C, SIGTERM, or SIGHUP unless nohup has that ignored. A second Ctrl-C
// kills, but not a second SIGHUP: a terminal that is closed can send several.
func stopSignals(parent context.Context) (context.Context, context.CancelFunc) {
	var forget context.CancelFunc = func() {}
	if !signal.Ignored(syscall.SIGHUP) {
		parent, forget = signal.NotifyContext(parent, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, func() { stop(); forget() }
}

// execute runs the command line and returns the process's exit code. Results
// go to stdout; errors go to stderr, one a line.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	markFailures(root)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	printError(stderr, "bgmd: ", err)
	if failed := (*failure)(nil); !errors.As(err, &failed) {
		fmt.Fprintf(stderr, "bgmd: see '%s --help'\n", cmd.CommandPath())
	}
	return exitCode(err)
}

// What is printed of an error: so many lines, each of so many bytes.
const (
	maxErrorLines = 50
	maxErrorLine  = 4000
)

// printError prints an error's lines, each behind the prefix, but no more than
// people read: a file can have an error in each of its 100,000 lines. Of nil it
// prints nothing.
func printError(w io.Writer, prefix string, err error) {
	if err == nil {
		return
	}
	lines := strings.Split(oneLine.Replace(strings.TrimRight(err.Error(), "\n")), "\n")
	for _, line := range lines[:min(len(lines), maxErrorLines)] {
		if len(line) > maxErrorLine {
			line = strings.ToValidUTF8(line[:maxErrorLine], "") + "…"
		}
		fmt.Fprintf(w, "%s%s\n", prefix, printable.Text(line))
	}
	if more := len(lines) - maxErrorLines; more > 0 {
		fmt.Fprintf(w, "%s… and %s\n", prefix, plural(more, "line more", "lines more"))
	}
}

// oneLine folds the lines of cobra's suggestions into the error's.
var oneLine = strings.NewReplacer("\n\nDid you mean this?\n\t", ", did you mean ", "\n\t", " or ")

// Exit codes.
const (
	exitOK       = 0
	exitFailed   = 1 // the command could not do what it was told to
	exitUsage    = 2 // the command line or the configuration is wrong
	exitData     = 3 // data is missing or damaged
	exitDiverged = 4 // training diverged
)

// Kinds of errors that have an exit code of their own, beside [data.ErrData].
// Wrap them with %w.
var (
	errConfig   = errors.New("the configuration is wrong")
	errDiverged = errors.New("training diverged")
)

func exitCode(err error) int {
	failed := (*failure)(nil)
	switch {
	case err == nil:
		return exitOK
	case !errors.As(err, &failed): // cobra refused the command line
		return exitUsage
	case errors.Is(err, errConfig), isKeyError(err):
		return exitUsage
	case errors.Is(err, data.ErrData), isInputError(err), isDamageError(err):
		return exitData
	case errors.Is(err, errDiverged):
		return exitDiverged
	}
	return exitFailed
}

// isKeyError recognises what package train refuses only once it knows the data.
func isKeyError(err error) bool {
	_, ok := errors.AsType[*config.KeyError](err)
	return ok
}

func isInputError(err error) bool {
	_, ok := errors.AsType[*inputError](err)
	return ok
}

func isDamageError(err error) bool {
	_, ok := errors.AsType[*record.DamageError](err)
	return ok
}

// failure marks an error of a command's own. Cobra's, which are about the
// command line, come without a type to know them by.
type failure struct{ error }

func (f *failure) Unwrap() error { return f.error }

// markFailures makes every command below cmd return its errors as failures.
func markFailures(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := run(cmd, args); err != nil {
				return &failure{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		markFailures(sub)
	}
}
