package main

import "testing"

func TestSoFar(t *testing.T) {
	for _, tt := range []struct {
		done, total int64
		want        string
	}{
		{1_250_000, 26_421_880, "1.2 of 26.4 MB, 4 %"},
		{26_421_880, 26_421_880, "26.4 of 26.4 MB, 100 %"},
		{1_250_000, -1, "1.2 MB"},
		{0, 0, "0.0 of 0.0 MB, 0 %"},
	} {
		if got := soFar(tt.done, tt.total); got != tt.want {
			t.Errorf("%d of %d: %q, want %q", tt.done, tt.total, got, tt.want)
		}
	}
}
