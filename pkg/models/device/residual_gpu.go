//go:build gpu && linux

package device

import (
	"errors"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn"
	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

var errResidual = errors.New("device: residual networks run on the host only so far")

// Stem implements [nn.Engine].
func (e *Engine) Stem(nn.Stem, kernel.Conv, gorgonia.Value, *nn.Pass) (nn.State, error) {
	return nil, errResidual
}

// Residual implements [nn.Engine].
func (e *Engine) Residual(nn.Residual, []kernel.Conv, gorgonia.Value, *nn.Pass) (nn.State, error) {
	return nil, errResidual
}

// AveragePool implements [nn.Engine].
func (e *Engine) AveragePool(tensor.Shape) (nn.State, error) { return nil, errResidual }
