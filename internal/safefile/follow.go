package safefile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is the number of links after which Linux gives a path up.
const maxLinks = 40

// Follow returns what path leads to when every link in it is followed, the last
// part's included; what is not there stays as it is, and so does a path without
// links. It refuses links that someone else could have put there: the rule of
// Linux's fs.protected_symlinks, in every folder.
func Follow(path string) (string, error) {
	done, rest := "/", strings.Split(path, "/")
	if !filepath.IsAbs(path) {
		here, err := os.Getwd()
		if err == nil {
			done, err = filepath.EvalSymlinks(here)
		}
		if err != nil {
			return "", err
		}
	}
	links := 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		next := filepath.Join(done, part) // done has no links: its parent is above it
		info, err := os.Lstat(next)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "follow", Path: path, Err: syscall.ELOOP}
		}
		to, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if err := trust(done, next, info, to); err != nil {
			return "", err
		}
		if filepath.IsAbs(to) {
			done = "/"
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	if links == 0 {
		return path, nil
	}
	return done, nil
}

// trust refuses a link that belongs neither to this user, nor to root, nor to the
// owner of the folder that holds it, who can do there what they like.
func trust(folder, link string, info fs.FileInfo, to string) error {
	owner := uid(info)
	if owner == os.Geteuid() || owner == 0 {
		return nil
	}
	if holder, err := os.Stat(folder); err != nil || owner == uid(holder) {
		return err
	}
	return &fs.PathError{Op: "follow", Path: link,
		Err: fmt.Errorf("it is a link that user %d has put there, to %q: if you want that, name it instead", owner, to)}
}

func uid(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }
