// Package printable makes text of files that anybody may have written safe to
// show: on a terminal, and in tables and plots.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s with everything that is not a printable character replaced by
// its escape in Go, such as \x1b, \n or \u202e: control characters, with which a
// name could drive the reader's terminal, marks that turn the direction of
// writing, and bytes that are not UTF-8. Other text is returned as it is.
func Text(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case hidden(r) && (r != utf8.RuneError || size == 1):
			quoted := strconv.QuoteToASCII(s[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// hidden is true of U+FFFD too, which is what bytes that are not UTF-8 decode to.
func hidden(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
