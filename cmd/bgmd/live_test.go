package main

import (
	"strings"
	"testing"
)

func TestSqueeze(t *testing.T) {
	pieces := []string{"epoch 3", ", step 4", ", loss 0.5"}
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, "epoch 3, step 4, loss 0.5"},
		{25, "epoch 3, step 4, loss 0.5"},
		{24, "epoch 3, loss 0.5"},
		{17, "epoch 3, loss 0.5"},
		{16, "epoch 3"},
		{6, "epoch…"},
		{1, "…"},
	} {
		if got := squeeze(tt.width, pieces, 1, 2); got != tt.want {
			t.Errorf("in %d columns: %q, want %q", tt.width, got, tt.want)
		}
	}
}

// Some letters take two columns, and some none.
func TestCut(t *testing.T) {
	for _, tt := range []struct {
		line  string
		width int
		want  string
	}{
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"👩‍👩‍👧 x", 4, "👩‍👩‍👧 x"},
		{"👩‍👩‍👧 x", 3, "👩‍👩‍👧…"},
		{"", 1, ""},
	} {
		if got := cut(tt.line, tt.width); got != tt.want {
			t.Errorf("%q in %d columns: %q, want %q", tt.line, tt.width, got, tt.want)
		}
	}
}

// A block that is higher than the terminal would scroll, and could not be taken
// back.
func TestLiveIsNoHigherThanTheTerminal(t *testing.T) {
	var out strings.Builder
	l := newLive(&out)
	l.size = func() (columns, rows int) { return 10, 4 }
	l.draw("a", "b", "c")
	l.draw("a", "b", "c", "d")
	l.clear()
	l.clear()
	const want = "\r\x1b[Ja\nb\nc\r\x1b[2A" + "\r\x1b[Ja\nb\n… and 2 …\r\x1b[2A" + "\r\x1b[J"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Off a terminal there is no block.
func TestNoLive(t *testing.T) {
	var out strings.Builder
	l := newLive(&out)
	l.draw("a")
	l.clear()
	if out.Len() > 0 {
		t.Errorf("got %q, want nothing", out.String())
	}
}
