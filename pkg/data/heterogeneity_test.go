package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/stream"
)

// split shares labels out and checks that every sample is used exactly once.
func split(t *testing.T, p Partition, labels []uint8, root stream.Root) [][]int {
	t.Helper()
	s, err := NewSampler(p, labels, 1, root)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(s.Parts()...)
	slices.Sort(all)
	for i, sample := range all {
		if i != sample {
			t.Fatalf("%+v: sample %d is missing or there twice", p, i)
		}
	}
	if len(all) != len(labels) || len(s.Parts()) != p.Clients {
		t.Fatalf("%+v: %d of %d samples among %d clients", p, len(all), len(labels), len(s.Parts()))
	}
	return s.Parts()
}

// classCounts counts the samples of each class in a part.
func classCounts(part []int, labels []uint8) (count [10]int) {
	for _, i := range part {
		count[labels[i]]++
	}
	return count
}

// labelsWith has so many samples of each class, in random order.
func labelsWith(counts ...int) []uint8 {
	var labels []uint8
	for class, n := range counts {
		labels = append(labels, slices.Repeat([]uint8{uint8(class)}, n)...)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(labels), func(a, b int) { labels[a], labels[b] = labels[b], labels[a] })
	return labels
}

// What [bgmd, C.2] says: each of 40 shards holds one class, so that each of ten
// clients with four shards has one to four; on CIFAR-10's counts, on MNIST's,
// which no number of shards divides, and on small ones.
func TestShardsHoldOneClass(t *testing.T) {
	for name, labels := range map[string][]uint8{
		"CIFAR-10": labelsWith(5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000),
		"MNIST":    labelsWith(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
		"small":    labelsWith(11, 7, 9, 10, 13, 8, 9, 10, 9, 12),
		"uneven":   labelsWith(100, 300, 77, 523, 50, 50, 50, 350, 201, 299),
	} {
		seen := map[int]bool{}
		for seed := range 20 {
			for c, part := range split(t, Partition{Kind: "shards", Clients: 10, Shards: 4}, labels, stream.Root(seed)) {
				classes := 0
				for _, n := range classCounts(part, labels) {
					if n > 0 {
						classes++
					}
				}
				if classes < 1 || classes > 4 {
					t.Errorf("%s, seed %d: client %d has %d classes", name, seed, c, classes)
				}
				if want := len(labels) / 10; name == "CIFAR-10" && len(part) != want {
					t.Errorf("client %d has %d samples, want %d", c, len(part), want)
				}
				seen[classes] = true
			}
		}
		if !seen[2] || !seen[3] || !seen[4] {
			t.Errorf("%s: numbers of classes that came up: %v", name, seen)
		}
	}
}

func TestShardCutsByHand(t *testing.T) {
	classes := func(counts ...int) [][]int {
		var list [][]int
		for _, n := range counts {
			list = append(list, make([]int, n))
		}
		return list
	}
	for _, c := range []struct {
		counts []int
		shards int
		want   []int
	}{
		{[]int{8, 8}, 4, []int{0, 4, 8, 12, 16}},
		{[]int{7, 9}, 4, []int{0, 3, 7, 11, 16}}, // the cut at 8 goes to the border at 7
		{[]int{10}, 3, []int{0, 3, 6, 10}},
		{[]int{3, 3, 3, 3}, 2, []int{0, 6, 12}},      // fewer shards than classes
		{[]int{1, 14, 1}, 4, []int{0, 4, 8, 12, 16}}, // classes below half a shard
		{[]int{0, 4, 0, 4}, 4, []int{0, 2, 4, 6, 8}}, // classes without samples
	} {
		if got := shardCuts(classes(c.counts...), c.shards); !slices.Equal(got, c.want) {
			t.Errorf("%v in %d shards: cuts are %v, want %v", c.counts, c.shards, got, c.want)
		}
	}
}

// The shares of a Dirichlet distribution have mean 1/n and variance
// (n−1)/(n²(nα+1)), for α from a whole class a client to equal mixtures.
func TestDirichletShares(t *testing.T) {
	const n, draws = 5, 20_000
	for _, alpha := range []float64{1e-4, 0.1, 1, 50} {
		rng := rand.New(rand.NewPCG(3, 4))
		var mean [n]float64
		var squares float64
		for range draws {
			sum := 0.
			for i, share := range dirichletShares(n, alpha, rng) {
				mean[i] += share / draws
				squares += share * share / (draws * n)
				sum += share
			}
			if !(math.Abs(sum-1) < 1e-9) {
				t.Fatalf("alpha %v: shares add up to %v", alpha, sum)
			}
		}
		for i, m := range mean {
			if math.Abs(m-1./n) > 0.012 {
				t.Errorf("alpha %v: share %d has mean %.4f, want 0.2", alpha, i, m)
			}
		}
		variance, want := squares-1./(n*n), (n-1)/(n*n*(n*alpha+1))
		if math.Abs(variance-want) > 0.03*want {
			t.Errorf("alpha %v: variance is %.5f, want %.5f", alpha, variance, want)
		}
	}
}

func TestDirichletPartition(t *testing.T) {
	labels := labelsOf(10_000)
	largest := func(alpha float64) (share float64) {
		for seed := range 5 {
			for _, part := range split(t, Partition{Kind: "dirichlet", Clients: 10, Alpha: alpha}, labels, stream.Root(seed)) {
				count := classCounts(part, labels)
				share += float64(slices.Max(count[:])) / float64(len(part)) / 50
			}
		}
		return share
	}
	if few, many := largest(0.1), largest(1000); few < 0.4 || many > 0.13 {
		t.Errorf("the largest class of a client is %.2f of its samples with alpha 0.1 and %.2f with 1000, want over 0.4 and about 0.1", few, many)
	}
}

// With parts of unequal size every client still has a batch in every step of an
// epoch that is as long as with equal parts: small parts are passed over several
// times, and no batch holds a sample twice; of large ones other samples come up
// in other epochs.
func TestUnequalParts(t *testing.T) {
	const n, clients, batch = 2000, 8, 10
	s, err := NewSampler(Partition{Kind: "dirichlet", Clients: clients, Alpha: 0.5}, labelsOf(n), batch, 3)
	if err != nil {
		t.Fatal(err)
	}
	if s.Steps() != n/(clients*batch) {
		t.Errorf("%d steps, want %d", s.Steps(), n/(clients*batch))
	}
	ever := map[int]bool{}
	for e := range 30 {
		for c, row := range epoch(s, e, clients) {
			size, want := len(s.Parts()[c]), s.Steps()*batch
			count := map[int]int{}
			for i, sample := range row {
				ever[sample] = true
				count[sample]++
				if !slices.Contains(s.Parts()[c], sample) {
					t.Fatalf("client %d draws sample %d, which is not its own", c, sample)
				}
				if i%batch == 0 {
					once := slices.Clone(row[i : i+batch])
					slices.Sort(once)
					if len(slices.Compact(once)) != batch {
						t.Fatalf("client %d has a sample twice in a batch", c)
					}
				}
			}
			passes := (want + size/batch*batch - 1) / (size / batch * batch)
			for sample, k := range count {
				if k > passes {
					t.Errorf("client %d of %d samples sees sample %d %d times an epoch, want at most %d", c, size, sample, k, passes)
				}
			}
		}
	}
	if len(ever) != n {
		t.Errorf("%d of %d samples came up in 30 epochs", len(ever), n)
	}
}
