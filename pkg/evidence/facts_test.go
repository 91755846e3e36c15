package evidence

import (
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/record"
)

func TestMainProfile(t *testing.T) {
	seed := uint64(0)
	on := func(set, profile string) *record.Run {
		seed++
		config := ended("clean", "sgd", 1, seed, 50)
		config.profile = profile
		return &record.Run{Config: []byte(strings.Replace(config.config(), "set: fashion-mnist", "set: "+set, 1))}
	}
	runs := []*record.Run{
		on("fashion-mnist", "paper"),
		on("mnist", "corrected"), on("mnist", "corrected"),
		on("cifar-10", "paper"), on("cifar-10", "author-code"),
	}
	for _, c := range []struct {
		sets []string
		want string
	}{
		{nil, "corrected"},
		{[]string{"fashion-mnist"}, "paper"},
		{[]string{"fashion-mnist", "cifar-10"}, "paper"},
		{[]string{"cifar-10"}, "author-code"}, // one each: the first by name
		{[]string{"synthetic"}, "corrected"},  // none: of all
	} {
		if got := MainProfile(runs, c.sets...); got != c.want {
			t.Errorf("on %v: %q, want %q", c.sets, got, c.want)
		}
	}
	if got := MainProfile(nil, "mnist"); got != "" {
		t.Errorf("without runs: %q", got)
	}
}
