package sweep

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// cells parses a grid and writes its cells with their pieces.
func cells(source string) (string, error) {
	g, err := Parse("g.yaml", []byte(source))
	if err != nil {
		return "", err
	}
	list, err := g.Cells()
	var b strings.Builder
	for _, c := range list {
		fmt.Fprint(&b, c.Name, ":")
		for _, piece := range c.Pieces {
			var v any
			err = errors.Join(err, piece.Decode(&v))
			fmt.Fprint(&b, " ", v)
		}
		b.WriteString("\n")
	}
	return b.String(), err
}

func TestCells(t *testing.T) {
	got, err := cells(`
config: {c: 0}
grid:
  second: {z: {s: 1}, y: {s: 2}}
  first:
    b: {}
    a: {f: 1}
  x.y: [2, "1", 0.5]
exclude:
  - {first: b, second: z}
  - {x.y: 2, first: a}
  - {x.y: 0.5}
override:
  - {when: {first: a}, config: {o: 1}}
  - {when: {first: a, x.y: 1}, config: {o: 2}}
  - {when: {second: y}, config: {o: 3}}
`)
	want := `z-a-y-1: map[c:0] map[s:1] map[f:1] map[x:map[y:1]] map[o:1] map[o:2]
y-b-y-2: map[c:0] map[s:2] map[] map[x:map[y:2]] map[o:3]
y-b-y-1: map[c:0] map[s:2] map[] map[x:map[y:1]] map[o:3]
y-a-y-1: map[c:0] map[s:2] map[f:1] map[x:map[y:1]] map[o:1] map[o:2] map[o:3]
`
	if err != nil || got != want {
		t.Errorf("%v, got:\n%swant:\n%s", err, got, want)
	}
}

// Axes whose keys end alike are told apart by what stands before: gradient.kind.
func TestNamesOfLikeAxes(t *testing.T) {
	for source, want := range map[string]string{
		"c.gradient.kind: [none, bitflip], c.feature.kind: [none]":                  "gradient.kind-none-feature.kind-none gradient.kind-bitflip-feature.kind-none",
		"a.b.c: [1], x.b.c: [2], d.c: [3], c: [4], e: [5]":                          "a.b.c-1-x.b.c-2-d.c-3-c-4-e-5",
		"optimizer.lr: [0.1], lr: {z: {}}, 1: [9007199254740992, 9007199254740993]": "lr-0.1-z-1-9007199254740992 lr-0.1-z-1-9007199254740993",
	} {
		g, err := Parse("g.yaml", []byte("grid: {"+source+"}"))
		if err != nil {
			t.Fatal(err)
		}
		list, err := g.Cells()
		var names []string
		for _, c := range list {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", source, got, err, want)
		}
	}
}

func TestSeedsAndBase(t *testing.T) {
	for source, want := range map[string]string{"": "[1] <nil>", "seeds: [3, 0]\nbase: f": "[3 0] f"} {
		g, err := Parse("g.yaml", []byte("grid: {a: {b: {}}}\n"+source))
		if err != nil {
			t.Fatal(err)
		}
		base := any(nil)
		if g.Base != nil {
			base = g.Base.Value
		}
		if got := fmt.Sprintf("%v %v", g.Seeds, base); got != want {
			t.Errorf("%q: %s, want %s", source, got, want)
		}
	}
}

func TestGridErrors(t *testing.T) {
	const top = "(have base, config, seeds, grid, exclude, override)"
	for _, tt := range []struct{ source, want string }{
		{"", "g.yaml: is empty, want base, config, seeds, grid, exclude, override"},
		{"- a", "g.yaml:1: is a list, want keys and values"},
		{"grid: {a: {b: {}}\n", "g.yaml:2: did not find expected ',' or '}'"},
		{"config: {}\nseed: 1", `g.yaml:2: unknown key "seed" ` + top + "\ng.yaml:1: there is no grid, want axes under the key grid"},
		{"grid: {}", "g.yaml:1: grid is empty, want at least one axis"},
		{"grid: x", "g.yaml:1: grid is x, want at least one axis"},
		{"grid: {a: {}}", "g.yaml:1: axis a is empty, want named variants or a list of values"},
		{"grid:\n  a: 1", "g.yaml:2: axis a is 1, want named variants or a list of values"},
		{"grid: {a: {b: }}", "g.yaml:1: grid.a.b is empty, want keys of a configuration ({} for none)"},
		{"grid: {a: {b: {}, b: {}}}", `g.yaml:1: key "grid.a.b" is there twice, first on line 1`},
		{"grid: {a: {b: {}}, a: {c: {}}}", `g.yaml:1: key "grid.a" is there twice, first on line 1`},
		{"grid: {a: [1, 2, 1]}", "g.yaml:1: axis a has 1 twice"},
		{"grid: {a.lr: [0.1, 0.2, 1e-1, .10]}", `g.yaml:1: axis a.lr has 0.1 and 1e-1, which are one value
g.yaml:1: axis a.lr has 0.1 and .10, which are one value`},
		{"grid: {a: [1, 1.0], b: [16, 0x10], c: [true, True], d: [~, null]}", `g.yaml:1: axis a has 1 and 1.0, which are one value
g.yaml:1: axis b has 16 and 0x10, which are one value
g.yaml:1: axis c has true and True, which are one value
g.yaml:1: axis d has "~", which is no part of a folder's name: want letters, digits and . _ -, not a dot first
g.yaml:1: axis d has ~ and null, which are one value`},
		{"grid: {a: [[1]]}", "g.yaml:1: axis a has a list, want values of the key a"},
		{"grid: {a: {b/c: {}, .d: {}}}", `g.yaml:1: axis a has "b/c", which is no part of a folder's name: want letters, digits and . _ -, not a dot first
g.yaml:1: axis a has ".d", which is no part of a folder's name: want letters, digits and . _ -, not a dot first`},
		{"grid: {a: {b: {}}}\nbase: [x]", "g.yaml:2: base is a list, want a file"},
		{"grid: {a: {b: {}}}\nconfig: 1", "g.yaml:2: config is 1, want keys of a configuration ({} for none)"},
		{"grid: {a: {b: {}}}\nseeds: []", "g.yaml:2: seeds is an empty list, want at least one"},
		{"grid: {a: {b: {}}}\nseeds: 1", "g.yaml:2: seeds is 1, want a list"},
		{"grid: {a: {b: {}}}\nseeds: [1, -1, 1]", "g.yaml:2: seeds has -1, want integers ≥ 0\ng.yaml:2: seeds has 1 twice"},
		{"grid: {a: {b: {}, c: {}}}\nexclude:\n  - {a: d}\n  - {e: b}\n  - {}", `g.yaml:3: exclude 1: axis a has no d (have b, c)
g.yaml:4: exclude 2: there is no axis e (have a)
g.yaml:5: exclude 3 is empty, want an axis and its value`},
		{"grid: {a: {b: {}}}\noverride:\n  - {when: {a: c}, config: {}}\n  - {when: {a: b}}\n  - {if: 1}\n  - x", `g.yaml:3: override 1: axis a has no c (have b)
g.yaml:4: override 2 lacks when or config, want both
g.yaml:5: unknown key "override 3.if" (have when, config)
g.yaml:5: override 3 lacks when or config, want both
g.yaml:6: override 4 is x, want when and config`},
		{"grid: {a: {b: {}, b-c: {}}, d: {e: {}, c-e: {}}}", "g.yaml: two runs are called b-c-e: (a: b, d: c-e) and (a: b-c, d: e)"},
		{"grid: {a: {b: {}}}\nexclude: [{a: b}]", "g.yaml: exclude leaves none of 1 combinations"},
	} {
		if _, err := cells(tt.source); fmt.Sprint(err) != tt.want {
			t.Errorf("%q:\ngot:  %v\nwant: %s", tt.source, err, tt.want)
		}
	}
	var huge strings.Builder
	huge.WriteString("grid:\n")
	for axis := range 6 {
		fmt.Fprintf(&huge, "  a%d: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n", axis)
	}
	if _, err := cells(huge.String()); fmt.Sprint(err) != "g.yaml:7: axis a5 makes it more than 100000 combinations" {
		t.Error(err)
	}
}

// Whatever a file holds, reading it gives mappings or says what is wrong.
func FuzzParse(f *testing.F) {
	f.Add([]byte("config: {a: 1}\nseeds: [2]\ngrid: {b: {c: {}}, d: [1]}\nexclude: [{b: c, d: 2}]\noverride: [{when: {b: c}, config: {}}]\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		g, err := Parse("g.yaml", source)
		if err != nil {
			return
		}
		list, err := g.Cells()
		if err == nil && len(list) == 0 {
			t.Error("no cells and no error")
		}
		for _, c := range list {
			for _, piece := range c.Pieces {
				if piece.Kind != yaml.MappingNode {
					t.Errorf("a piece of %s is no mapping", c.Name)
				}
			}
		}
	})
}
