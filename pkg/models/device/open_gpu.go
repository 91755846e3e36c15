//go:build gpu && linux

package device

import (
	"errors"
	"fmt"

	"github.com/bgmd/bgmd/internal/cuda"
)

// Built says whether the program is built with devices.
const Built = true

// Device is an opened GPU.
type Device struct {
	Info
	Stream *cuda.Stream // on which everything runs, in order
	gpu    *cuda.Device
	held   []interface{ Free() error }
}

func open(ordinal int) (_ *Device, err error) {
	d := &Device{}
	if d.gpu, err = cuda.Open(ordinal); err != nil {
		return nil, err
	}
	i := d.gpu.Info
	d.Info = Info{Name: i.Name, Driver: i.Driver.String(), Capability: fmt.Sprintf("%d.%d", i.Major, i.Minor), Memory: i.Total}
	if d.Stream, err = d.gpu.NewStream(); err != nil {
		return nil, err
	}
	return d, nil
}

// List lists the devices there are, and fails where there is none.
func List() ([]Info, error) {
	count, err := cuda.Count()
	var list []Info
	for i := range count {
		d, err := open(i)
		if err != nil {
			return list, err
		}
		list = append(list, d.Info)
		if err := d.Close(); err != nil {
			return list, err
		}
	}
	return list, err
}

// Close gives back the device and all memory taken from it. Of nil it does nothing.
func (d *Device) Close() error {
	if d == nil {
		return nil
	}
	for _, m := range d.held {
		if err := m.Free(); err != nil {
			return err
		}
	}
	return d.gpu.Close()
}

// Alloc takes memory of the device for n elements, until the device is closed. It fails
// with a [MemoryError] where there is not so much.
func Alloc[T any](d *Device, n int) (cuda.Memory[T], error) {
	m, err := cuda.Alloc[T](d.gpu, n)
	return m, d.hold(m, err)
}

// AllocRows takes memory of the device for n rows of so many values, as Alloc does.
func AllocRows(d *Device, n, size int) (cuda.Rows, error) {
	r, err := cuda.AllocRows(d.gpu, n, size)
	return r, d.hold(r.Memory, err)
}

// hold frees memory when the device is closed. It returns err, with which the memory was
// taken.
func (d *Device) hold(m interface{ Free() error }, err error) error {
	if full, ok := errors.AsType[*cuda.MemoryError](err); ok {
		return &MemoryError{full.Asked, full.Free, full.Total}
	}
	if err == nil {
		d.held = append(d.held, m)
	}
	return err
}

// AllocPinned takes memory of the host for n elements, which the device copies from and to
// by itself, until the device is closed.
func AllocPinned[T any](d *Device, n int) (cuda.Pinned[T], error) {
	m, err := cuda.AllocPinned[T](d.gpu, n)
	return m, d.hold(m, err)
}

// NewSelection takes memory for selections among so many scores, until the device is
// closed.
func NewSelection(d *Device, scores int) (*cuda.Selection, error) {
	s, err := cuda.NewSelection(d.gpu, scores)
	return s, d.hold(s, err)
}

// NewEvent makes an event, which lives as long as the device.
func (d *Device) NewEvent() (*cuda.Event, error) {
	e, err := d.gpu.NewEvent()
	return e, d.hold(e, err)
}

// Free is the bytes of memory that the device has left.
func (d *Device) Free() (int, error) {
	free, _, err := d.gpu.MemoryInfo()
	return free, err
}
