package main

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/models/device"
)

// deviceVariable names the environment variable that stands in for --device.
const deviceVariable = "BGMD_DEVICE"

// addDeviceFlag adds --device; [chosenDevice] reads it.
func addDeviceFlag(cmd *cobra.Command) {
	cmd.Flags().String("device", "", "compute on `cpu`, gpu, or gpu:1 and so on (default $"+deviceVariable+", or cpu)")
}

// chosenDevice returns the device's name, empty where neither flag nor variable gives
// one. It refuses one that this program cannot have.
func chosenDevice(cmd *cobra.Command) (string, error) {
	flag, err := cmd.Flags().GetString("device")
	if err != nil {
		return "", err
	}
	from, name := "--device", flag
	if flag == "" {
		from, name = deviceVariable, os.Getenv(deviceVariable)
	}
	if err := device.Check(name); err != nil {
		return "", &configError{fmt.Errorf("%s %s: %w", from, cmp.Or(name, device.Host), err)}
	}
	return name, nil
}
