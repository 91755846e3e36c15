package stream

import "testing"

func TestStreamsAreNamedNotOrdered(t *testing.T) {
	first := Root(1).At(Shuffle, 3, 4).Uint64()
	Root(1).At(Init).Uint64() // another stream in between changes nothing
	if again := Root(1).At(Shuffle, 3, 4).Uint64(); again != first {
		t.Errorf("same name and place gave %d, then %d", first, again)
	}
}

func TestStreamsDiffer(t *testing.T) {
	streams := map[string]uint64{
		"base":        Root(1).At(Shuffle, 3, 4).Uint64(),
		"other root":  Root(2).At(Shuffle, 3, 4).Uint64(),
		"other name":  Root(1).At(Init, 3, 4).Uint64(),
		"other place": Root(1).At(Shuffle, 4, 3).Uint64(),
		"fewer ids":   Root(1).At(Shuffle, 3).Uint64(),
	}
	seen := map[uint64]string{}
	for name, v := range streams {
		if other, ok := seen[v]; ok {
			t.Errorf("streams %q and %q start alike", name, other)
		}
		seen[v] = name
	}
}
