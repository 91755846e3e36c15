// Package device computes networks' layers on an NVIDIA GPU, for the samples of all
// clients of a step at once: the engine of [nn.Engine] beside the host's.
//
// All of it but this file is behind the build tag gpu. In a program that is built without
// the tag, [Open] fails, so every [Device] can compute.
//
// Arrays are those of the host, H×C×W×M, with M = clients·N samples innermost, client
// by client. Outputs and gradients of inputs are one product for all of them; the
// gradients of parameters are formed a client at a time, straight into the clients'
// rows of a matrix on the device. Sums have another order than on the host: results
// agree to rounding.
package device

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Host is the name of no device.
const Host = "cpu"

// ErrNotBuilt is the error of devices where the program is built without them.
var ErrNotBuilt = errors.New("this program is built without GPUs: build it with CGO_ENABLED=0 go build -tags gpu ./cmd/bgmd, on Linux")

// Info says what a device is.
type Info struct {
	Name       string // the maker's
	Driver     string // newest version of CUDA that the driver is for
	Capability string // compute capability, such as "9.0"
	Memory     int    // bytes
}

// String is such as "NVIDIA H100, compute capability 9.0, 79.6 GiB, driver for CUDA 13.0".
func (i Info) String() string {
	return fmt.Sprintf("%s, compute capability %s, %.1f GiB, driver for CUDA %s", i.Name, i.Capability, float64(i.Memory)/(1<<30), i.Driver)
}

// MemoryError says that a device's memory does not suffice.
type MemoryError struct{ Asked, Free, Total int } // bytes

func (e *MemoryError) Error() string {
	return fmt.Sprintf("device: the GPU's memory is full: %d bytes are asked for, %d of %d are free", e.Asked, e.Free, e.Total)
}

// Open opens the device of the given name: cpu or empty for none, which is nil. It
// fails where the program is built without devices, and where there is no driver, an
// old one, or no such GPU.
func Open(name string) (*Device, error) {
	ordinal, gpu, err := parse(name)
	if err != nil || !gpu {
		return nil, err
	}
	return open(ordinal)
}

// Check refuses a name that [Open] does not take, in any program or in this one. It looks
// at no device.
func Check(name string) error {
	_, gpu, err := parse(name)
	if err == nil && gpu && !Built {
		return ErrNotBuilt
	}
	return err
}

// parse reads the name of a device: its number, from 0, or that it is none.
func parse(name string) (ordinal int, gpu bool, err error) {
	if name == Host || name == "" {
		return 0, false, nil
	}
	text, numbered := strings.CutPrefix(name, "gpu:")
	if name == "gpu" {
		return 0, true, nil
	}
	ordinal, err = strconv.Atoi(text)
	if !numbered || err != nil || ordinal < 0 || strconv.Itoa(ordinal) != text {
		return 0, false, fmt.Errorf("device is %q, want cpu, gpu, or gpu:1 and so on for another than the first", name)
	}
	return ordinal, true, nil
}
