package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// What a pickle can make, beside int, bool, nil, []byte for a string, []any for a
// tuple and map[string]any for a dict.
type (
	pickledList  struct{ items []any }
	pickledClass string // module and name

	// pickledObject is an instance of numpy.ndarray or numpy.dtype.
	pickledObject struct {
		class  pickledClass
		bytes  bool   // a dtype: it is that of bytes
		pixels []byte // an array's, nil before its state is known
	}
)

// The classes and functions that the files name.
const (
	numpyArray  pickledClass = "numpy ndarray"
	numpyType   pickledClass = "numpy dtype"
	numpyCreate pickledClass = "numpy.core.multiarray _reconstruct"
)

// maxOpcodes bounds a program, and so the memory that it can fill. For each image the
// published files have a number and a file's name, and perhaps put both into the memo.
const maxOpcodes = 8*cifarRecords + 1000

// unpickler runs a pickle's bytes, which are a program for a stack machine. It stops at
// its first error.
// [https://github.com/python/cpython/blob/3.13/Lib/pickletools.py]
type unpickler struct {
	raw   []byte
	at    int
	stack []any
	marks []int // heights of the stack
	memo  map[int]any
	err   error
}

// run returns what the pickle makes.
func (p *unpickler) run() (any, error) {
	for n := 0; p.err == nil; n++ {
		start := p.at
		op := p.operand(1)
		if p.err != nil {
			break
		}
		if op[0] == '.' { // STOP
			if top := p.pop(); p.err == nil && p.at == len(p.raw) {
				return top, nil
			}
			p.fail(p.at, fmt.Sprintf("%d bytes behind the pickle's end", len(p.raw)-p.at))
			break
		}
		if !p.literal(op[0]) && !p.collect(op[0]) && !p.construct(op[0]) {
			p.fail(start, fmt.Sprintf("opcode %q", op))
		}
		if n == maxOpcodes {
			p.fail(start, fmt.Sprintf("more than %d opcodes", n))
		}
	}
	return nil, p.err
}

// literal takes the opcodes that push a value of their own.
func (p *unpickler) literal(op byte) bool {
	switch op {
	case 0x80: // PROTO
		if v := p.number(1); v != 2 {
			p.fail(p.at-1, fmt.Sprintf("protocol %d", v))
		}
	case 'K', 'M': // BININT1, BININT2
		p.push(p.number(1 + int(op-'K')/2))
	case 'J': // BININT
		p.push(int(int32(p.number(4))))
	case 'U': // SHORT_BINSTRING
		p.push(p.operand(p.number(1)))
	case 'T': // BINSTRING
		p.push(p.operand(p.number(4)))
	case 'N': // NONE
		p.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		p.push(op == 0x88)
	case 'c': // GLOBAL
		class := pickledClass(p.line() + " " + p.line())
		if class != numpyArray && class != numpyType && class != numpyCreate {
			p.fail(p.at, fmt.Sprintf("the name %q", string(class)))
		}
		p.push(class)
	default:
		return false
	}
	return true
}

// collect takes the opcodes that move values and put them together.
func (p *unpickler) collect(op byte) bool {
	switch op {
	case '(': // MARK
		p.marks = append(p.marks, len(p.stack))
	case 'q', 'r': // BINPUT, LONG_BINPUT
		if i := p.number(1 + 3*int(op-'q')); len(p.stack) > 0 {
			p.memo[i] = p.stack[len(p.stack)-1]
		}
	case 'h', 'j': // BINGET, LONG_BINGET
		v, ok := p.memo[p.number(1+3*int(op-'h')/2)]
		if !ok {
			p.fail(p.at, "a name that was given to nothing")
		}
		p.push(v)
	case ']': // EMPTY_LIST
		p.push(&pickledList{})
	case 'a', 'e': // APPEND, APPENDS
		items := p.popped(op == 'e', 1)
		if list, ok := p.pop().(*pickledList); ok {
			list.items = append(list.items, items...)
			p.push(list)
		} else {
			p.fail(p.at, "items of no list")
		}
	case '}': // EMPTY_DICT
		p.push(map[string]any{})
	case 's', 'u': // SETITEM, SETITEMS
		items := p.popped(op == 'u', 2)
		dict, ok := p.pop().(map[string]any)
		for i := 0; ok && i < len(items); i += 2 {
			key, isText := items[i].([]byte)
			if ok = isText && i+1 < len(items); ok {
				dict[string(key)] = items[i+1]
			}
		}
		if !ok {
			p.fail(p.at, "items of no dict")
		}
		p.push(dict)
	case ')', 't': // EMPTY_TUPLE, TUPLE
		p.push(p.popped(op == 't', 0))
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		p.push(p.popped(false, int(op-0x84)))
	default:
		return false
	}
	return true
}

// construct takes the opcodes that make numpy's objects.
func (p *unpickler) construct(op byte) bool {
	switch op {
	case 'R': // REDUCE
		args, _ := p.pop().([]any)
		switch class := p.pop(); {
		case class == numpyCreate && len(args) == 3 && args[0] == numpyArray:
			p.push(&pickledObject{class: numpyArray})
		case class == numpyType && len(args) == 3:
			name, _ := args[0].([]byte)
			p.push(&pickledObject{class: numpyType, bytes: string(name) == "u1"})
		default:
			p.fail(p.at-1, "a call of something else than numpy's array and dtype")
		}
	case 'b': // BUILD
		state, _ := p.pop().([]any)
		object, ok := p.pop().(*pickledObject)
		if ok && object.class == numpyArray {
			ok = object.set(state)
		}
		if !ok {
			p.fail(p.at-1, fmt.Sprintf("something else than an array of n × %d bytes", cifarPixels))
		}
		p.push(object)
	default:
		return false
	}
	return true
}

// set gives an array its state: version, shape, dtype, whether columns come first,
// and bytes.
func (o *pickledObject) set(state []any) bool {
	if len(state) != 5 || state[3] != false {
		return false
	}
	shape, _ := state[1].([]any)
	kind, isKind := state[2].(*pickledObject)
	o.pixels, _ = state[4].([]byte)
	return isKind && kind.bytes && len(shape) == 2 && shape[1] == cifarPixels &&
		len(o.pixels)%cifarPixels == 0 && shape[0] == len(o.pixels)/cifarPixels
}

func (p *unpickler) fail(at int, found string) {
	if p.err == nil {
		p.err = &FileError{Offset: int64(at), Found: found, Want: "a pickle like the published ones"}
	}
}

func (p *unpickler) push(v any) { p.stack = append(p.stack, v) }

func (p *unpickler) pop() any {
	if v := p.popped(false, 1); len(v) == 1 {
		return v[0]
	}
	return nil
}

// popped takes the last n values from the stack, or all that are above the last
// mark.
func (p *unpickler) popped(marked bool, n int) []any {
	floor := 0
	if len(p.marks) > 0 {
		floor = p.marks[len(p.marks)-1]
	}
	from := len(p.stack) - n
	if marked && len(p.marks) > 0 {
		from, p.marks = floor, p.marks[:len(p.marks)-1]
	} else if marked || from < floor {
		p.fail(p.at-1, "an operation without operands")
		return nil
	}
	values := slices.Clone(p.stack[from:])
	p.stack = p.stack[:from]
	return values
}

// operand returns the next n bytes of the program.
func (p *unpickler) operand(n int) []byte {
	if n < 0 || n > len(p.raw)-p.at {
		p.fail(len(p.raw), "the end of the file")
		return nil
	}
	p.at += n
	return p.raw[p.at-n : p.at]
}

// number returns the next n ≤ 4 bytes, the lowest first; negative is none.
func (p *unpickler) number(n int) int {
	var b [4]byte
	copy(b[:], p.operand(n))
	return int(binary.LittleEndian.Uint32(b[:]))
}

// line returns the program's text as far as the next line break.
func (p *unpickler) line() string {
	end := bytes.IndexByte(p.raw[p.at:], '\n')
	if end < 0 || end > 64 {
		p.fail(p.at, "a name without an end")
		return ""
	}
	return string(p.operand(end + 1)[:end])
}
