// Package rows runs package agg's rules on a device, where the clients' gradients
// are. All but this file and [Load] is behind the build tag gpu.
package rows

import "github.com/bgmd/bgmd/pkg/agg"

// Copied is an [agg.Space] that tells how often its rows were copied to memory.
type Copied interface {
	agg.Space
	Copies() int
}
