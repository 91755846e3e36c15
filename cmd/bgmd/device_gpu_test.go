//go:build gpu && linux

package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/internal/cuda/cudatest"
)

// TestDeviceScripts runs commands on the emulator of a device.
func TestDeviceScripts(t *testing.T) {
	library, err := cudatest.Library()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/device",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv(cuda.LibraryVariable, library)
			return nil
		},
		Cmds: scriptCommands(),
	})
}
