//go:build gpu && linux

package cuda

import (
	"errors"
	"fmt"
)

// Why there is no device to compute with.
var (
	ErrNoDriver  = errors.New("no NVIDIA driver")
	ErrOldDriver = errors.New("the NVIDIA driver is too old")
	ErrNoDevice  = errors.New("the NVIDIA driver finds no GPU")
)

// Error is a failed call of the driver.
type Error struct {
	Call string // the function
	Code int    // CUresult
	Name string // of the code; empty if the driver has none
}

func (e *Error) Error() string {
	name := e.Name
	if name == "" {
		name = "unknown error"
	}
	return fmt.Sprintf("cuda: %s: %s (%d)", e.Call, name, e.Code)
}

// Is says that having no device, in any way, is ErrNoDevice.
func (e *Error) Is(target error) bool { return target == ErrNoDevice && e.Code == codeNoDevice }

// Codes of the driver that mean something to us.
const (
	codeOutOfMemory = 2
	codeNoDevice    = 100
)

// MemoryError says that the GPU's memory does not suffice.
type MemoryError struct {
	Asked, Free, Total int // bytes
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("cuda: the GPU's memory is full: asked for %d bytes, %d of %d are free", e.Asked, e.Free, e.Total)
}

// FaultError says that a kernel failed while it ran. The device cannot be used any more.
type FaultError struct {
	Kernel string // that failed, or the last of those that may have
	Exact  bool   // it was that one
	Err    error
}

func (e *FaultError) Error() string {
	if e.Exact {
		return fmt.Sprintf("cuda: kernel %s: %v", e.Kernel, e.Err)
	}
	return fmt.Sprintf("cuda: kernel %s or one before it: %v (%s=1 tells which)", e.Kernel, e.Err, SyncVariable)
}

func (e *FaultError) Unwrap() error { return e.Err }
