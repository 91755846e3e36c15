package modelstest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/models"
)

// exchange: exported tensors, imported in any order into a net of other
// parameters, make it the same net; what was exported is a copy.
func (s suite) exchange(t *testing.T) {
	from, to := s.net(t, 1, 2, 1, 0), s.net(t, 2, 2, 1, 0)
	params := slices.Clone(from.Params())
	tensors := from.Export()
	slices.Reverse(tensors)
	tensors = append(tensors, models.Tensor{Name: "of another model", Shape: []int{1}, Data: []float32{1}})
	if err := to.Import(tensors); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(to.Params(), params) {
		t.Error("parameters differ after Import")
	}
	b := s.batch(3, 2)
	if !slices.Equal(predict(t, to, b, nil), predict(t, from, b, nil)) {
		t.Error("logits differ after Import: replicas do not see new parameters")
	}
	for _, x := range tensors {
		clear(x.Data)
		if len(x.Shape) > 0 {
			x.Shape[0] = 0
		}
	}
	for name, net := range map[string]*models.Net{"exported from": from, "imported to": to} {
		if !slices.Equal(net.Params(), params) || net.Export()[0].Shape[0] == 0 {
			t.Errorf("changing a tensor changes the net it was %s", name)
		}
	}
}

// refuses: Import names all that is wrong at once and changes nothing.
func (s suite) refuses(t *testing.T) {
	net := s.net(t, 1, 1, 1, 0)
	before := slices.Clone(net.Params())
	tensors := s.net(t, 2, 1, 1, 0).Export()
	if len(tensors) < 4 {
		t.Fatalf("%d tensors, want at least 4", len(tensors))
	}
	missing, reshaped, short := tensors[0].Name, &tensors[1], &tensors[3]
	wrong := append([]int{1}, reshaped.Shape...)
	want := []string{
		fmt.Sprintf("models: no tensor %q", missing),
		fmt.Sprintf("models: tensor %q has shape %v and %d elements, want %v", reshaped.Name, wrong, len(reshaped.Data), reshaped.Shape),
		fmt.Sprintf("models: tensor %q has shape %v and %d elements, want %v", short.Name, short.Shape, len(short.Data)-1, short.Shape),
	}
	reshaped.Shape, short.Data = wrong, short.Data[1:]
	err := net.Import(tensors[1:])
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("error is\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
	if !slices.Equal(net.Params(), before) {
		t.Error("a refused Import changes the parameters")
	}
}
