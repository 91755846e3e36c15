package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/table"
	"github.com/bgmd/bgmd/pkg/bench"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/record"
)

func newDoctorCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine has and lacks for a run",
		Long: text(`
Say what this machine has and lacks for a run: processor, memory, the speed of
matrix products, GPUs where the program is built for them, and the data sets, with the command that fetches a missing one.
Measuring takes about a second.`),
		Example: text(`
  bgmd doctor
  bgmd doctor --data-dir /srv/data --json`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := diagnose(dir)
			if asJSON {
				return table.WriteJSON(cmd.OutOrStdout(), d)
			}
			return d.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&dir, "data-dir", "data", "`folder` with one subfolder a data set")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	if err := cmd.MarkFlagDirname("data-dir"); err != nil {
		panic(err)
	}
	return cmd
}

// diagnosis is what doctor finds.
type diagnosis struct {
	Go         string      `json:"go"`
	OS         string      `json:"os"`
	Arch       string      `json:"arch"`
	CPU        string      `json:"cpu,omitempty"` // empty if unknown
	Cores      int         `json:"cores"`
	GoMaxProcs int         `json:"gomaxprocs"`
	MemTotal   int64       `json:"memory_bytes"`           // 0 if unknown
	MemFree    int64       `json:"memory_available_bytes"` // 0 if unknown
	Devices    []string    `json:"devices,omitempty"`      // GPUs, where the program is built with them
	NoDevice   string      `json:"no_device,omitempty"`    // why there are none
	Backend    string      `json:"backend"`
	GFLOPS     float64     `json:"sgemm_gflops_one_core"`
	DataDir    string      `json:"data_dir"`
	Sets       []setStatus `json:"data_sets"`
}

// setStatus says whether a data set can be read.
type setStatus struct {
	Name     string         `json:"name"`
	Status   string         `json:"status"` // built-in, official, other, missing or damaged
	Files    []data.FileSum `json:"files,omitempty"`
	Problems []string       `json:"problems,omitempty"`
	Fetch    string         `json:"fetch,omitempty"` // command that gets what is missing
}

func diagnose(dir string) diagnosis {
	here := record.Here()
	d := diagnosis{
		Go: here.Go, OS: here.OS, Arch: here.Arch, CPU: here.CPU, Cores: here.Cores,
		GoMaxProcs: runtime.GOMAXPROCS(0),
		MemTotal:   ram.Proc("meminfo", "MemTotal"), MemFree: ram.Proc("meminfo", "MemAvailable"),
		Backend: gemm.Backend(), GFLOPS: bench.Sgemm(),
		DataDir: dir,
	}
	if device.Built {
		devices, err := device.List()
		for _, info := range devices {
			d.Devices = append(d.Devices, info.String())
		}
		if err != nil {
			d.NoDevice = err.Error()
		}
	}
	for _, name := range data.Names() {
		d.Sets = append(d.Sets, examine(name, dir))
	}
	return d
}

// examine loads a set to see whether it can be.
func examine(name, dir string) setStatus {
	set, err := data.Load(name, dir, 1)
	return examined(name, set, err)
}

// examined describes a set by the result of loading it.
func examined(name string, set *data.Set, err error) setStatus {
	s := setStatus{Name: name, Status: "official"}
	if err != nil {
		s.Status = "missing"
		for _, bad := range data.FileErrors(err) {
			s.Fetch = bad.Fetch
			if !errors.Is(bad, fs.ErrNotExist) {
				s.Status = "damaged"
			}
			s.Problems = append(s.Problems, fmt.Sprintf("%s: found %s, want %s", filepath.Base(bad.File), bad.Found, bad.Want))
		}
		if s.Problems == nil {
			s.Status, s.Problems = "damaged", []string{err.Error()}
		}
		return s
	}
	s.Files = set.Files
	if s.Files == nil {
		s.Status = "built-in"
	}
	for _, file := range s.Files {
		if !file.Official {
			s.Status = "other"
			s.Problems = append(s.Problems, fmt.Sprintf("%s: MD5 %s is not the published file's", file.Name, file.MD5))
		}
	}
	return s
}

func (d diagnosis) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "go\t%s %s/%s\n", d.Go, d.OS, d.Arch)
	fmt.Fprintf(w, "cpu\t%s\n", cmp.Or(d.CPU, "unknown"))
	fmt.Fprintf(w, "cores\t%d, of which Go uses %d\n", d.Cores, d.GoMaxProcs)
	if d.MemTotal > 0 {
		fmt.Fprintf(w, "memory\t%.1f GiB, %.1f available\n", gib(d.MemTotal), gib(d.MemFree))
	} else {
		fmt.Fprintf(w, "memory\tunknown\n")
	}
	fmt.Fprintf(w, "backend\t%s, %.1f GFLOPS on one core (sgemm of 512×512 by 512×512)\n", d.Backend, d.GFLOPS)
	for i, name := range d.Devices {
		fmt.Fprintf(w, "gpu:%d\t%s\n", i, name)
	}
	if d.NoDevice != "" {
		fmt.Fprintf(w, "gpu\tnone: %s\n", d.NoDevice)
	}
	fmt.Fprintf(w, "data\tin %s\n", d.DataDir)
	for _, s := range d.Sets {
		fmt.Fprintf(w, "  %s\t%s\n", s.Name, statusText[s.Status])
		if s.Status != "missing" {
			for _, problem := range s.Problems {
				fmt.Fprintf(w, "\t%s\n", problem)
			}
		}
		if s.Fetch != "" {
			fmt.Fprintf(w, "\tget it with: %s\n", s.Fetch)
		}
	}
	return w.Flush()
}

var statusText = map[string]string{
	"built-in": "built in, needs no files",
	"official": "there, with the published sums",
	"other":    "there, but not the published files",
	"missing":  "missing",
	"damaged":  "damaged",
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }
