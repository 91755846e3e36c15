package nn

import (
	"fmt"
	"unsafe"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Array is a float32 value of Gorgonia whose backing can be replaced between
// runs: parameters and their gradients are windows on vectors of the caller's,
// and the gradients' window moves from row to row of the clients' matrix.
// A tensor.Dense would have to be allocated anew for every row.
type Array struct {
	shape tensor.Shape
	data  []float32
}

// NewArray returns an array of the given shape on fresh memory.
func NewArray(shape ...int) *Array {
	a := Window(shape...)
	a.data = make([]float32, a.Size())
	return a
}

// Window returns an array of the given shape without memory: call [Array.Set].
func Window(shape ...int) *Array { return &Array{shape: tensor.Shape(shape)} }

// Set makes data the array's backing. It panics when the length is wrong.
func (a *Array) Set(data []float32) {
	if len(data) != a.Size() {
		panic(fmt.Sprintf("nn: array of shape %v needs %d elements, got %d", a.shape, a.Size(), len(data)))
	}
	a.data = data
}

// Float32s is the array's backing.
func (a *Array) Float32s() []float32 { return a.data }

func (a *Array) Shape() tensor.Shape { return a.shape }
func (a *Array) Size() int           { return a.shape.TotalSize() }
func (a *Array) Data() interface{}   { return a.data }
func (a *Array) Dtype() tensor.Dtype { return tensor.Float32 }
func (a *Array) MemSize() uintptr    { return uintptr(4 * len(a.data)) }
func (a *Array) Uintptr() uintptr    { return uintptr(unsafe.Pointer(unsafe.SliceData(a.data))) }
func (a *Array) Type() hm.Type {
	return gorgonia.TensorType{Dims: len(a.shape), Of: tensor.Float32}
}

func (a *Array) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "array %v", a.shape) }

// floats returns the elements of a float32 value, without copying them.
func floats(v gorgonia.Value) []float32 {
	type float32s interface{ Float32s() []float32 }
	if x, ok := v.(float32s); ok {
		return x.Float32s()
	}
	return v.Data().([]float32)
}
