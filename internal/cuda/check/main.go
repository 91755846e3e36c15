//go:build gpu && linux

// Check tries the kernels of package cuda on the GPU at hand: it compares every kernel's
// output, on fixed inputs, with the emulator's to the bit, and times the kernels at the
// sizes of real steps. It needs neither Go nor a network nor any file:
//
//	CGO_ENABLED=0 go build -tags gpu -ldflags '-s -w' -o check ./internal/cuda/check
//	./check          # 0: all bits agree; 1: some differ; 2: no GPU, or a fault
//	./check -times   # and the times
//
// The answers that it compares with are made by the emulator:
//
//	BGMD_CUDA_LIBRARY=… go run -tags gpu ./internal/cuda/check -write internal/cuda/check/answers.txt
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/internal/safefile"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	agree  = 0
	differ = 1
	failed = 2
)

func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(errs)
	times := flags.Bool("times", false, "time the kernels, too")
	rehearse := flags.Bool("rehearse", false, "time them on small sizes, once: for the emulator")
	write := flags.String("write", "", "write the answers to this `file` instead of comparing them")
	ordinal := flags.Int("gpu", 0, "the `number` of the GPU, from 0")
	if err := flags.Parse(args); err != nil {
		return failed
	}
	code, err := check(*ordinal, *write, *times, *rehearse, out)
	if err != nil {
		fmt.Fprintln(errs, "check:", err)
		return failed
	}
	return code
}

func check(ordinal int, write string, times, rehearse bool, out io.Writer) (int, error) {
	debug.SetGCPercent(400)
	d, err := cuda.Open(ordinal)
	if err != nil {
		return failed, err
	}
	s, err := d.NewStream()
	if err != nil {
		return failed, err
	}
	fmt.Fprintf(out, "%s, compute capability %d.%d, driver for CUDA %v, %d multiprocessors, %d of %d MiB free, %s\n",
		d.Name, d.Major, d.Minor, d.Driver, d.Multiprocessors, d.Free>>20, d.Total>>20, d.UUID)
	if write != "" {
		text, err := answers(s)
		if err != nil {
			return failed, err
		}
		return agree, safefile.Write(write, text)
	}
	code, err := compare(s, out)
	if err == nil && times {
		err = timeAll(s, rehearse, out)
	}
	return code, err
}
