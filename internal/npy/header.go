package npy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// layout is what a header says: rows×cols numbers of size bytes, column after
// column in Fortran order, else row after row.
type layout struct {
	rows, cols int
	fortran    bool
	size       int
	order      binary.ByteOrder
}

// double reports whether the numbers are float64.
func (l layout) double() bool { return l.size == 8 }

// at is the place of the e-th number of the file.
func (l layout) at(e int) (row, col int) {
	if l.fortran {
		return e % l.rows, e / l.rows
	}
	return e / l.cols, e % l.cols
}

// mostHeader bounds the length of a header, which NumPy keeps around 100 bytes. What
// reads one has a buffer for it.
const mostHeader = 1 << 16

// magic is how every .npy file begins.
const magic = "\x93NUMPY"

// readLayout reads the header and refuses what Read refuses.
func readLayout(in *bufio.Reader) (l layout, err error) {
	text, err := readHeader(in)
	if err != nil {
		return l, err
	}
	fields, err := parseHeader(text)
	if err != nil {
		return l, bad("the header is not as numpy.save writes it: %v", err)
	}
	return fields.layout()
}

// readHeader returns the text of the header.
func readHeader(in *bufio.Reader) (string, error) {
	start, err := in.Peek(12)
	if len(start) < 12 || string(start[:len(magic)]) != magic {
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return "", err
		case len(start) == 0:
			return "", bad("it is empty")
		}
		return "", bad("it does not begin as .npy files do")
	}
	length, prefix := int(binary.LittleEndian.Uint16(start[8:])), 10
	switch start[6] {
	case 1:
	case 2, 3:
		length, prefix = int(binary.LittleEndian.Uint32(start[8:])), 12
	default:
		return "", bad("the format version is %d, want 1, 2 or 3", start[6])
	}
	if length > mostHeader-prefix {
		return "", bad("the header is %d bytes long, want at most %d", length, mostHeader-prefix)
	}
	text, err := in.Peek(prefix + length)
	if len(text) < prefix+length {
		if errors.Is(err, io.EOF) {
			return "", bad("the header is cut off")
		}
		return "", err
	}
	header := string(text[prefix:])
	_, err = in.Discard(prefix + length)
	return header, err
}

// fields are the members of a header.
type fields struct {
	descr   string
	fortran bool
	shape   []int
}

// parseHeader reads a Python dictionary of exactly three members, in any order:
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
func parseHeader(text string) (f fields, err error) {
	p := &literal{text}
	p.want("{")
	var seen []string
	for !p.failed() && !p.accept("}") {
		key := p.string()
		p.want(":")
		switch {
		case p.failed():
		case slices.Contains(seen, key):
			return f, fmt.Errorf("%s is there twice", key)
		case key == "descr" && p.starts("["):
			return f, fmt.Errorf("the dtype has fields, want float16, float32 or float64")
		case key == "descr":
			f.descr = p.string()
		case key == "fortran_order":
			f.fortran = p.boolean()
		case key == "shape":
			f.shape = p.tuple()
		default:
			return f, fmt.Errorf("there is a member %q", key)
		}
		seen = append(seen, key)
		if !p.accept(",") && !p.starts("}") {
			p.fail()
		}
	}
	switch {
	case p.failed():
		return f, fmt.Errorf("no dictionary")
	case len(seen) < 3:
		return f, fmt.Errorf("it has %q, want descr, fortran_order and shape", seen)
	case strings.TrimSpace(p.rest) != "":
		return f, fmt.Errorf("there is more after the dictionary")
	}
	return f, nil
}

// layout checks the members.
func (f fields) layout() (l layout, err error) {
	order := map[string]binary.ByteOrder{"<": binary.LittleEndian, ">": binary.BigEndian, "=": binary.NativeEndian}
	size := map[string]int{"f2": 2, "f4": 4, "f8": 8}
	prefix := f.descr[:min(1, len(f.descr))]
	l.order, l.size = order[prefix], size[strings.TrimPrefix(f.descr, prefix)]
	switch {
	case l.order == nil || l.size == 0:
		return l, bad("the dtype is %q, want float16, float32 or float64 (f2, f4 or f8 after <, > or =)", f.descr)
	case len(f.shape) != 2 || f.shape[0] < 1 || f.shape[1] < 1:
		return l, bad("the shape is %v, want two dimensions of at least 1: a row a client", f.shape)
	case f.shape[0] > math.MaxInt/8/f.shape[1]:
		return l, bad("the shape %v is more than any memory holds", f.shape)
	}
	l.rows, l.cols, l.fortran = f.shape[0], f.shape[1], f.fortran
	return l, nil
}

// literal reads the Python literals of a header from the left. Once something is not
// as it should be, it has failed and gives zero values.
type literal struct{ rest string }

// broken is what is left once reading has failed; no header has it.
const broken = "\x00"

func (p *literal) fail()        { p.rest = broken }
func (p *literal) failed() bool { return p.rest == broken }

// starts reports whether token is next, after white space.
func (p *literal) starts(token string) bool {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	return strings.HasPrefix(p.rest, token)
}

// accept takes token if it is next.
func (p *literal) accept(token string) bool {
	if !p.starts(token) {
		return false
	}
	p.rest = p.rest[len(token):]
	return true
}

func (p *literal) want(token string) {
	if !p.accept(token) {
		p.fail()
	}
}

// string reads a string in single or double quotes without escapes; Python 2 wrote
// a u before some.
func (p *literal) string() string {
	p.accept("u")
	for _, quote := range []string{"'", `"`} {
		if p.starts(quote) {
			text, rest, closed := strings.Cut(p.rest[1:], quote)
			if !closed || strings.ContainsAny(text, "\\\n\x00") {
				break
			}
			p.rest = rest
			return text
		}
	}
	p.fail()
	return ""
}

func (p *literal) boolean() bool {
	if p.accept("True") {
		return true
	}
	p.want("False")
	return false
}

// tuple reads integers ≥ 0, to which Python 2 added an L.
func (p *literal) tuple() (x []int) {
	for p.want("("); !p.failed() && !p.accept(")"); {
		p.starts("")
		digits := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, "0123456789"))]
		v, err := strconv.Atoi(digits)
		if err != nil {
			p.fail()
			return nil
		}
		p.rest = p.rest[len(digits):]
		p.accept("L")
		x = append(x, v)
		if !p.accept(",") && !p.starts(")") {
			p.fail()
		}
	}
	return x
}
