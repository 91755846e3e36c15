//go:build gpu && linux

package cuda

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"unsafe"
)

// kernel is a loaded kernel.
type kernel struct {
	entry
	function uintptr
}

// grid is the number of blocks of a launch.
type grid struct{ x, y, z int }

// cover is how many blocks of a size cover n.
func cover(n, size int) int { return (n + size - 1) / size }

// Limits of a launch on any device.
const (
	maxGridX  = math.MaxInt32
	maxGridYZ = 65535
)

// launch queues a kernel. Arguments are memory, int (32 bits), int64, uint32, uint64,
// float32, float64 and structs of int32; their number and sizes must be those of the
// kernel. With a grid of no blocks it does nothing.
func (s *Stream) launch(name string, g grid, args ...any) error {
	k := s.device.kernels[name]
	if k == nil {
		return fmt.Errorf("cuda: no kernel %s", name)
	}
	if g.x == 0 || g.y == 0 || g.z == 0 {
		return nil
	}
	if g.x < 0 || g.y < 0 || g.z < 0 || g.x > maxGridX || g.y > maxGridYZ || g.z > maxGridYZ {
		return fmt.Errorf("cuda: kernel %s: %d×%d×%d blocks, want at most %d×%d×%d", name, g.x, g.y, g.z, maxGridX, maxGridYZ, maxGridYZ)
	}
	packed, err := k.pack(args)
	if err != nil {
		return err
	}
	d := s.device
	d.mu.Lock()
	d.last = name
	d.mu.Unlock()
	err = d.call("cuLaunchKernel "+name, d.driver.LaunchKernel, k.function, uintptr(g.x), uintptr(g.y), uintptr(g.z),
		uintptr(k.threads), 1, 1, 0, s.handle, address(&packed.pointers[0]), 0)
	runtime.KeepAlive(packed)
	if err == nil && d.wait {
		err = s.Wait()
	}
	return err
}

// maxArguments is how many any kernel has at most.
const maxArguments = 24

// arguments are those of a launch, as the driver wants them: an address each.
type arguments struct {
	pointers [maxArguments]uintptr
	values   [maxArguments][8]uint64
}

// pack checks arguments against the kernel's parameters.
func (e *entry) pack(args []any) (*arguments, error) {
	if len(args) != len(e.params) {
		return nil, fmt.Errorf("cuda: kernel %s: %d arguments, want %d", e.name, len(args), len(e.params))
	}
	a := new(arguments)
	for i, arg := range args {
		size, err := put(&a.values[i], arg)
		if err != nil {
			return nil, fmt.Errorf("cuda: kernel %s: argument %d: %w", e.name, i, err)
		}
		if size != e.params[i] {
			return nil, fmt.Errorf("cuda: kernel %s: argument %d is %T of %d bytes, want %d", e.name, i, arg, size, e.params[i])
		}
		a.pointers[i] = address(&a.values[i][0])
	}
	return a, nil
}

// put writes an argument and returns its size in bytes.
func put(to *[8]uint64, arg any) (size int, err error) {
	switch v := arg.(type) {
	case interface{ address() uintptr }:
		to[0] = uint64(v.address())
		return 8, nil
	case int:
		if v != int(int32(v)) {
			return 0, fmt.Errorf("%d does not fit into 32 bits", v)
		}
		to[0] = uint64(uint32(int32(v)))
		return 4, nil
	case uint32:
		to[0] = uint64(v)
		return 4, nil
	case int64:
		to[0] = uint64(v)
		return 8, nil
	case uint64:
		to[0] = v
		return 8, nil
	case float32:
		to[0] = uint64(math.Float32bits(v))
		return 4, nil
	case float64:
		to[0] = math.Float64bits(v)
		return 8, nil
	}
	return putStruct(to, reflect.ValueOf(arg))
}

// putStruct writes a struct of int32.
func putStruct(to *[8]uint64, v reflect.Value) (size int, err error) {
	if v.Kind() != reflect.Struct || 4*v.NumField() > int(unsafe.Sizeof(*to)) {
		return 0, fmt.Errorf("%v is no kernel's argument", v.Type())
	}
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.Int32 {
			return 0, fmt.Errorf("field %s of %v is not an int32", v.Type().Field(i).Name, v.Type())
		}
		to[i/2] |= uint64(uint32(v.Field(i).Int())) << (32 * (i % 2))
	}
	return 4 * v.NumField(), nil
}
