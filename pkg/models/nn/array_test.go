package nn

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestArray(t *testing.T) {
	a := NewArray(2, 3)
	if !slices.Equal(a.Float32s(), make([]float32, 6)) {
		t.Errorf("a new array holds %v, want six zeros", a.Float32s())
	}
	if !a.Shape().Eq(tensor.Shape{2, 3}) || a.Size() != 6 || a.MemSize() != 24 || a.Dtype() != tensor.Float32 {
		t.Errorf("shape %v, size %d, %d bytes, type %v; want (2, 3), 6, 24, float32", a.Shape(), a.Size(), a.MemSize(), a.Dtype())
	}
	if want := (gorgonia.TensorType{Dims: 2, Of: tensor.Float32}); !a.Type().Eq(want) {
		t.Errorf("type is %v, want %v", a.Type(), want)
	}
	if got := fmt.Sprintf("%v", a); got != "array (2, 3)" {
		t.Errorf("prints as %q", got)
	}
	if got, want := a.Uintptr(), uintptr(unsafe.Pointer(&a.Float32s()[0])); got != want {
		t.Errorf("Uintptr is %x, want the first element's address %x", got, want)
	}
}

func TestWindowSharesMemory(t *testing.T) {
	rows := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	w := Window(2, 2)
	if len(w.Float32s()) != 0 {
		t.Fatalf("a window holds %v before Set", w.Float32s())
	}
	w.Set(rows[:4])
	w.Float32s()[0] = 10
	w.Set(rows[4:])
	w.Float32s()[3] = 80
	if want := []float32{10, 2, 3, 4, 5, 6, 7, 80}; !slices.Equal(rows, want) {
		t.Errorf("rows are %v after writing through the window, want %v", rows, want)
	}
	if data, ok := w.Data().([]float32); !ok || &data[0] != &rows[4] {
		t.Errorf("Data is %v, want the second row itself", w.Data())
	}
}

func TestSetPanicsOnWrongLength(t *testing.T) {
	for _, n := range []int{0, 5, 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			a := NewArray(2, 3)
			defer func() {
				want := fmt.Sprintf("nn: array of shape (2, 3) needs 6 elements, got %d", n)
				if got := recover(); got != want {
					t.Errorf("panic is %v, want %q", got, want)
				}
				if len(a.Float32s()) != 6 {
					t.Errorf("the array holds %d elements after the panic, want 6", len(a.Float32s()))
				}
			}()
			a.Set(make([]float32, n))
		})
	}
}
