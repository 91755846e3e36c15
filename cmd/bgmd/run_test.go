package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bgmd/bgmd/pkg/record"
)

// A terminal that is closed stops a run as SIGTERM does, even if it says so more
// than once; under nohup it does not.
func TestRunAndHangUp(t *testing.T) {
	for _, test := range []struct {
		name, trap string
		signals    []syscall.Signal
	}{
		{"terminated", "", []syscall.Signal{syscall.SIGTERM}},
		{"hung up", "", []syscall.Signal{syscall.SIGHUP, syscall.SIGHUP}},
		{"nohup", "trap '' HUP; ", []syscall.Signal{syscall.SIGHUP}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.trap == "" && slices.Contains(test.signals, syscall.SIGHUP) && signal.Ignored(syscall.SIGHUP) {
				t.Skip("this process is under nohup, and so would the run be")
			}
			dir := sweepFolder(t, testGrid)
			epochs := "epochs=10000"
			if test.trap != "" {
				epochs = "epochs=5"
			}
			writeFile(t, dir, "run.yaml", "name: sgd\ndata: {set: mnist, dir: data, clients: 3, batch: 4}\nmodel: {name: lenet}\noptimizer: {lr: 0.01}\n")
			cmd := exec.Command("sh", "-c", test.trap+"exec bgmd run --config run.yaml --out out --set "+epochs)
			var out bytes.Buffer
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			untilEpoch(t, dir, "sgd", 0)
			for _, s := range test.signals {
				_ = cmd.Process.Signal(s) // it may have ended
			}
			_ = cmd.Wait()
			want, code := "\nbgmd: interrupted: --resume goes on after epoch ", 1
			if test.trap != "" {
				want, code = "\nfinished after 5 epochs", 0
			}
			if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(out.String(), want) {
				t.Errorf("%v, want exit code %d and %q in the output:\n%s", cmd.ProcessState, code, want, out.String())
			}
			status := record.Interrupted
			if code == 0 {
				status = record.Finished
			}
			if got := records(t, filepath.Join(dir, "out"))["sgd"]; !strings.HasPrefix(got, string(status)) {
				t.Errorf("the record is %s, want %s", got, status)
			}
		})
	}
}

// A command that has nothing to finish dies of the first SIGTERM, also while it waits
// for whoever writes to its standard input.
func TestAggregateTerminated(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	cmd := exec.Command("bgmd", "aggregate", "-", "-o", "out.npy")
	cmd.Dir = dir
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	header := fmt.Sprintf("%-117s\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (8, 1000000)}")
	begun := append([]byte("\x93NUMPY\x01\x00\x76\x00"+header), make([]byte, 1<<20)...)
	if _, err := stdin.Write(begun); err != nil { // a pipe holds less: most was read
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Wait()
	if got := cmd.ProcessState.Sys().(syscall.WaitStatus); got.Signal() != syscall.SIGTERM {
		t.Errorf("aggregate ended with %v, want it killed by SIGTERM", cmd.ProcessState)
	}
}
