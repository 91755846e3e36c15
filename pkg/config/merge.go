package config

import (
	"cmp"
	"maps"

	"github.com/spf13/viper"
)

// Merge returns the configuration of layers, the lowest first, over the profile that
// they name, and all that is wrong with it, each problem with the place where it was
// written.
func Merge(layers ...*Layer) (Config, []error) {
	var problems []error
	origin := map[string]string{}
	v := viper.New()
	for _, l := range layers {
		problems = append(problems, l.problems...)
		maps.Copy(origin, l.origin)
		for path, value := range l.values {
			v.Set(path, value)
		}
	}
	written := func(path string) bool { return origin[path] != "" }
	profile := cmp.Or(v.GetString("profile"), Defaults().Profile)
	c, err := unwritten(profile, v.GetString("data.set"), written)
	if err != nil { // an unknown profile, which problems reports
		c = Defaults()
	}
	from := &places{origin, c.Profile}
	for _, s := range settings {
		if v.IsSet(s.path) {
			assign(s.at(&c), v.Get(s.path))
		}
	}
	c.from = from
	for _, problem := range c.problems() {
		problems = append(problems, c.Locate(problem))
	}
	return c, problems
}
