package train

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/record"
)

// writeCIFAR writes the files of CIFAR-10 with four images each, all of whose
// red values are 51, green ones 102 and blue ones 204.
func writeCIFAR(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	folder := filepath.Join(dir, "cifar-10-batches-bin")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"} {
		var raw []byte
		for k := range 4 {
			raw = append(raw, byte((4*i+k)%10))
			for _, v := range []byte{51, 102, 204} {
				raw = append(raw, bytes.Repeat([]byte{v}, 1024)...)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, name+".bin"), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// drawn is what the clients' models see of the images, by client.
func drawn(t *testing.T, c config.Config) (s *source, batches []*data.Batch, hits []int) {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := newSource(c, newClock())
	if err != nil {
		t.Fatal(err)
	}
	for client := range c.Data.Clients {
		b := data.NewBatch(s.set.Shape, c.Data.Batch)
		s.draw(b, 0, 0, client, &record.Seconds{})
		hits = append(hits, s.corrupt(b, 0, client, &record.Seconds{}))
		batches = append(batches, b)
	}
	return s, batches, hits
}

// values lists the different values of a channel, rounded.
func values(b *data.Batch, c int) string {
	var list []string
	for _, x := range b.Channel(c) {
		list = append(list, fmt.Sprintf("%.2f", x))
	}
	slices.Sort(list)
	return fmt.Sprint(slices.Compact(list))
}

// Every corruption of samples acts on three channels as on one, in each
// profile: what it leaves is worked out by hand from whitening each channel with
// the constants of CIFAR-10. Clean values are (51/255 − 0.4914)/0.2470 = −1.18,
// (0.4 − 0.4822)/0.2435 = −0.34 and (0.8 − 0.4465)/0.2616 = 1.35; black becomes
// −1.99, −1.98 and −1.71, white 2.06, 2.13 and 2.12.
func TestDrawThreeChannels(t *testing.T) {
	dir := writeCIFAR(t)
	profiled := func(profile string) config.Config {
		c, err := config.Profile(profile, "cifar-10")
		if err != nil {
			t.Fatal(err)
		}
		c.Data.Set, c.Data.Dir, c.Data.Clients, c.Data.Batch, c.Data.Partition = "cifar-10", dir, 5, 4, "iid"
		return c
	}
	for _, profile := range config.Profiles() {
		c := profiled(profile)
		c.Corruption.Label.Kind, c.Corruption.Label.Fraction = "backdoor", 0.2
		c.Data.Crop, c.Data.Flip = 4, true
		_, batches, hits := drawn(t, c)
		for i, b := range batches {
			for channel, want := range []string{"[-1.18 -1.99]", "[-0.34 -1.98]", "[-1.71 1.35]"} {
				if got := values(b, channel); got != want {
					t.Errorf("%s, client %d: values of channel %d are %s, want %s", profile, i, channel, got, want)
				}
			}
			corrupt := slices.Equal(b.Labels, slices.Repeat([]int{c.Corruption.Label.Target}, 4))
			if corrupt != (hits[i] == 4) {
				t.Errorf("%s, client %d: %d labels corrupted, they are %v", profile, i, hits[i], b.Labels)
			}
		}
		if n := len(slices.DeleteFunc(slices.Clone(hits), func(n int) bool { return n == 0 })); n != 1 {
			t.Errorf("%s: %d clients of 5 have corrupt labels, want 1", profile, n)
		}
	}
	clean := []string{"[-1.18]", "[-0.34]", "[1.35]"}
	for profile, want := range map[string][]string{
		"paper":       {"[-1.18 -1.99 2.06]", "[-0.34 -1.98 2.13]", "[-1.71 1.35 2.12]"},
		"corrected":   {"[-1.18 -1.99 2.06]", "[-0.34 -1.98 2.13]", "[-1.71 1.35 2.12]"},
		"author-code": {"[0.00 255.00]", "[0.00 255.00]", "[0.00 1.35 255.00]"}, // in the whitened image, clipped
	} {
		c := profiled(profile)
		c.Corruption.Feature.Kind, c.Corruption.Feature.Fraction = "impulse", 0.2
		_, batches, hits := drawn(t, c)
		for i, b := range batches {
			for channel := range 3 {
				wanted := clean[channel]
				if hits[i] > 0 {
					wanted = want[channel]
				}
				if got := values(b, channel); got != wanted {
					t.Errorf("%s, client %d: values of channel %d are %s, want %s", profile, i, channel, got, wanted)
				}
			}
		}
		c.Corruption.Feature.Kind = "additive"
		if _, batches, hits = drawn(t, c); !spreads(batches, hits, c.Corruption.Feature.Clip) {
			t.Errorf("%s: additive noise does not spread the channels as it should", profile)
		}
	}
}

// spreads tells whether noise of deviation 10 on the image spreads every
// channel's values by 10/std, or to both ends where they are clipped, and whether
// clean clients' values are all the same.
func spreads(batches []*data.Batch, hits []int, clip bool) bool {
	for i, b := range batches {
		for c, std := range []float64{0.2470, 0.2435, 0.2616} {
			var sum, squares float64
			for _, x := range b.Channel(c) {
				sum += float64(x)
				squares += float64(x) * float64(x)
			}
			n := float64(len(b.Channel(c)))
			deviation := math.Sqrt(max(0, squares/n-sum/n*sum/n))
			switch {
			case hits[i] == 0 && deviation > 1e-3,
				hits[i] > 0 && !clip && math.Abs(deviation*std/10-1) > 0.05,
				hits[i] > 0 && clip && deviation < 1.5:
				return false
			}
		}
	}
	return true
}

// A batch depends on its step and client alone: drawn again, in another order
// and by another source, it is the same; and augmentation is new in every step.
func TestDrawDependsOnItsPlace(t *testing.T) {
	c := tiny(t)
	c.Data.Crop, c.Data.Flip = 3, true
	c.Corruption.Feature.Kind, c.Corruption.Feature.Fraction = "additive", 0.4
	first, batches, _ := drawn(t, c)
	again, err := newSource(c, newClock())
	if err != nil {
		t.Fatal(err)
	}
	for client := c.Data.Clients - 1; client >= 0; client-- {
		b := data.NewBatch(first.set.Shape, c.Data.Batch)
		again.draw(b, 0, 0, client, &record.Seconds{})
		again.corrupt(b, 0, client, &record.Seconds{})
		if !slices.Equal(b.X, batches[client].X) || !slices.Equal(b.Labels, batches[client].Labels) {
			t.Errorf("client %d draws another batch the second time", client)
		}
		other := data.NewBatch(first.set.Shape, c.Data.Batch)
		again.draw(other, 0, 1, client, &record.Seconds{})
		again.corrupt(other, 1, client, &record.Seconds{})
		if slices.Equal(b.X, other.X) {
			t.Errorf("client %d has the same crops at another step", client)
		}
	}
}
