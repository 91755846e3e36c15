//go:build gpu && linux

package device

import (
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/internal/cuda"
)

// value is one of Gorgonia that lies on the device: an [Array] or [Labels].
// Gorgonia carries it from op to op and never looks inside.
type value struct {
	shape tensor.Shape
	dtype tensor.Dtype
}

func (v *value) Shape() tensor.Shape { return v.shape }
func (v *value) Size() int           { return v.shape.TotalSize() }
func (v *value) Data() interface{}   { panic("device: a value on a device has no data here") }
func (v *value) Dtype() tensor.Dtype { return v.dtype }
func (v *value) MemSize() uintptr    { return 4 * uintptr(v.Size()) }
func (v *value) Uintptr() uintptr    { return 0 }
func (v *value) Type() hm.Type       { return gorgonia.TensorType{Dims: len(v.shape), Of: v.dtype} }

func (v *value) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "device %v", v.shape) }

// Array is an array of float32, or a window on one that can be moved between runs.
type Array struct {
	value
	Memory cuda.Memory[float32]
}

// Window returns an array of the given shape on memory that may be longer.
func Window(memory cuda.Memory[float32], shape ...int) *Array {
	return &Array{value{shape, tensor.Float32}, memory}
}

// NewArray returns an array of the given shape on fresh memory.
func NewArray(d *Device, shape ...int) (*Array, error) {
	a := Window(cuda.Memory[float32]{}, shape...)
	var err error
	a.Memory, err = Alloc[float32](d, a.Size())
	return a, err
}

// Labels are the class numbers of samples. To Gorgonia they are values of type int, as
// labels on the host are.
type Labels struct {
	value
	Memory cuda.Memory[int32]
}

// NewLabels returns labels of n samples on fresh memory.
func NewLabels(d *Device, n int) (*Labels, error) {
	m, err := Alloc[int32](d, n)
	return &Labels{value{tensor.Shape{n}, tensor.Int}, m}, err
}

// memory is an array's.
func memory(v gorgonia.Value) cuda.Memory[float32] { return v.(*Array).Memory }
