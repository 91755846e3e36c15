package bench

import (
	"math"
	"runtime"
	"syscall"
	"time"

	"gonum.org/v1/gonum/blas"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/simd"
)

// Sgemm measures in GFLOPS the best speed of a 512³ matrix product on one core
// over half a second.
func Sgemm() float64 {
	const n = 512
	matrix := func() []float32 {
		m := make([]float32, n*n)
		for i := range m {
			m[i] = float32(i%7) / 7
		}
		return m
	}
	a, b, c := matrix(), matrix(), matrix()
	best := math.Inf(1)
	for start := time.Now(); time.Since(start) < time.Second/2; {
		t := time.Now()
		gemm.Default.Mul(blas.NoTrans, blas.NoTrans, n, n, n, 1, a, n, b, n, 0, c, n)
		best = min(best, time.Since(t).Seconds())
	}
	return math.Round(2*n*n*n/best/1e8) / 10
}

// peakGFLOPS measures the most multiplications and additions that one core does,
// over a quarter of a second.
func peakGFLOPS() float64 {
	best, err := gemm.Choose("")
	if err != nil {
		panic(err) // no name, no error
	}
	var peak float64
	for start := time.Now(); time.Since(start) < time.Second/4; {
		t := time.Now()
		done := best.Peak(1e7)
		peak = max(peak, float64(done)/time.Since(t).Seconds()/1e9)
	}
	return peak
}

// readGBs measures the best speed at which one core reads so many bytes over and
// over again, for a quarter of a second.
func readGBs(bytes int) float64 {
	x := make([]float32, bytes/4)
	for i := range x {
		x[i] = 1
	}
	var best float64
	for start := time.Now(); time.Since(start) < time.Second/4; {
		t := time.Now()
		again := max(1, 1<<22/bytes)
		for range again {
			simd.Finite(x)
		}
		best = max(best, float64(bytes*again)/time.Since(t).Seconds()/1e9)
	}
	return math.Round(best*10) / 10
}

// peakMB is the largest amount of memory the process has had in use, in MB.
// Linux's rusage counts the process that started this one, too.
func peakMB() float64 {
	if bytes := ram.Proc("self/status", "VmHWM"); bytes > 0 {
		return float64(bytes) / (1 << 20)
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(usage.Maxrss) / (1 << 20)
	}
	return float64(usage.Maxrss) / (1 << 10)
}
