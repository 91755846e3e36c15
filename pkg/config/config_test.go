package config

import (
	"errors"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
)

// walk calls visit with every leaf field of a struct and its path: the fields' names in
// lower case, those of embedded structs left out.
func walk(prefix string, v reflect.Value, visit func(path string, field reflect.Value)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		path := joinKey(prefix, strings.ToLower(field.Name))
		if field.Anonymous {
			path = prefix
		}
		switch {
		case !field.IsExported():
		case field.Type.Kind() == reflect.Struct:
			walk(path, v.Field(i), visit)
		default:
			visit(path, v.Field(i))
		}
	}
}

// Every field has one key, which is called as the field is, but for underscores.
func TestKeysCoverConfig(t *testing.T) {
	var c Config
	fields := map[uintptr]string{}
	walk("", reflect.ValueOf(&c).Elem(), func(path string, field reflect.Value) { fields[field.Addr().Pointer()] = path })
	for _, s := range settings {
		pointer := reflect.ValueOf(s.at(&c)).Pointer()
		if got, want := strings.ReplaceAll(s.path, "_", ""), fields[pointer]; got != want {
			t.Errorf("the key %s is the field %q", s.path, want)
		}
		delete(fields, pointer)
	}
	for _, path := range fields {
		t.Errorf("the field %s has no key", path)
	}
	for _, key := range Keys() {
		if key.Type == "" || key.Allowed == "" || key.Meaning == "" {
			t.Errorf("%+v: want a type, what is allowed and a meaning", key)
		}
	}
}

func TestDefaultsAreValid(t *testing.T) {
	for _, name := range Profiles() {
		for _, set := range []string{"fashion-mnist", "mnist", "cifar-10", "synthetic"} {
			c, err := Profile(name, set)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Validate(); err != nil {
				t.Errorf("profile %s on %s: %v", name, set, err)
			}
		}
	}
	if paper, _ := Profile("paper", ""); !reflect.DeepEqual(paper, Defaults()) {
		t.Errorf("profile paper differs from the defaults")
	}
	if _, err := Profile("papr", ""); err == nil || !strings.Contains(err.Error(), "paper, author-code, corrected") {
		t.Errorf("unknown profile: error is %v, want the known ones listed", err)
	}
}

// changes returns the keys in which two configs differ, as path=value of b.
func changes(a, b Config) []string {
	var list []string
	for _, s := range settings {
		if v := format(valueAt(s.at(&b))); v != format(valueAt(s.at(&a))) {
			list = append(list, s.path+"="+v)
		}
	}
	return list
}

// The differences between the profiles are the rows of the protocol's table in
// which its columns differ.
func TestProfileDifferences(t *testing.T) {
	paper, _ := Profile("paper", "")
	authors, _ := Profile("author-code", "fashion-mnist")
	corrected, _ := Profile("corrected", "fashion-mnist")
	tests := []struct {
		name     string
		from, to Config
		want     []string
	}{
		{"paper to author-code", paper, authors, []string{
			"profile=author-code",
			"data.partition=pooled", "data.batch=16",
			"model.eval_dropout=true", "model.buffers=mean", "model.eval_batch_stats=true",
			"corruption.feature.members=first", "corruption.feature.count=ceil",
			"corruption.feature.clip=true", "corruption.feature.amount=0.95",
			"corruption.feature.space=whitened",
			"corruption.label.members=first", "corruption.label.count=ceil", "corruption.label.target=0",
			"corruption.gradient.members=numpy", "corruption.gradient.scale=5",
			"aggregator.solver=vardi-zhang", "aggregator.stop=step", "aggregator.eps=1e-05",
			"aggregator.max_iter=50", "aggregator.on_fail=zero", "aggregator.block.memory=client",
			"schedule.factor=0.9",
		}},
		{"author-code to corrected", authors, corrected, []string{
			"profile=corrected", "model.eval_dropout=false", "model.buffers=median", "model.eval_batch_stats=false",
			"corruption.feature.members=redrawn", "corruption.feature.count=floor",
			"corruption.feature.space=image",
			"corruption.label.members=redrawn", "corruption.label.count=floor", "corruption.label.target=8",
			"corruption.gradient.members=redrawn",
			"aggregator.on_fail=last",
		}},
	}
	for _, tt := range tests {
		if got := changes(tt.from, tt.to); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\ngot  %v\nwant %v", tt.name, got, tt.want)
		}
	}
}

// On other sets a profile differs from itself on Fashion-MNIST in the protocol's
// rows for them.
func TestProfileOfSets(t *testing.T) {
	for _, tt := range []struct {
		profile, set string
		want         []string
	}{
		{"paper", "synthetic", nil},
		{"paper", "mnist", []string{"epochs=10", "data.set=mnist", "data.clients=10", "model.name=mlp", "model.dropout=0", "optimizer.lr=0.1"}},
		{"author-code", "mnist", []string{"epochs=10", "data.set=mnist", "data.clients=10", "data.batch=64",
			"aggregator.max_iter=100", "optimizer.kind=adam", "optimizer.lr=0.001", "schedule.kind=cosine", "schedule.t_max=100"}},
		{"paper", "cifar-10", []string{"epochs=200", "data.set=cifar-10", "data.partition=shards", "data.clients=10", "data.batch=128", "model.name=resnet18",
			"optimizer.lr=0.1", "schedule.kind=cosine"}},
		{"corrected", "cifar-10", []string{"epochs=100", "data.set=cifar-10", "data.clients=10", "data.batch=128", "model.name=resnet18",
			"model.stem=cifar", "model.eval_batch=128",
			"corruption.gradient.std=100", "optimizer.lr=0.1", "optimizer.nesterov=false", "optimizer.weight_decay=0.0005",
			"schedule.kind=cosine", "schedule.t_max=100"}},
	} {
		from, _ := Profile(tt.profile, "fashion-mnist")
		to, _ := Profile(tt.profile, tt.set)
		if got := changes(from, to); !slices.Equal(got, tt.want) {
			t.Errorf("%s on %s:\ngot  %v\nwant %v", tt.profile, tt.set, got, tt.want)
		}
	}
}

// Every number refuses NaN and the infinities, and says so.
func TestValidateRefusesNonFinite(t *testing.T) {
	for _, s := range settings {
		for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			c := Defaults()
			p, ok := s.at(&c).(*float64)
			if !ok {
				continue
			}
			*p = x
			var problem *KeyError
			if err := c.Validate(); !errors.As(err, &problem) || problem.Path != s.path {
				t.Errorf("%s is %v: error is %v", s.path, x, err)
			}
		}
	}
}

// TestIntegerBounds: every integer key refuses what sizes would overflow with, and
// says what it takes.
func TestIntegerBounds(t *testing.T) {
	for _, s := range settings {
		c := Defaults()
		c.Data.Set = "synthetic"
		switch p := s.at(&c).(type) {
		case *int:
			*p = math.MaxInt
		case *[]int:
			*p = []int{1 << 62, 4}
		default:
			continue
		}
		want := s.path + " is "
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) || !regexp.MustCompile(` \d+ to \d+$| -1 to \d+$`).MatchString(err.Error()) {
			t.Errorf("%s: error is %v, want a range", s.path, err)
		}
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string // all messages, one a line
	}{
		{"several at once", func(c *Config) {
			c.Epochs, c.Data.Clients, c.Corruption.Gradient.Fraction, c.Aggregator.Rule = 0, -1, 1.2, "gmm"
		}, `epochs is 0, want 1 to 100000
data.clients is -1, want 1 to 100000
corruption.gradient.fraction is 1.2, want [0, 1)
aggregator.rule is "gmm", want one of ` + strings.Join(agg.Names(), ", ")},
		{"name", func(c *Config) { c.Name = "../x" },
			`name is "../x", want at most 100 letters, digits and . _ -, not a dot first`},
		{"folder", func(c *Config) { c.Data.Dir = "" }, `data.dir is "", want a folder`},
		{"profile", func(c *Config) { c.Profile = "authors" },
			`profile is "authors", want one of paper, author-code, corrected`},
		{"memory without weights", func(c *Config) {
			c.Aggregator.Rule, c.Aggregator.Block.Fraction, c.Aggregator.Block.Memory = "cm", 0.1, "gm-weighted"
		}, `aggregator.block.memory is "gm-weighted", which needs a rule with weights: aggregator.rule is "cm", want ` + strings.Join(weightedRules(), ", ") + ``},
		{"memory without weights now and then", func(c *Config) {
			c.Aggregator.Rule, c.Aggregator.OnFail = "gm", "zero"
			c.Aggregator.Block.Fraction, c.Aggregator.Block.Memory = 0.1, "gm-weighted"
		}, `aggregator.block.memory is "gm-weighted", which needs weights at every step: aggregator.on_fail is "zero", want last`},
		{"memory without block", func(c *Config) {
			c.Aggregator.Rule, c.Aggregator.Block.Memory = "cm", "gm-weighted"
		}, ""},
		{"nobody corrupt", func(c *Config) {
			c.Data.Clients = 8
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "bitflip", 0.1
		}, `corruption.gradient.fraction is 0.1, which of 8 (data.clients) rounds down to none: want 0 or at least 0.125`},
		{"nobody corrupt, but rounded up", func(c *Config) {
			c.Corruption.Label.Kind, c.Corruption.Label.Fraction, c.Corruption.Label.Count = "backdoor", 0.01, "ceil"
		}, ""},
		{"clean end of a range", func(c *Config) { c.Corruption.Gradient.Kind = "bitflip" }, ""},
		{"numpy replays two attacks", func(c *Config) {
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Members = "mimic", "numpy"
		}, `corruption.gradient.members is "numpy", which goes with additive or bitflip: corruption.gradient.kind is "mimic", want fixed, redrawn or first`},
		{"numpy and no attack", func(c *Config) { c.Corruption.Gradient.Members = "numpy" }, ""},
		{"a model for other images", func(c *Config) { c.Data.Set = "cifar-10" },
			`model.name is "lenet", which cannot take cifar-10: images are 3×32×32, want 1×28×28`},
		{"no z hides", func(c *Config) {
			c.Data.Clients = 10
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "alie", 0.2
		}, `corruption.gradient.kind is "alie", which with 2 of 10 clients corrupt has no z > 0 that hides: set corruption.gradient.z > 0, or corrupt 3 to 7 of 10`},
		{"no z ever hides", func(c *Config) {
			c.Data.Clients = 4
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "alie", 0.5
		}, `corruption.gradient.kind is "alie", which with 2 of 4 clients corrupt has no z > 0 that hides: set corruption.gradient.z > 0`},
		{"some z hides", func(c *Config) {
			c.Data.Clients, c.Corruption.Gradient.Count = 10, "ceil"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "alie", 0.21
		}, ""},
		{"z given", func(c *Config) {
			c.Data.Clients, c.Corruption.Gradient.Z = 10, 1.5
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "alie", 0.2
		}, ""},
		{"clean end of a range of alie", func(c *Config) { c.Corruption.Gradient.Kind = "alie" }, ""},
		{"ranges of attacks", func(c *Config) {
			c.Corruption.Gradient.Z, c.Corruption.Gradient.Epsilon = -1, 0
		}, "corruption.gradient.z is -1, want ≥ 0\ncorruption.gradient.epsilon is 0, want > 0"},
		{"as many corrupt as the rule stands", func(c *Config) {
			c.Data.Clients, c.Aggregator.Rule = 9, "krum"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "bitflip", 0.34
		}, ""},
		{"one more", func(c *Config) {
			c.Data.Clients, c.Aggregator.Rule = 8, "krum"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "bitflip", 0.38
		}, `aggregator.rule cannot run: rule "krum": n = 8 clients and f = 3 corrupt, want n > 2f + 2`},
		{"one more, in a block", func(c *Config) {
			c.Data.Clients, c.Aggregator.Rule, c.Aggregator.Block.Fraction = 8, "krum", 0.1
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "bitflip", 0.38
		}, `aggregator.rule cannot run: rule "krum": n = 8 clients and f = 3 corrupt, want n > 2f + 2`},
		{"a pivot beyond the clients", func(c *Config) {
			c.Data.Clients, c.Aggregator.Rule, c.Aggregator.Pivot = 4, "monna", 4
		}, `aggregator.rule cannot run: rule "monna": pivot is row 4, want below n = 4`},
		{"rows dropped from a memory a client", func(c *Config) {
			c.Aggregator.Block.Fraction, c.Aggregator.Block.Memory, c.Aggregator.NonFinite = 0.1, "client", "drop"
		}, `aggregator.rule cannot run: rows of block(0.1, mean, memory=client) cannot be dropped: its memory is "client"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Defaults()
			tt.change(&c)
			got := ""
			if err := c.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// The remedy for an ALIE that cannot hide names all numbers of corrupt clients
// with which it can.
func TestHiding(t *testing.T) {
	for n := 1; n < 60; n++ {
		few, many := hiding(n)
		for f := 1; f < n; f++ {
			if got, want := few > 0 && few <= f && f <= many, corrupt.MaxZ(n, f) > 0; got != want {
				t.Errorf("%d of %d: within %d to %d is %v, but that some z > 0 hides is %v", f, n, few, many, got, want)
			}
		}
	}
}

func TestWarnings(t *testing.T) {
	c := Defaults()
	c.Corruption.Label.Kind, c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "backdoor", "bitflip", 0.2
	const want = `corruption.label.kind is "backdoor", but nothing is corrupt: corruption.label.fraction is 0`
	if got := errors.Join(c.Warnings()...); got == nil || got.Error() != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if got := Defaults().Warnings(); got != nil {
		t.Errorf("the defaults: got %v, want none", got)
	}
}

// other gives a key a value other than the one it has, of the same type.
func other(pointer any) {
	switch p := pointer.(type) {
	case *string:
		*p += "x"
	case *int:
		*p += 3
	case *uint64:
		*p = math.MaxUint64
	case *float64:
		*p = *p/3 + 1e-300
	case *bool:
		*p = !*p
	case *[]int:
		*p = append(slices.Clone(*p), 7)
	}
}

func TestHash(t *testing.T) {
	base := Defaults().Hash()
	if len(base) != 64 {
		t.Errorf("hash is %q, want 64 hexadecimal digits", base)
	}
	for _, s := range settings {
		c := Defaults()
		other(s.at(&c))
		free := s.path == "workers" || s.path == "data.dir"
		if same := c.Hash() == base; same != free {
			t.Errorf("%s changed: hash is the same is %v, want %v", s.path, same, free)
		}
	}
	negative := Defaults()
	negative.Optimizer.WeightDecay = 0
	want := negative.Hash()
	if negative.Optimizer.WeightDecay = math.Copysign(0, -1); negative.Hash() != want {
		t.Errorf("hash tells −0 from 0")
	}
}

// TestLateKeys: a whole config of before there were the late keys means what it
// meant, and has the hash that it had; any other config has the profile's.
func TestLateKeys(t *testing.T) {
	c, _ := Profile("author-code", "cifar-10")
	var late []string
	for _, s := range settings {
		if s.written.before != nil {
			assign(s.at(&c), s.written.before)
			late = append(late, s.path)
		}
	}
	l := parseFile("old.yaml", c.YAML())
	for _, path := range late {
		if l.Where(path) != "" {
			t.Errorf("%s is in the YAML of a config of before it", path)
		}
	}
	again, problems := Merge(l)
	if got := changes(again, c); problems != nil || got != nil {
		t.Errorf("read again: %v, %v, want no difference", got, problems)
	}
	delete(l.origin, "optimizer.lr") // which the profile sets to the same
	again, problems = Merge(l)
	if got, want := changes(c, again), []string{"diverged_at=epoch", "model.eval_batch=128", "model.conv=auto"}; problems != nil || !slices.Equal(got, want) {
		t.Errorf("one key not written: %v, %v, want %v", got, problems, want)
	}
	for path, change := range map[string]func(*Config){
		"diverged_at: epoch": func(c *Config) { c.DivergedAt = "epoch" }, "eval_batch: 128": func(c *Config) { c.Model.EvalBatch = 128 },
		"conv: auto": func(c *Config) { c.Model.Conv = "auto" },
	} {
		later := c
		if change(&later); !strings.Contains(string(later.YAML()), path) || later.Hash() == c.Hash() {
			t.Errorf("%s is not in the YAML or not in the hash:\n%s", path, later.YAML())
		}
	}
}

// Where every key has another value than its default, the YAML has all of them, and
// nothing else.
func TestYAMLHoldsEveryKey(t *testing.T) {
	c := Defaults()
	for _, s := range settings {
		other(s.at(&c))
	}
	c.Name = "true" // must be quoted, or it reads as a boolean
	c.Data.Dir = "a: b # c\n1e3"
	l := parseFile("config.yaml", c.YAML())
	if l.problems != nil || len(l.values) != len(settings) {
		t.Errorf("%d of %d keys, %v:\n%s", len(l.values), len(settings), l.problems, c.YAML())
	}
	for _, s := range settings {
		if got, want := l.values[s.path], valueAt(s.at(&c)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read %v (%T), want %v (%T)", s.path, got, got, want, want)
		}
	}
}
