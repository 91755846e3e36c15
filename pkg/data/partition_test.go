package data

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/stream"
)

// labelsOf are the labels of n samples in ten classes of about equal size.
func labelsOf(n int) []uint8 {
	labels := make([]uint8, n)
	for i := range labels {
		labels[i] = uint8(i * 7 % 10)
	}
	return labels
}

func newSampler(t *testing.T, partition string, n, clients, batch int, root stream.Root) *Sampler {
	t.Helper()
	s, err := NewSampler(Partition{Kind: partition, Clients: clients, Shards: 1, Alpha: 100}, labelsOf(n), batch, root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// epoch returns what every client sees in an epoch, a row a client.
func epoch(s *Sampler, e, clients int) [][]int {
	s.Epoch(e)
	rows := make([][]int, clients)
	for step := range s.Steps() {
		for c := range rows {
			rows[c] = append(rows[c], s.Indices(step, c)...)
		}
	}
	return rows
}

// Numbers of aggregations an epoch: PROTOCOL.md's 117 for 32 clients with
// batches of 16 on 60,000 samples, and ⌊60000/2048⌋ = 29 for batches of 64.
func TestSteps(t *testing.T) {
	for _, c := range []struct{ n, clients, batch, want int }{
		{60_000, 32, 16, 117},
		{60_000, 32, 64, 29},
		{60_000, 10, 64, 93},
		{12_800, 8, 32, 50},
		{100, 3, 2, 16},
		{7, 3, 2, 1},
		{5, 5, 1, 1},
	} {
		for _, partition := range Partitions() {
			if c.n < 100 && partition == "dirichlet" {
				continue // which gives nobody the same number
			}
			s := newSampler(t, partition, c.n, c.clients, c.batch, 1)
			if got := s.Steps(); got != c.want {
				t.Errorf("%s: %d samples, %d×%d: %d steps, want %d", partition, c.n, c.clients, c.batch, got, c.want)
			}
		}
	}
}

func TestSamplesAtMostOnceAnEpoch(t *testing.T) {
	const n, clients, batch = 1000, 7, 9 // 15 steps, 945 of the samples
	for _, partition := range []string{"iid", "pooled"} {
		s := newSampler(t, partition, n, clients, batch, 1)
		for e := range 3 {
			all := slices.Concat(epoch(s, e, clients)...)
			if got, want := len(all), s.Steps()*clients*batch; got != want {
				t.Errorf("%s: %d samples an epoch, want %d", partition, got, want)
			}
			slices.Sort(all)
			if len(slices.Compact(all)) != s.Steps()*clients*batch || all[0] < 0 || all[len(all)-1] >= n {
				t.Errorf("%s, epoch %d: samples are not distinct numbers below %d", partition, e, n)
			}
		}
	}
}

func TestOwnership(t *testing.T) {
	const n, clients, batch = 1000, 7, 9
	for partition, fixed := range map[string]bool{"dirichlet": true, "iid": true, "pooled": false, "shards": true} {
		s := newSampler(t, partition, n, clients, batch, 1)
		owners := map[int]map[int]bool{} // sample → clients that saw it
		for e := range 5 {
			for c, row := range epoch(s, e, clients) {
				for _, sample := range row {
					if owners[sample] == nil {
						owners[sample] = map[int]bool{}
					}
					owners[sample][c] = true
				}
			}
		}
		shared := 0
		for _, who := range owners {
			if len(who) > 1 {
				shared++
			}
		}
		if fixed && shared > 0 {
			t.Errorf("%s: %d samples reached more than one client", partition, shared)
		}
		if !fixed && shared < n/2 {
			t.Errorf("%s: only %d of %d samples reached more than one client in five epochs", partition, shared, n)
		}
	}
}

// Epochs can be visited in any order, from any sampler: a resumed run sees the
// batches of the uninterrupted one.
func TestOrderDependsOnRootAndEpochAlone(t *testing.T) {
	const n, clients, batch = 300, 5, 10
	for _, partition := range Partitions() {
		at := func(root stream.Root, visits ...int) string {
			s := newSampler(t, partition, n, clients, batch, root)
			var rows [][]int
			for _, e := range visits {
				rows = epoch(s, e, clients)
			}
			return fmt.Sprint(rows)
		}
		want := at(1, 0, 1, 2)
		if at(1, 2) != want || at(1, 7, 2) != want {
			t.Errorf("%s: epoch 2 depends on what came before it", partition)
		}
		if at(1, 3) == want || at(2, 2) == want {
			t.Errorf("%s: another epoch or seed has the same batches", partition)
		}
		s := newSampler(t, partition, n, clients, batch, 1)
		if first := slices.Clone(s.Indices(0, 0)); !slices.Equal(first, epoch(s, 0, clients)[0][:batch]) {
			t.Errorf("%s: a new sampler is not at epoch 0", partition)
		}
	}
}

func TestPooledDealsConsecutiveBatches(t *testing.T) {
	const n, clients, batch = 64, 4, 3
	s := newSampler(t, "pooled", n, clients, batch, 9)
	s.Epoch(6)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	stream.Root(9).At(stream.Shuffle, 6, 0).Shuffle(n, func(a, b int) { order[a], order[b] = order[b], order[a] })
	for step := range s.Steps() {
		for c := range clients {
			at := (step*clients + c) * batch
			if got, want := s.Indices(step, c), order[at:at+batch]; !slices.Equal(got, want) {
				t.Errorf("step %d, client %d: %v, want %v", step, c, got, want)
			}
		}
	}
}

func TestIndicesCannotGrowIntoTheNextBatch(t *testing.T) {
	s := newSampler(t, "iid", 100, 2, 5, 1)
	next := slices.Clone(s.Indices(1, 0))
	_ = append(s.Indices(0, 0), -1)
	if got := s.Indices(1, 0); !slices.Equal(got, next) {
		t.Errorf("appending to one batch changed the next to %v", got)
	}
}

func TestNewSamplerErrors(t *testing.T) {
	for _, c := range []struct {
		p        Partition
		n, batch int
		want     string
	}{
		{Partition{Kind: "shard", Clients: 2}, 100, 5, `data: unknown partition "shard" (have dirichlet, iid, pooled, shards)`},
		{Partition{Kind: "iid"}, 0, -1, "data: clients is 0, want at least 1\ndata: samples is 0, want at least 1\ndata: batch is -1, want at least 1"},
		{Partition{Kind: "shards", Clients: 2}, 100, 5, `data: partition "shards": shards is 0, want at least 1`},
		{Partition{Kind: "dirichlet", Clients: 2, Alpha: -1}, 100, 5, `data: partition "dirichlet": alpha is -1, want (0, inf)`},
		{Partition{Kind: "iid", Clients: 10}, 100, 11, `data: partition "iid": 100 samples are 10 for each of 10 clients, want at least one batch of 11`},
		{Partition{Kind: "pooled", Clients: 10}, 9, 1, `data: partition "pooled": 9 samples are 0 for each of 10 clients, want at least one batch of 1`},
		{Partition{Kind: "shards", Clients: 10, Shards: 4}, 30, 1, `data: partition "shards": 30 samples do not make 4 shards for each of 10 clients`},
		{Partition{Kind: "dirichlet", Clients: 10, Alpha: 0.001}, 100, 8, `data: partition "dirichlet": in each of 100 draws with alpha 0.001 ` +
			`some client of 10 got 1 of 100 samples or fewer, want at least one batch of 8: alpha must be larger, or the clients fewer, or the batch smaller`},
	} {
		_, err := NewSampler(c.p, labelsOf(c.n), c.batch, 1)
		if err == nil || err.Error() != c.want {
			t.Errorf("error is\n%v\nwant\n%s", err, c.want)
		}
	}
}

func TestIndicesPanics(t *testing.T) {
	s := newSampler(t, "pooled", 100, 2, 5, 1)
	for _, at := range [][2]int{{-1, 0}, {10, 0}, {0, -1}, {0, 2}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("step %d, client %d did not panic", at[0], at[1])
				}
			}()
			s.Indices(at[0], at[1])
		}()
	}
}
