package agg

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestOptionTable: every field of Options has one line in the table, by its name but for
// underscores; something reads it, and every rule reads options that there are; its
// default is allowed, or a zero that stands for one.
func TestOptionTable(t *testing.T) {
	var o Options
	fields := map[uintptr]string{}
	for i := range reflect.TypeFor[Options]().NumField() {
		fields[reflect.ValueOf(&o).Elem().Field(i).Addr().Pointer()] = reflect.TypeFor[Options]().Field(i).Name
	}
	for _, x := range OptionTable() {
		pointer := reflect.ValueOf(x.At(&o)).Pointer()
		if got, want := strings.ReplaceAll(x.Name, "_", ""), strings.ToLower(fields[pointer]); got != want {
			t.Errorf("the option %s is the field %q", x.Name, want)
		}
		delete(fields, pointer)
		if x.Meaning == "" || len(x.Readers()) == 0 {
			t.Errorf("%s: meaning %q, read by %v", x.Name, x.Meaning, x.Readers())
		}
		if !x.Range.Holds(x.Default) && !reflect.ValueOf(x.Default).IsZero() {
			t.Errorf("%s: the default %v is not in %v", x.Name, x.Default, x.Range)
		}
	}
	if len(fields) > 0 {
		t.Errorf("the fields %v have no line", fields)
	}
	var read []string
	for _, r := range Rules() {
		read = append(read, r.Options...)
	}
	for _, p := range PreAggregators() {
		read = append(read, p.Options...)
	}
	for _, name := range read {
		if !slices.Contains(OptionNames(), name) {
			t.Errorf("a rule or a pre-aggregator reads the option %s, which there is not", name)
		}
	}
}

// TestRange: the ends are in a range, or not, as its text says.
func TestRange(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		Range
		text       string
		in, beyond []any
	}{
		{Range{Names: []string{"a", "b"}}, "a, b", []any{"a", "b"}, []any{"", "c", 1}},
		{Range{Min: -1, Max: 5}, "-1 to 5", []any{-1, 5, 0}, []any{-2, 6}},
		{positive(), "> 0", []any{1e-300, 1e300}, []any{0., -1., inf, math.NaN()}},
		{Range{Max: inf, Below: true}, "≥ 0", []any{0., 1e300}, []any{-1e-300, inf, math.NaN()}},
		{Range{Max: 0.5, Below: true}, "[0, 0.5)", []any{0., 0.49}, []any{-0.1, 0.5, math.NaN()}},
		{Range{Max: 1, Above: true}, "(0, 1]", []any{0.1, 1.}, []any{0., 1.1, math.NaN()}},
	} {
		if got := c.String(); got != c.text {
			t.Errorf("%+v is %q, want %q", c.Range, got, c.text)
		}
		for _, v := range c.in {
			if !c.Holds(v) {
				t.Errorf("%v does not hold %v", c.Range, v)
			}
		}
		for _, v := range c.beyond {
			if c.Holds(v) {
				t.Errorf("%v holds %v", c.Range, v)
			}
		}
	}
}
