package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/bgmd/bgmd/internal/whole"
	"github.com/bgmd/bgmd/pkg/config"
)

// configFlags are the flags that addConfigFlags adds.
var configFlags = []string{"config", "set", "seed"}

// addConfigFlags adds the flags by which a command is told its configuration.
func addConfigFlags(cmd *cobra.Command) {
	cmd.Flags().StringP("config", "c", "", "read the configuration from this YAML `file`")
	cmd.Flags().StringArray("set", nil, "set one key, over the file (repeatable), as `key=value`, text to the letter")
	cmd.Flags().Uint64("seed", 0, "set the seed, over the file and --set")
	keys := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, key := range config.Keys() {
			names = append(names, key.Path+"=\t"+key.Meaning)
		}
		return names, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("set", keys); err != nil {
		panic(err) // there is no flag --set, or it has a completion: a mistake in this function
	}
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err)
	}
}

func configFlagsUsed(cmd *cobra.Command) bool {
	for _, name := range configFlags {
		if cmd.Flags().Changed(name) {
			return true
		}
	}
	return false
}

// loadConfig returns the valid configuration that the flags of cmd, which
// addConfigFlags has added, describe. Each layer lies over the one before:
// defaults, profile, the files from the lowest base up, --set in the order
// given, --seed. Without a file it is that of an empty one. Its error lists
// every problem, one a line, and is an errConfig. What is allowed but hardly
// meant it says on cmd's standard error. The places are for errors that come
// later.
func loadConfig(cmd *cobra.Command) (config.Config, *places, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return config.Config{}, nil, err
	}
	top := newLayer()
	for _, assignment := range assignments(cmd) {
		top.assign("--set", assignment)
	}
	if cmd.Flags().Changed("seed") {
		seed, err := cmd.Flags().GetUint64("seed")
		if err != nil {
			return config.Config{}, nil, err
		}
		top.set("--seed", "seed", seed)
	}
	var layers []*layer
	if file != "" || cmd.Flags().Changed("config") {
		layers = readFiles("", file)
		top.nameAfter(file, layers)
	}
	c, at, err := resolve(append(layers, top))
	if err != nil {
		return config.Config{}, nil, &configError{err}
	}
	printError(cmd.ErrOrStderr(), "bgmd: warning: ", errors.Join(at.locateAll(c.Warnings())...))
	return c, at, nil
}

// assignments returns the values of --set as they were given. GetStringArray sends
// them through CSV, which makes \n of \r\n.
func assignments(cmd *cobra.Command) []string {
	return cmd.Flags().Lookup("set").Value.(pflag.SliceValue).GetSlice()
}

// configError is an errConfig that says only what is wrong.
type configError struct{ error }

func (e *configError) Unwrap() error        { return e.error }
func (e *configError) Is(target error) bool { return target == errConfig }

// nameAfter names a run that has no name after its file.
func (l *layer) nameAfter(file string, layers []*layer) {
	for _, other := range append(layers, l) {
		if other.origin["name"] != "" {
			return
		}
	}
	l.set(file, "name", strings.Map(func(r rune) rune {
		if strings.ContainsRune("._-", r) || r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			return r
		}
		return '-'
	}, strings.TrimLeft(stem(file), ".")))
}

// stem is a file's name without its folder and ending.
func stem(file string) string {
	if file == standard {
		return "standard-input"
	}
	return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
}

// readFiles reads a file, which is named at where if by another file, and the
// ones below it, and returns them from the lowest up. It stops at the first base
// that cannot be read or closes a cycle.
func readFiles(where, file string) []*layer {
	var layers []*layer
	var chain []string // files read so far, the highest first
	var seen []fs.FileInfo
	for {
		chain = append(chain, file)
		l, info := readFile(where, file)
		layers = append([]*layer{l}, layers...)
		if info == nil {
			return layers
		}
		for _, other := range seen {
			if os.SameFile(info, other) {
				l = newLayer()
				l.complain(where, "base goes round in a circle: %s", strings.Join(chain, " → "))
				layers[0] = l
				return layers
			}
		}
		seen = append(seen, info)
		if l.base == "" {
			return layers
		}
		where = l.origin["base"]
		file = beside(file, l.base)
	}
}

// beside returns the path of a base that file names.
func beside(file, base string) string {
	if filepath.IsAbs(base) {
		return base
	}
	return filepath.Join(filepath.Dir(file), base)
}

// readFile reads one file, which is named at where if by another file. It
// returns no info where the file cannot be read.
func readFile(where, file string) (*layer, fs.FileInfo) {
	source, info, err := readSource(file)
	if err == nil {
		return parseFile(file, source), info
	}
	l := newLayer()
	if where == "" {
		l.complain("--config "+file, "%v", err)
	} else {
		l.complain(where, "base %s: %v", file, err)
	}
	return l, nil
}

// maxSource is more than any configuration or grid needs, in bytes.
const maxSource = 1 << 20

// readSource reads a configuration's or a grid's file. That is a regular file, or
// one that the shell has opened, such as /dev/stdin, whatever it is, or standard
// input. Its errors do not say the file's name.
func readSource(path string) ([]byte, fs.FileInfo, error) {
	open := whole.Open
	if path == standard {
		open = func(string) (*os.File, error) { return os.Stdin, nil }
	} else if path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/") {
		open = os.Open
	}
	file, err := open(path)
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	source, err := io.ReadAll(io.LimitReader(file, maxSource+1))
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	if len(source) > maxSource {
		return nil, nil, fmt.Errorf("it is larger than %d MiB, want a configuration", maxSource>>20)
	}
	return source, info, nil
}

func withoutPath(err error) error {
	if reason, ok := errors.AsType[*fs.PathError](err); ok {
		return reason.Err
	}
	return err
}

// resolve merges layers, the lowest first, over the profile they name, and
// validates what comes out.
func resolve(layers []*layer) (config.Config, *places, error) {
	var problems []error
	at := &places{origin: map[string]string{}}
	v := viper.New()
	for _, l := range layers {
		problems = append(problems, l.problems...)
		maps.Copy(at.origin, l.origin)
		if err := v.MergeConfigMap(l.values); err != nil {
			return config.Config{}, nil, fmt.Errorf("merge configurations: %w", err)
		}
	}
	written := func(path string) bool { return at.origin[path] != "" }
	profile := cmp.Or(v.GetString("profile"), config.Defaults().Profile)
	c, err := config.Below(profile, v.GetString("data.set"), written)
	if err != nil { // an unknown profile, which Validate reports
		c = config.Defaults()
	}
	at.profile = c.Profile
	strict := func(d *mapstructure.DecoderConfig) { d.WeaklyTypedInput = false }
	if err := v.UnmarshalExact(&c, strict); err != nil {
		return config.Config{}, nil, fmt.Errorf("decode the configuration: %w", err)
	}
	problems = append(problems, at.locateAll(unjoin(c.Validate()))...)
	return c, at, errors.Join(problems...)
}
