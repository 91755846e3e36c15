// Package ram finds how much memory this process can have.
//
// What is looked at, on Linux: the machine's available memory and free swap; the
// limits of the process's control group and all above it, of version 1 or 2, less
// what they use and cannot drop; and Go's own limit, GOMEMLIMIT.
package ram

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// Check returns an error if this process cannot have so many bytes of memory. The error
// quotes what, unless it is empty: what most of the bytes are for.
func Check(need float64, what string) error {
	room, ok := Available()
	if !ok || need <= room.Bytes {
		return nil
	}
	if what != "" {
		what = " (" + what + ")"
	}
	return &Error{fmt.Sprintf("%s of memory are needed%s, but %s are left %s", Text(need), what, Text(room.Bytes), room.By)}
}

// Error says that there is too little memory.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

// CheckMatrix is [Check] for a matrix of n×d float32s, a row beside it and so many bytes
// more.
func CheckMatrix(n, d int, more float64) error {
	return Check(4*float64(n+1)*float64(d)+more, fmt.Sprintf("%d×%d numbers", n, d))
}

// Proc returns the bytes in a line such as "MemTotal: 8038236 kB" of a file below /proc,
// 0 where there is none, as on other systems than Linux.
func Proc(file, key string) int64 {
	kib, _ := entry(os.DirFS("/"), path.Join("proc", file), key+":")
	return int64(kib) << 10
}

// Text writes a number of bytes to three digits, such as "1.25 GB".
func Text(bytes float64) string {
	units := []string{"kB", "MB", "GB", "TB", "PB"}
	bytes /= 1e3
	for len(units) > 1 && bytes >= 999.5 {
		bytes, units = bytes/1e3, units[1:]
	}
	return fmt.Sprintf("%.*f %s", max(0, min(2, 2-int(math.Log10(max(1, bytes))))), bytes, units[0])
}

// Room is the memory that a process can still get, and what bounds it. It does not
// include what the process has already, except under GOMEMLIMIT, which bounds the sum.
type Room struct {
	Bytes float64
	By    string // such as "of this machine" or "under memory.max of the control group /jobs"
}

// Available returns the least room that any bound leaves, and false where nothing
// is known, as on other systems than Linux without GOMEMLIMIT.
func Available() (Room, bool) {
	rooms := system(os.DirFS("/"))
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		rooms = append(rooms, Room{float64(limit), "under GOMEMLIMIT"})
	}
	return least(rooms)
}

// least returns the tightest of rooms, the first of equals.
func least(rooms []Room) (Room, bool) {
	if len(rooms) == 0 {
		return Room{}, false
	}
	tightest := rooms[0]
	for _, r := range rooms {
		if r.Bytes < tightest.Bytes {
			tightest = r
		}
	}
	return tightest, true
}

// system lists what the machine and its control groups leave, as Linux's files say,
// whose root is given.
func system(root fs.FS) []Room {
	var rooms []Room
	if available, ok := entry(root, "proc/meminfo", "MemAvailable:"); ok {
		swap, _ := entry(root, "proc/meminfo", "SwapFree:")
		rooms = append(rooms, Room{1024 * (available + swap), "of this machine"})
	}
	paths := groupPaths(root)
	for _, m := range groupMounts(root) {
		group, ok := paths[m.version]
		if !ok {
			continue
		}
		// Inside a container the group's path may be the host's.
		below, inside := strings.CutPrefix(group, strings.TrimSuffix(m.root, "/"))
		if !inside {
			below = "/"
		}
		for below = path.Clean("/" + below); ; below = path.Dir(below) {
			rooms = append(rooms, m.version.rooms(root, path.Join(m.point, below), below)...)
			if below == "/" {
				break
			}
		}
	}
	return rooms
}

// version is a version of control groups, by the names of its files.
type version struct {
	limits      string // separated by spaces
	usage       string
	cache       string // entries of memory.stat that the kernel can drop
	controllers string // in /proc/self/cgroup
	filesystem  string
}

var versions = []version{
	{"memory.max memory.high", "memory.current", "active_file inactive_file", "", "cgroup2"},
	{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_active_file total_inactive_file", "memory", "cgroup"},
}

// rooms lists what the limits of the group in the folder leave.
func (v version) rooms(root fs.FS, folder, name string) (rooms []Room) {
	used, ok := number(read(root, path.Join(folder, v.usage)))
	if !ok {
		return nil
	}
	for _, key := range strings.Fields(v.cache) {
		cached, _ := entry(root, path.Join(folder, "memory.stat"), key)
		used -= cached
	}
	for _, file := range strings.Fields(v.limits) {
		if limit, ok := number(read(root, path.Join(folder, file))); ok { // otherwise "max"
			rooms = append(rooms, Room{max(0, limit-max(0, used)), "under " + file + " of the control group " + name})
		}
	}
	return rooms
}

// groupPaths returns this process's memory group in each version's hierarchy, from
// lines such as "0::/user.slice" and "4:cpu,memory:/jobs".
func groupPaths(root fs.FS) map[version]string {
	paths := map[version]string{}
	for line := range strings.Lines(read(root, "proc/self/cgroup")) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		for _, v := range versions {
			if len(fields) == 3 && hasWord(fields[1], v.controllers) {
				paths[v] = fields[2]
			}
		}
	}
	return paths
}

// mount is where a hierarchy is to be seen: from its group root on, at point.
type mount struct {
	version
	root, point string
}

// groupMounts lists the hierarchies that have the memory of processes, from lines
// such as "32 31 0:29 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory".
func groupMounts(root fs.FS) (mounts []mount) {
	for line := range strings.Lines(read(root, "proc/self/mountinfo")) {
		left, right, _ := strings.Cut(line, " - ")
		where, what := strings.Fields(left), strings.Fields(right)
		for _, v := range versions {
			if len(where) > 4 && len(what) > 2 && what[0] == v.filesystem && (v.controllers == "" || hasWord(what[2], v.controllers)) {
				mounts = append(mounts, mount{v, where[3], strings.TrimPrefix(where[4], "/")})
			}
		}
	}
	return mounts
}

// hasWord tells whether a list with commas has the word.
func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// entry is the number behind a key that begins a line of a file.
func entry(root fs.FS, file, key string) (float64, bool) {
	for line := range strings.Lines(read(root, file)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == key {
			return number(fields[1])
		}
	}
	return 0, false
}

func number(text string) (float64, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	return float64(n), err == nil
}

// read is a file's text, empty where it cannot be read.
func read(root fs.FS, file string) string {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(text))
}
