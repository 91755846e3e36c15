//go:build !gpu || !linux

package models

import (
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/models/nn"
)

// newOnDevice fails: a program that is built without devices opens none.
func newOnDevice(*Net, []nn.Layer, Options) (runner, error) { return nil, device.ErrNotBuilt }
