//go:build !gpu || !linux

package device

// Built says whether the program is built with devices.
const Built = false

// Device is an opened GPU.
type Device struct{ Info }

func open(int) (*Device, error) { return nil, ErrNotBuilt }

// List lists the devices there are, and fails where there is none.
func List() ([]Info, error) { return nil, ErrNotBuilt }

// Close gives the device back. Of nil it does nothing.
func (d *Device) Close() error { return nil }
