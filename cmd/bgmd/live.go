package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// live is a block of lines at the end of a terminal that is drawn anew in place.
// Off a terminal it is never there.
//
// Between two drawings the cursor rests at the block's start. So everything behind the
// cursor belongs to the block, however the terminal folds lines when its width changes,
// and one code erases it.
type live struct {
	w     io.Writer
	size  func() (columns, rows int) // of the terminal, asked anew for every drawing; zeros for none
	drawn bool
}

func newLive(w io.Writer) *live {
	return &live{w: w, size: func() (columns, rows int) { return terminalSize(w) }}
}

// terminal tells whether there is one.
func (l *live) terminal() bool {
	columns, _ := l.size()
	return columns > 0
}

// width is how many columns a line has now, 0 where there is no terminal.
func (l *live) width() int {
	columns, _ := l.size()
	return max(columns-1, 0) // a full line would wait to be folded
}

// draw replaces the block's lines, cut to what the terminal holds: each to its
// width, and all to its height.
func (l *live) draw(lines ...string) {
	columns, rows := l.size()
	if columns <= 0 {
		return
	}
	if most := max(rows-1, 1); len(lines) > most {
		more := len(lines) - most + 1
		lines = append(lines[:most-1:most-1], fmt.Sprintf("… and %s", plural(more, "line more", "lines more")))
	}
	block := make([]string, len(lines))
	for i, line := range lines {
		block[i] = cut(line, max(columns-1, 1))
	}
	back := "\r"
	if up := len(block) - 1; up > 0 {
		back += fmt.Sprintf("\x1b[%dA", up)
	}
	fmt.Fprint(l.w, "\r\x1b[J"+strings.Join(block, "\n")+back)
	l.drawn = true
}

// clear erases the block.
func (l *live) clear() {
	if l.drawn {
		fmt.Fprint(l.w, "\r\x1b[J")
		l.drawn = false
	}
}

// terminalSize is the size of the terminal that w is, zeros where it is none.
func terminalSize(w io.Writer) (columns, rows int) {
	file, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

// lineWidth is how many columns a line on w may have, 0 for as many as it has.
func lineWidth(w io.Writer) int {
	columns, _ := terminalSize(w)
	return max(columns-1, 0)
}

// squeeze joins pieces to a line of at most width columns. Until it fits, the
// pieces in drop are left out, in that order. Width 0 is no limit.
func squeeze(width int, pieces []string, drop ...int) string {
	pieces = slices.Clone(pieces)
	for _, i := range drop {
		if width == 0 || uniseg.StringWidth(strings.Join(pieces, "")) <= width {
			break
		}
		pieces[i] = ""
	}
	return cut(strings.Join(pieces, ""), width)
}

// cut returns a line of at most width columns, of which some letters take none
// and some take two; what is left of a longer one ends with "…". Width 0 is no
// limit.
func cut(line string, width int) string {
	if width == 0 || uniseg.StringWidth(line) <= width {
		return line
	}
	rest, state, used := line, -1, 0
	for {
		_, after, wide, next := uniseg.FirstGraphemeClusterInString(rest, state)
		if used += wide; used >= width {
			return line[:len(line)-len(rest)] + "…"
		}
		rest, state = after, next
	}
}
