// Package download fetches the published files of the data sets.
//
// A file gets its name only once its MD5 sum was found right. Until then it is a
// .part file, which a later call goes on with, from any mirror: what a wrong half
// makes of the whole, the sum tells.
//
// Chosen: MD5, the sums that the publishers give. It guards against damage and
// other versions; against someone who can forge MD5 sums the publishers offer
// nothing.
package download

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bgmd/bgmd/internal/lockfile"
	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/pkg/data"
)

// Mirrors says where a set's files are: each URL is that of a folder.
type Mirrors struct {
	Variable string   // of the environment, whose URLs, separated by spaces, are taken instead
	URLs     []string // tried in this order, the publisher's first
}

var mirrors = map[string]Mirrors{
	"cifar-10": {"BGMD_CIFAR_10_URL", []string{
		"https://www.cs.toronto.edu/~kriz",
	}},
	"fashion-mnist": {"BGMD_FASHION_MNIST_URL", []string{
		"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
		"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
	}},
	"mnist": {"BGMD_MNIST_URL", []string{
		"https://ossci-datasets.s3.amazonaws.com/mnist",
		"https://storage.googleapis.com/cvdf-datasets/mnist",
	}},
}

// SumsVariable names a file of the environment's with other sums than the
// published ones: lines of an MD5 sum, white space, and SET/FILE without .gz.
const SumsVariable = "BGMD_SUMS"

// Sets lists the sets that can be downloaded, in order.
func Sets() []string { return slices.Sorted(maps.Keys(mirrors)) }

// MirrorsOf returns where the set called name is looked for.
func MirrorsOf(name string) Mirrors { return mirrors[name] }

// Getter downloads sets.
type Getter struct {
	Dir    string                       // the data folder
	Getenv func(variable string) string // such as os.Getenv
	Say    func(line string)            // takes a line of news
	// Progress, if not nil, is called as bytes of a file come: how many there are,
	// and how many there will be, -1 if the server does not say.
	Progress func(done, total int64)

	Stall time.Duration // how long a server may be silent; 0 is a minute
	Pause time.Duration // before a transfer that was cut off goes on; 0 is a second
}

// Get downloads what is missing or wrong of the set's files, one of [Sets], into
// the data folder. What is there and wrong is kept under the name FILE.bad. If ctx
// ends, so does Get, and what has come so far is what a later call goes on with.
func (g *Getter) Get(ctx context.Context, set string) error {
	files, err := g.wanted(set)
	if err != nil {
		return err
	}
	urls, err := g.urls(set)
	if err != nil {
		return err
	}
	if g.Getenv(SumsVariable) == "" && official(set, g.Dir) {
		g.Say(fmt.Sprintf("%s: the published files are in %s already", set, g.Dir))
		return nil
	}
	if err := safefile.MkdirAll(g.Dir); err != nil {
		return err
	}
	lock, err := lockfile.Acquire(filepath.Join(g.Dir, "."+set+".lock"))
	if held, ok := errors.AsType[*lockfile.HeldError](err); ok {
		return fmt.Errorf("process %s is downloading %s into %s already", held.Holder, set, g.Dir)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err := lock.Release(); err != nil {
			g.Say(fmt.Sprintf("a lock stays behind, which locks nothing any more: %v", err))
		}
	}()
	for i, f := range files {
		if err := g.get(ctx, f, urls); err != nil {
			if _, local := errors.AsType[*fs.PathError](err); !local && ctx.Err() == nil {
				err = errors.Join(err, g.otherwise(set, files[i:]))
			}
			return fmt.Errorf("download %s: %w", set, err)
		}
	}
	return nil
}

// get gets one file and, if it is an archive, unpacks it.
func (g *Getter) get(ctx context.Context, f data.Published, urls []string) error {
	if f.Folder == "" {
		return g.file(ctx, f, urls)
	}
	folder := filepath.Join(g.Dir, f.Folder)
	if unpacked(folder, f) {
		g.Say(fmt.Sprintf("%s is there already", folder))
		return nil
	}
	if err := g.file(ctx, f, urls); err != nil {
		return err
	}
	return g.unpack(f)
}

// otherwise says how else to come by those of the files that are not there.
func (g *Getter) otherwise(set string, files []data.Published) error {
	var paths strings.Builder
	for _, f := range files {
		if path := filepath.Join(g.Dir, filepath.FromSlash(f.Path)); check(path, f) != nil {
			paths.WriteString("\n  " + path)
		}
	}
	return fmt.Errorf("set %s to the URL of a mirror's folder (several, separated by spaces, are tried in turn), or put in place yourself:%s",
		mirrors[set].Variable, paths.String())
}

// wanted lists the set's files, with the sums that hold.
func (g *Getter) wanted(set string) ([]data.Published, error) {
	files := data.PublishedFiles(set)
	path := g.Getenv(SumsVariable)
	if path == "" {
		return files, nil
	}
	f, err := safefile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", SumsVariable, err)
	}
	defer f.Close()
	sums := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 2 {
			sums[fields[1]] = fields[0]
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, f := range files {
		name := set + "/" + strings.TrimSuffix(f.Name, ".gz")
		if files[i].MD5 = sums[name]; files[i].MD5 == "" {
			return nil, fmt.Errorf("no MD5 sum for %s in %s, which %s names", name, path, SumsVariable)
		}
	}
	return files, nil
}

// urls lists the set's mirrors.
func (g *Getter) urls(set string) ([]string, error) {
	m := mirrors[set]
	own := strings.Fields(g.Getenv(m.Variable))
	for _, s := range own {
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("%s has %q, want URLs that start with http:// or https://", m.Variable, s)
		}
	}
	if len(own) > 0 {
		return own, nil
	}
	return m.URLs, nil
}

// official reports whether the published files are there, in whatever layout.
func official(set, dir string) bool {
	s, err := data.Load(set, dir, 1)
	return err == nil && !slices.ContainsFunc(s.Files, func(f data.FileSum) bool { return !f.Official })
}
