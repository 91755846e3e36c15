package yamltext

import (
	"strconv"
	"strings"
	"testing"
)

func TestShow(t *testing.T) {
	long := strings.Repeat("ü", 29) // 58 bytes
	for _, tt := range []struct{ text, shown, quoted string }{
		{"", "", `""`},
		{"müde, 1", "müde, 1", `"müde, 1"`},
		{"two\nlines", `"two\nlines"`, `"two\nlines"`},
		{"a\u202eb", `"a\u202eb"`, `"a\u202eb"`}, // turns the direction of writing
		{"a\xffb", `"a\xffb"`, `"a\xffb"`},
		{long + "üü", long + "ü…", `"` + long + `ü"…`},
		{long + "a€", long + "a…", `"` + long + `a"…`}, // byte 60 is inside the sign
		{strings.Repeat("\x80", 61), strconv.Quote(strings.Repeat("\x80", 56)) + "…", strconv.Quote(strings.Repeat("\x80", 56)) + "…"},
	} {
		if got := Show(tt.text); got != tt.shown {
			t.Errorf("Show(%q) = %s, want %s", tt.text, got, tt.shown)
		}
		if got := Quote(tt.text); got != tt.quoted {
			t.Errorf("Quote(%q) = %s, want %s", tt.text, got, tt.quoted)
		}
	}
}
