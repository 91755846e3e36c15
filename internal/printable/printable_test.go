package printable

import "testing"

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"β = 0.1, 40 % – “so” \\n":     "β = 0.1, 40 % – “so” \\n",
		"\x1b]0;title\a\x1b[2J":        `\x1b]0;title\a\x1b[2J`,
		"a\nb\rc\td":                   `a\nb\rc\td`,
		"\u009b31m":                    `\u009b31m`, // CSI in one character
		"run-\u202e1-dees":             `run-\u202e1-dees`,
		"caf\xe9/\xff":                 `caf\xe9/\xff`,
		"a mark \ufffd that was there": "a mark \ufffd that was there",
		"\x7f\u00a0\U000e0041":         `\x7f\u00a0\U000e0041`,
	} {
		if got := Text(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
