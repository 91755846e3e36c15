//go:build !gpu || !linux

package rows

import (
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/models/device"
)

// Load fails: a program that is built without devices opens none.
func Load(*device.Device, agg.Matrix) (Copied, error) { return nil, device.ErrNotBuilt }
