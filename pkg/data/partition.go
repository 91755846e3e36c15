package data

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"
)

// Partition says how the samples of a set are shared among the clients: split
// into disjoint parts, either one a client, which only that client draws from,
// or a single part that all draw from.
type Partition struct {
	Kind    string // a name of Partitions
	Clients int
	Shards  int     // shards: of each client
	Alpha   float64 // dirichlet: concentration; small values part the classes
}

// partitions has every kind by name. A split gets the samples' labels, the least
// number of samples that a client must have, and the run's stream for it.
var partitions = map[string]func(p Partition, labels []uint8, least int, rng *rand.Rand) ([][]int, error){
	"dirichlet": dirichlet,
	"iid":       iid,
	"pooled":    pooled,
	"shards":    shards,
}

// Partitions lists the kinds of partitions, in order.
func Partitions() []string { return slices.Sorted(maps.Keys(partitions)) }

// check reports what is wrong with p's fields, all of it.
func (p Partition) check() error {
	var errs []error
	if partitions[p.Kind] == nil {
		errs = append(errs, fmt.Errorf("data: unknown partition %q (have %s)", p.Kind, strings.Join(Partitions(), ", ")))
	}
	if p.Clients < 1 {
		errs = append(errs, fmt.Errorf("data: clients is %d, want at least 1", p.Clients))
	}
	if p.Kind == "shards" && p.Shards < 1 {
		errs = append(errs, fmt.Errorf("data: partition %q: shards is %d, want at least 1", p.Kind, p.Shards))
	}
	if p.Kind == "dirichlet" && !(p.Alpha > 0 && !math.IsInf(p.Alpha, 1)) {
		errs = append(errs, fmt.Errorf("data: partition %q: alpha is %v, want (0, inf)", p.Kind, p.Alpha))
	}
	return errors.Join(errs...)
}

// split returns the parts. Each has samples enough for all clients that draw from it, least
// or more for each.
func (p Partition) split(labels []uint8, least int, rng *rand.Rand) ([][]int, error) {
	n := len(labels)
	if n/p.Clients < least {
		return nil, fmt.Errorf("data: partition %q: %d samples are %d for each of %d clients, want at least one batch of %d",
			p.Kind, n, n/p.Clients, p.Clients, least)
	}
	parts, err := partitions[p.Kind](p, labels, least, rng)
	if err != nil {
		return nil, fmt.Errorf("data: partition %q: %w", p.Kind, err)
	}
	return parts, nil
}

// iid deals a random permutation of the samples out in equal parts. The
// n mod clients samples that are left over belong to nobody.
func iid(p Partition, labels []uint8, _ int, rng *rand.Rand) ([][]int, error) {
	perm := rng.Perm(len(labels))
	parts := make([][]int, p.Clients)
	for c := range parts {
		size := len(labels) / p.Clients
		parts[c] = perm[c*size : (c+1)*size]
	}
	return parts, nil
}

// pooled leaves the samples together, as the authors' code does: its clients
// are consecutive batches of one shuffled loader, and own nothing.
func pooled(_ Partition, labels []uint8, _ int, _ *rand.Rand) ([][]int, error) {
	all := make([]int, len(labels))
	for i := range all {
		all[i] = i
	}
	return [][]int{all}, nil
}

// shards sorts the samples by label, cuts them into Clients·Shards consecutive
// shards, and gives every client Shards of them, drawn without replacement
// [bgmd, C.2]. Every sample belongs to exactly one client.
//
// Shards are equal where the classes are, as in CIFAR-10. Elsewhere equal shards
// would straddle classes, against the paper's remark that each holds a single
// one: so a cut that lies within half a shard of a border between classes is
// moved onto it, and the cuts between two such are spread evenly. Then a shard
// holds one class, and a client at most Shards, if every class has at least
// n/(Clients·Shards) samples.
func shards(p Partition, labels []uint8, least int, rng *rand.Rand) ([][]int, error) {
	if n := len(labels); p.Shards > n/p.Clients {
		return nil, fmt.Errorf("%d samples do not make %d shards for each of %d clients", n, p.Shards, p.Clients)
	}
	classes := byClass(labels)
	order := slices.Concat(classes...)
	cuts := shardCuts(classes, p.Clients*p.Shards)
	perm := rng.Perm(len(cuts) - 1)
	parts := make([][]int, p.Clients)
	for c := range parts {
		for _, s := range perm[c*p.Shards : (c+1)*p.Shards] {
			parts[c] = append(parts[c], order[cuts[s]:cuts[s+1]]...)
		}
		if len(parts[c]) < least {
			return nil, fmt.Errorf("client %d gets %d of %d samples, want at least one batch of %d", c, len(parts[c]), len(labels), least)
		}
	}
	return parts, nil
}

// shardCuts returns where count shards of the sorted samples start, and n.
func shardCuts(classes [][]int, count int) []int {
	n := 0
	for _, class := range classes {
		n += len(class)
	}
	pinned := map[int]int{0: 0, count: n} // cut → border of a class
	border := 0
	for _, class := range classes {
		border += len(class)
		cut := int(math.Round(float64(border) * float64(count) / float64(n)))
		off := func(at int) int { return max(at*count-cut*n, cut*n-at*count) }
		if other, taken := pinned[cut]; !taken || off(border) < off(other) {
			pinned[cut] = border
		}
	}
	cuts := make([]int, count+1)
	last := 0
	for i := range cuts {
		at, ok := pinned[i]
		if !ok {
			continue
		}
		for j := last + 1; j <= i; j++ {
			cuts[j] = pinned[last] + (at-pinned[last])*(j-last)/(i-last)
		}
		last = i
	}
	return cuts
}

// byClass lists the samples of each class in order.
func byClass(labels []uint8) [][]int {
	var classes [][]int
	for i, label := range labels {
		for len(classes) <= int(label) {
			classes = append(classes, nil)
		}
		classes[label] = append(classes[label], i)
	}
	return classes
}

// redraws is how often dirichlet tries to give every client enough.
const redraws = 100

// dirichlet shares out each class by itself [Hsu, Qi and Brown 2019; Li et al.
// 2022]: the clients' shares of class c are
//
//	p_c ~ Dirichlet(α, …, α)
//
// and its samples, in random order, are cut at ⌊n_c·(p_c1 + … + p_ci)⌋, so that
// every sample belongs to exactly one client. Parts are of unequal size. As is
// usual, all is drawn anew where a client gets less than it needs, here a batch;
// α → ∞ gives every client the same mixture, α → 0 whole classes.
func dirichlet(p Partition, labels []uint8, least int, rng *rand.Rand) ([][]int, error) {
	classes := byClass(labels)
	most := 0 // the best smallest part
	for range redraws {
		parts := make([][]int, p.Clients)
		for _, class := range classes {
			rng.Shuffle(len(class), func(a, b int) { class[a], class[b] = class[b], class[a] })
			at, sum := 0, 0.
			for c, share := range dirichletShares(p.Clients, p.Alpha, rng) {
				sum += share
				end := min(int(sum*float64(len(class))), len(class))
				if c == p.Clients-1 {
					end = len(class)
				}
				parts[c] = append(parts[c], class[at:end]...)
				at = end
			}
		}
		smallest := len(slices.MinFunc(parts, func(a, b []int) int { return len(a) - len(b) }))
		if smallest >= least {
			return parts, nil
		}
		most = max(most, smallest)
	}
	return nil, fmt.Errorf("in each of %d draws with alpha %v some client of %d got %d of %d samples or fewer, "+
		"want at least one batch of %d: alpha must be larger, or the clients fewer, or the batch smaller",
		redraws, p.Alpha, p.Clients, most, len(labels), least)
}

// dirichletShares draws n shares from Dirichlet(α, …, α): independent gamma
// variables divided by their sum. They are drawn as logarithms, with
// Gamma(α) = Gamma(α+1)·U^(1/α), as for small α all of them would underflow.
func dirichletShares(n int, alpha float64, rng *rand.Rand) []float64 {
	gamma := distuv.Gamma{Alpha: alpha + 1, Beta: 1, Src: rng}
	logs := make([]float64, n)
	for i := range logs {
		logs[i] = math.Log(gamma.Rand()) - rng.ExpFloat64()/alpha
	}
	largest := slices.Max(logs)
	sum := 0.
	for i, l := range logs {
		logs[i] = math.Exp(l - largest)
		sum += logs[i]
	}
	for i := range logs {
		logs[i] /= sum
	}
	return logs
}
