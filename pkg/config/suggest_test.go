package config

import "testing"

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"seed", "seed", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"sede", "seed", 2},
		{"momentun", "momentum", 1},
		{"kitten", "sitting", 3}, // Wagner and Fischer's example
	}
	for _, tt := range tests {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) is %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"seed", "name", "data", "epochs"}
	for name, want := range map[string]string{
		"sede": "seed", "Epoch": "epochs", "dat": "data", "seed ": "seed",
		"x": "", "se": "", "optimizer": "", "": "",
	} {
		if got := nearest(name, candidates); got != want {
			t.Errorf("nearest(%q) is %q, want %q", name, got, want)
		}
	}
}
