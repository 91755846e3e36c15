package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/train"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bgmd": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// exits CODE ARG...: bgmd ARG... ends with exit code CODE.
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 1 {
					ts.Fatalf("usage: exits CODE ARG...")
				}
				got := "0"
				if err := ts.Exec("bgmd", args[1:]...); err != nil {
					var exit interface{ ExitCode() int }
					if !errors.As(err, &exit) {
						ts.Fatalf("%v", err)
					}
					got = fmt.Sprint(exit.ExitCode())
				}
				if got != args[0] {
					ts.Fatalf("bgmd exits with %s, want %s", got, args[0])
				}
			},
		},
	})
}

func TestExitCode(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errors.New("unknown flag: --x"), exitUsage},
		{&failure{errors.New("disk full")}, exitFailed},
		{&failure{fmt.Errorf("load: %w", &configError{errors.New("seed is -1")})}, exitUsage},
		{&failure{fmt.Errorf("run: %w", &train.KeyError{Path: "seed"})}, exitUsage},
		{&failure{fmt.Errorf("load: %w", &data.FileError{File: "x"})}, exitData},
		{&failure{fmt.Errorf("epoch 3: %w", errDiverged)}, exitDiverged},
	}
	for _, tt := range tests {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("%v: exit code %d, want %d", tt.err, got, tt.want)
		}
	}
}
