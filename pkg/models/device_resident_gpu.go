//go:build gpu && linux

package models

import (
	"cmp"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/models/device/rows"
)

// onDeviceResident is a [Resident].
type onDeviceResident struct {
	*rows.Space
	*onDevice
	vectors []vector // of the optimiser
	used    int      // of those, by the last step
}

// vector is one of the optimiser's vectors.
type vector struct {
	host   []float32
	memory cuda.Memory[float32]
}

// resident implements [runner].
func (r *onDevice) resident() (Resident, error) {
	if r.options.Clients > rows.Most {
		return nil, nil
	}
	s, err := rows.New(r.dev, r.gradients)
	return &onDeviceResident{Space: s, onDevice: r}, err
}

// SGD implements [Resident].
func (r *onDeviceResident) SGD(velocity []float32, rate, momentum, decay float32, nesterov bool) error {
	if velocity == nil {
		return r.move(func(s *cuda.Stream) error {
			return s.SGD(r.params, cuda.Memory[float32]{}, r.Result, rate, momentum, decay, nesterov)
		})
	}
	return r.move(func(s *cuda.Stream) error {
		return s.SGD(r.params, r.vectors[0].memory, r.Result, rate, momentum, decay, nesterov)
	}, velocity)
}

// Adam implements [Resident].
func (r *onDeviceResident) Adam(a Adam, m, v []float32) error {
	return r.move(func(s *cuda.Stream) error {
		return s.Adam(cuda.Adam(a), r.params, r.vectors[0].memory, r.vectors[1].memory, r.Result)
	}, m, v)
}

// move calls step to move the parameters, after it has brought the given vectors to the
// device.
func (r *onDeviceResident) move(step func(*cuda.Stream) error, vectors ...[]float32) error {
	if !r.ahead {
		if err := cmp.Or(r.upload(), r.bring(vectors)); err != nil {
			return err
		}
	}
	if err := step(r.dev.Stream); err != nil {
		return err
	}
	r.ahead = true
	return r.dev.Stream.Wait()
}

// bring copies vectors to the device.
func (r *onDeviceResident) bring(vectors [][]float32) error {
	for len(r.vectors) < len(vectors) {
		m, err := device.Alloc[float32](r.dev, len(r.net.params))
		if err != nil {
			return err
		}
		r.vectors = append(r.vectors, vector{memory: m})
	}
	r.used = len(vectors)
	for i, v := range vectors {
		r.vectors[i].host = v
		if err := cuda.Write(r.dev.Stream, r.vectors[i].memory, v); err != nil {
			return err
		}
	}
	return nil
}

// Settle implements [Resident].
func (r *onDeviceResident) Settle() error {
	if !r.ahead {
		return r.dev.Stream.Wait() // for the errors of what is queued
	}
	for _, v := range r.vectors[:r.used] {
		if err := cuda.Read(r.dev.Stream, v.host, v.memory); err != nil {
			return err
		}
	}
	err := cmp.Or(cuda.Download(r.dev.Stream, r.hostParams, r.params), r.dev.Stream.Wait())
	if err == nil {
		copy(r.net.params, r.hostParams.Slice())
		r.ahead = false
	}
	return err
}
