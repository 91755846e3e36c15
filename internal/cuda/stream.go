//go:build gpu && linux

package cuda

import "time"

// Stream is a queue of the device: copies and kernels run one after another, while the
// host goes on.
type Stream struct {
	device *Device
	handle uintptr
}

// streamNonBlocking has a stream not wait for the default one.
const streamNonBlocking = 1

// NewStream makes a stream, which lives as long as the device.
func (d *Device) NewStream() (*Stream, error) {
	h := new(uintptr)
	err := d.call("cuStreamCreate", d.driver.StreamCreate, address(h), streamNonBlocking)
	return &Stream{d, *h}, err
}

// Device is the stream's.
func (s *Stream) Device() *Device { return s.device }

// Wait waits until all that was queued has run. It returns a fault of any kernel.
func (s *Stream) Wait() error {
	return s.device.call("cuStreamSynchronize", s.device.driver.StreamSynchronize, s.handle)
}

// WaitFor has what is queued later wait for an event of any stream.
func (s *Stream) WaitFor(e *Event) error {
	return s.device.call("cuStreamWaitEvent", s.device.driver.StreamWaitEvent, s.handle, e.handle, 0)
}

// Event is a place in a stream.
type Event struct {
	device *Device
	handle uintptr
}

// NewEvent makes an event.
func (d *Device) NewEvent() (*Event, error) {
	h := new(uintptr)
	err := d.call("cuEventCreate", d.driver.EventCreate, address(h), 0)
	return &Event{d, *h}, err
}

// Record puts the event behind what is queued now.
func (e *Event) Record(s *Stream) error {
	return e.device.call("cuEventRecord", e.device.driver.EventRecord, e.handle, s.handle)
}

// Wait waits until the stream has come to the event.
func (e *Event) Wait() error {
	return e.device.call("cuEventSynchronize", e.device.driver.EventSynchronize, e.handle)
}

// Since is the device's time from start to e, both recorded and waited for.
func (e *Event) Since(start *Event) (time.Duration, error) {
	ms := new(float32)
	err := e.device.call("cuEventElapsedTime", e.device.driver.EventElapsedTime, address(ms), start.handle, e.handle)
	return time.Duration(float64(*ms) * float64(time.Millisecond)), err
}

// Free gives the event back.
func (e *Event) Free() error {
	return e.device.call("cuEventDestroy", e.device.driver.EventDestroy_v2, e.handle)
}
