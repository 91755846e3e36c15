package record

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Environment says what a run, or one session of it, ran on.
type Environment struct {
	Version  string `json:"version"`          // of the program
	Commit   string `json:"commit,omitempty"` // it was built from; empty if unknown
	Modified bool   `json:"modified"`         // the commit's files had been changed
	Go       string `json:"go"`               // version of the compiler
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	CPU      string `json:"cpu,omitempty"` // model; empty if unknown
	Cores    int    `json:"cores"`         // logical cores usable by the process
	Workers  int    `json:"workers"`
	Backend  string `json:"backend"` // what multiplies matrices

	Device *Device `json:"device,omitempty"` // nil where the processor computed all

	Aggregator string `json:"aggregator,omitempty"` // with the f that it assumes

	DataSet   string     `json:"data_set"`
	DataFiles []DataFile `json:"data_files,omitempty"` // nil for generated data
	Initial   *Initial   `json:"initial,omitempty"`    // nil where parameters were drawn, or came from a checkpoint

	Start time.Time `json:"start"`
}

// Device is a GPU.
type Device struct {
	Name       string `json:"name"`
	Driver     string `json:"driver"` // newest version of CUDA that the driver is for
	Capability string `json:"compute_capability"`
	Memory     int    `json:"memory_bytes"`
}

// DataFile is one file of a data set.
type DataFile struct {
	Name     string `json:"name"`
	MD5      string `json:"md5"`
	Official bool   `json:"official"` // the sum is the one the data set's authors publish
}

// Initial is the file of the parameters that a run began with.
type Initial struct {
	Name string `json:"name"`
	MD5  string `json:"md5"`
}

// Session is a later process that went on with the run.
type Session struct {
	FromEpoch   int `json:"from_epoch"` // last epoch kept; -1 if none was
	Environment     // of the session
}

// environmentFile is environment.json.
type environmentFile struct {
	Environment
	Sessions []Session `json:"sessions,omitempty"`
}

// Here returns the environment of the calling process, started now, as far as
// the process can know it: Workers, Backend, Device, Aggregator, DataSet,
// DataFiles and Initial are left to the caller.
func Here() Environment {
	env := Environment{
		Version: "unknown",
		Go:      runtime.Version(),
		OS:      runtime.GOOS,
		Arch:    runtime.GOARCH,
		CPU:     cpuModel("/proc/cpuinfo"),
		Cores:   runtime.NumCPU(),
		Start:   time.Now().UTC().Truncate(time.Second),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		env.Version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				env.Commit = s.Value
			case "vcs.modified":
				env.Modified = s.Value == "true"
			}
		}
	}
	return env
}

// cpuModel finds the processor's name in a file in the format of Linux's
// /proc/cpuinfo; it is empty where there is no such file or name.
func cpuModel(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
