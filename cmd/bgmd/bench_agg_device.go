package main

import (
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/models/device/rows"
)

// onDevice returns the rules of list, without reading, to be timed on a copy of G on a
// device.
func onDevice(dev *device.Device, list []timed, G agg.Matrix) ([]timed, error) {
	there, err := rows.Load(dev, G)
	if err != nil {
		return nil, err
	}
	var rules []timed
	for _, t := range list[1:] {
		rule := t.rule
		t.run = func(_ []float32, _ agg.Matrix, step agg.Step) (agg.Stats, error) {
			return agg.AggregateIn(rule, there, step)
		}
		t.copies = there.Copies
		rules = append(rules, t)
	}
	return rules, nil
}
