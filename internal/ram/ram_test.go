package ram

import (
	"runtime"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

// files is a file system of the given texts, with a machine that has 7 GiB left, and
// 1 GiB of swap.
func files(texts map[string]string) fstest.MapFS {
	root := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:    7340032 kB\nSwapFree: 1048576 kB\n")}}
	for name, text := range texts {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

// TestSystem has files as the kernel's documentation describes them (admin-guide
// cgroup-v1/memory.rst and cgroup-v2.rst, filesystems/proc.rst).
func TestSystem(t *testing.T) {
	const (
		v2mount = "25 30 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		v1mount = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n" +
			"32 31 0:29 / /sys/fs/cgroup/cpu rw shared:8 - cgroup cgroup rw,cpu\n" +
			"35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
	)
	for _, test := range []struct {
		name  string
		files map[string]string
		want  Room
	}{
		{"no control groups", nil, Room{8 << 30, "of this machine"}},
		{"v2: nothing limited", map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/a/memory.current": "1000\n", "sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/memory.high": "max\n",
		}, Room{8 << 30, "of this machine"}},
		{"v2: max, of which a part is cache", map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/a/b/memory.current": "600000\n", "sys/fs/cgroup/a/b/memory.max": "1000000\n", "sys/fs/cgroup/a/b/memory.high": "max\n",
			"sys/fs/cgroup/a/b/memory.stat": "anon 300000\nfile 300000\ninactive_file 100000\nactive_file 50000\n",
		}, Room{550000, "under memory.max of the control group /a/b"}},
		{"v2: high is below max", map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/a/memory.current": "600000\n", "sys/fs/cgroup/a/memory.max": "1000000\n", "sys/fs/cgroup/a/memory.high": "900000\n",
		}, Room{300000, "under memory.high of the control group /a"}},
		{"v2: an ancestor's limit, used up by others", map[string]string{
			"proc/self/cgroup": "0::/a/b/c\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/a/b/c/memory.current": "10\n", "sys/fs/cgroup/a/b/c/memory.max": "1000\n",
			"sys/fs/cgroup/a/memory.current": "5000\n", "sys/fs/cgroup/a/memory.max": "4000\n",
		}, Room{0, "under memory.max of the control group /a"}},
		{"v2: a container sees its group as the root", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": "25 30 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup ro\n",
			"sys/fs/cgroup/memory.current": "100\n", "sys/fs/cgroup/memory.max": "500\n",
		}, Room{400, "under memory.max of the control group /"}},
		{"v1, beside an empty v2", map[string]string{
			"proc/self/cgroup":    "9:name=systemd:/\n4:cpuset,memory:/jobs/1\n1:cpu:/\n0::/\n",
			"proc/self/mountinfo": v1mount + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/memory/jobs/1/memory.usage_in_bytes": "700\n", "sys/fs/cgroup/memory/jobs/1/memory.limit_in_bytes": "1000\n",
			"sys/fs/cgroup/memory/jobs/1/memory.stat":         "inactive_file 1\ntotal_inactive_file 200\ntotal_active_file 100\n",
			"sys/fs/cgroup/memory/memory.usage_in_bytes":      "700\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":      "9223372036854771712\n",
			"sys/fs/cgroup/memory/jobs/memory.usage_in_bytes": "950\n", "sys/fs/cgroup/memory/jobs/memory.limit_in_bytes": "2000\n",
		}, Room{600, "under memory.limit_in_bytes of the control group /jobs/1"}},
		{"v1: a container whose group is mounted, under the host's path", map[string]string{
			"proc/self/cgroup":                           "4:memory:/docker/abc\n",
			"proc/self/mountinfo":                        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "10\n",
		}, Room{9, "under memory.limit_in_bytes of the control group /"}},
		{"damaged files", map[string]string{
			"proc/self/cgroup": "0::/a\n4:\n\n:::\n", "proc/self/mountinfo": v2mount + "x - \n- - -\n",
			"sys/fs/cgroup/a/memory.current": "many\n", "sys/fs/cgroup/a/memory.max": "5\n",
		}, Room{8 << 30, "of this machine"}},
	} {
		if got, ok := least(system(files(test.files))); !ok || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", test.name, got, ok, test.want)
		}
	}
	if got, ok := least(system(fstest.MapFS{})); ok {
		t.Errorf("of no files: %+v", got)
	}
}

func TestAvailable(t *testing.T) {
	room, ok := Available()
	if ok != (runtime.GOOS == "linux") || ok && (room.Bytes <= 0 || room.Bytes > 1<<50 || room.By == "") {
		t.Errorf("this machine: %+v, %v", room, ok)
	}
}

func TestMemoryLimit(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 20))
	if room, ok := Available(); !ok || room != (Room{1 << 20, "under GOMEMLIMIT"}) {
		t.Errorf("%+v, %v, want 1 MiB under GOMEMLIMIT", room, ok)
	}
}

func TestCheck(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(2e6))
	if err := Check(2e6, ""); err != nil {
		t.Error(err)
	}
	for what, want := range map[string]string{
		"":       "12.3 GB of memory are needed, but 2.00 MB are left under GOMEMLIMIT",
		"a list": "12.3 GB of memory are needed (a list), but 2.00 MB are left under GOMEMLIMIT",
	} {
		if err := Check(12.345e9, what); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestText(t *testing.T) {
	for bytes, want := range map[float64]string{
		0: "0.00 kB", 1234: "1.23 kB", 45_678: "45.7 kB", 604e6: "604 MB", 999.4e6: "999 MB", 999.6e6: "1.00 GB", 178.9e9: "179 GB", 2e18: "2000 PB",
	} {
		if got := Text(bytes); got != want {
			t.Errorf("%v bytes are %s, want %s", bytes, got, want)
		}
	}
}
