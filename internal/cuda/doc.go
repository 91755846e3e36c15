// Package cuda computes on an NVIDIA GPU. It needs NVIDIA's driver and nothing else: no
// SDK, no cgo. The driver's library is looked for when the first device is opened. All but
// this comment is behind the build tag gpu.
//
// The kernels are in kernels/*.cu. clang makes PTX of them, which is checked in and
// embedded; the driver compiles that for the GPU it finds. The same source, compiled for
// the CPU, is the emulator in emulator/, which the tests load in place of the driver
// (package cudatest). Every sum has a fixed order and all roundings are as written, so
// that GPU and emulator give the same bits.
//
// To add a kernel, write it in kernels/ with KERNEL and REGISTER, include its file in
// kernels.cu, run go generate, and give it a method of [Stream] that checks what it is
// called with and chooses the launch's size.
//
// Chosen: own kernels on arrays of H×C×W×M with the batch innermost.
// Rejected: cuBLAS and cuDNN, which are a second installation, differ from version to
// version, and take tens to thousands of launches for per-client gradients. Rejected: the
// runtime API and cgo, which need the SDK to build.
package cuda

//go:generate sh generate.sh
