package models

import (
	"strings"

	"github.com/bgmd/bgmd/pkg/models/device"
)

// runner computes with a net's parameters elsewhere than in its replicas: on a device.
type runner interface {
	grads(c Clients) error
	predict(b Batches) error
	// rows is memory for the clients' gradients that grads fills without a copy.
	rows() ([]float32, error)
	// resident is [Net.Resident].
	resident() (Resident, error)
	// flops are those of one client's gradient; see [Replica.Flops].
	flops() (done, byDefinition int)
	// profile is [Net.Profile].
	profile(seconds map[string]float64) error
}

// backendOf names what multiplies matrices on a device: cuda- and its architecture.
func backendOf(d *device.Device) string {
	return "cuda-sm" + strings.ReplaceAll(d.Capability, ".", "")
}
