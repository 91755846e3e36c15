//go:build gpu && linux

package rows

import (
	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/models/device"
)

// Load returns the space of a copy of G on the device.
func Load(dev *device.Device, G agg.Matrix) (Copied, error) {
	there, err := device.AllocRows(dev, G.Rows, G.Cols)
	if err != nil {
		return nil, err
	}
	for i := range G.Rows {
		if err := cuda.Write(dev.Stream, there.Row(i), G.Row(i)); err != nil {
			return nil, err
		}
	}
	return New(dev, there)
}
