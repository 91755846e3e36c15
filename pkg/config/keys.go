package config

import (
	"reflect"
	"slices"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

// Key describes one setting of a [Config].
type Key struct {
	Path    string `json:"key"`     // such as corruption.gradient.fraction
	Type    Type   `json:"type"`    // of its value
	Default any    `json:"default"` // in Defaults: a string, int, uint64, float64, bool or []int
	Allowed string `json:"allowed"` // range or list of names
	Meaning string `json:"meaning"` // one line
}

// Type is the type of a key's value. A number may be written without a decimal point.
type Type string

// The types of keys.
const (
	Text    Type = "text"
	Integer Type = "integer"
	Natural Type = "natural" // an integer from 0 to 2⁶⁴−1
	Number  Type = "number"
	Boolean Type = "boolean"
	List    Type = "list" // of integers
)

var types = map[reflect.Kind]Type{
	reflect.String: Text, reflect.Int: Integer, reflect.Uint64: Natural, reflect.Float64: Number, reflect.Bool: Boolean, reflect.Slice: List,
}

// Keys returns every key, in the order of [Config]'s fields.
func Keys() []Key {
	defaults := Defaults()
	keys := make([]Key, len(settings))
	for i, s := range settings {
		value := valueAt(s.at(&defaults))
		keys[i] = Key{s.path, types[reflect.TypeOf(value).Kind()], value, s.limit.text, s.meaning}
	}
	return keys
}

// valueAt returns what a setting's pointer points at, and assign sets it.
func valueAt(pointer any) any { return reflect.ValueOf(pointer).Elem().Interface() }

func assign(pointer, value any) { reflect.ValueOf(pointer).Elem().Set(reflect.ValueOf(value)) }

// setting ties a key to its field. One table serves validation, printing,
// hashing and the manual, so that they cannot disagree; a test walks Config
// and fails where a field has no entry or an entry no field.
type setting struct {
	path    string
	at      func(*Config) any // pointer to the field
	limit   limit
	meaning string
	written writing
}

// writing says when the YAML has a key, so that the configs of old records, and their
// hashes, stay what they are. There are three kinds of keys:
//
//   - written always: keys as old as the records;
//   - written where it has an effect, or differs from what the profile sets for the data
//     set;
//   - written where it differs from what the program did before the key existed: all new
//     keys.
//
// A config that has all keys of the first kind and lacks one of the last is an old
// record's. The key then has the value of the time before it, whatever the profile sets.
type writing struct {
	effect func(*Config) bool
	before any
}

var always writing

func where(effect func(*Config) bool) writing { return writing{effect: effect} }

func before(value any) writing { return writing{before: value} }

// never is the effect of keys one of whose values means none; ofModel is the effect of a
// model's keys.
func never(*Config) bool { return false }

func ofModel(name string) func(*Config) bool {
	return func(c *Config) bool { return c.Model.Name == name }
}

var settings = slices.Concat([]setting{
	{"name", func(c *Config) any { return &c.Name }, fileName(), "label of the run; empty: the config file's name", always},
	{"profile", func(c *Config) any { return &c.Profile }, oneOf(Profiles()...), "whose protocol sets the keys that are not written", always},
	{"seed", func(c *Config) any { return &c.Seed }, anything("≥ 0"), "root of every random stream", always},
	{"epochs", func(c *Config) any { return &c.Epochs }, between(1, most), "passes over the training set", always},
	{"workers", func(c *Config) any { return &c.Workers }, between(0, most), "clients computed at once; 0: one a core; results do not depend on it", always},
	{"diverged_loss", func(c *Config) any { return &c.DivergedLoss }, positive(), "a loss above it ends the run as diverged; one that is not finite always does", always},
	{"diverged_at", func(c *Config) any { return &c.DivergedAt }, oneOf("epoch", "step"), "whose loss counts: epoch: the test set's at an epoch's end; step: each step's, too (mean of the clients with clean samples)", before("step")},

	{"data.set", func(c *Config) any { return &c.Data.Set }, oneOf(data.Names()...), "what to train on", always},
	{"data.dir", func(c *Config) any { return &c.Data.Dir }, folder(), "folder with one subfolder a set; results do not depend on it", always},
	{"data.partition", func(c *Config) any { return &c.Data.Partition }, oneOf(data.Partitions()...), "how samples reach clients; pooled: the whole set, dealt out anew each epoch; see bgmd data partition", always},
	{"data.clients", func(c *Config) any { return &c.Data.Clients }, between(1, most), "n, the number of clients", always},
	{"data.batch", func(c *Config) any { return &c.Data.Batch }, between(1, most), "samples a client a step", always},
	{"data.shards", func(c *Config) any { return &c.Data.Shards }, between(1, most), "shards: how many a client gets of the samples sorted by label", where(func(c *Config) bool { return c.Data.Partition == "shards" })},
	{"data.alpha", func(c *Config) any { return &c.Data.Alpha }, positive(), "dirichlet: concentration of each class's shares; small: clients differ more", where(func(c *Config) bool { return c.Data.Partition == "dirichlet" })},
	{"data.crop", func(c *Config) any { return &c.Data.Crop }, between(0, most), "training: shift images by up to so many pixels over black, anew each time; 0: off, 4 is usual", where(func(c *Config) bool { return c.Data.Crop != 0 })},
	{"data.flip", func(c *Config) any { return &c.Data.Flip }, booleans, "training: mirror half of the images left to right, anew each time", where(func(c *Config) bool { return c.Data.Flip })},

	{"model.name", func(c *Config) any { return &c.Model.Name }, oneOf(models.Names()...), "architecture", always},
	{"model.widths", func(c *Config) any { return &c.Model.Widths }, upTo(mostLayers, 1, mostUnits), "mlp: units of each hidden layer", where(ofModel("mlp"))},
	{"model.stem", func(c *Config) any { return &c.Model.Stem }, oneOf(models.Stems()...), "resnet18: 7×7, stride 2 and a pool, or 3×3 for small images", where(ofModel("resnet18"))},
	{"model.dropout", func(c *Config) any { return &c.Model.Dropout }, share(), "probability that a unit is dropped, where the model has dropout", always},
	{"model.eval_dropout", func(c *Config) any { return &c.Model.EvalDropout }, booleans, "keep dropping units in evaluation", always},
	{"model.buffers", func(c *Config) any { return &c.Model.Buffers }, oneOf("mean", "median"), "batch norm: how the clients' statistics of a step become one", where(ofModel("resnet18"))},
	{"model.eval_batch_stats", func(c *Config) any { return &c.Model.EvalBatchStats }, booleans, "batch norm: evaluate by each batch's own statistics, not running averages", where(ofModel("resnet18"))},
	{"model.eval_batch", func(c *Config) any { return &c.Model.EvalBatch }, between(1, most), "samples a batch in evaluation; the test set's last batch is filled up with its first images", before(80)},
	{"model.conv", func(c *Config) any { return &c.Model.Conv }, oneOf("auto", "direct"), "convolutions: auto: with fewer multiplications where that is faster; direct: by definition, to the bit as in records that have no such key", before("direct")},
	{"model.init", func(c *Config) any { return &c.Model.Init }, anything("a file"), "safetensors file, with PyTorch's names, of initial parameters; empty: drawn", where(never)},

	{"corruption.feature.kind", func(c *Config) any { return &c.Corruption.Feature.Kind }, oneOf(corrupt.FeatureNames()...), "what happens to images", always},
	{"corruption.feature.fraction", func(c *Config) any { return &c.Corruption.Feature.Fraction }, share(), "ψ, the share of clients or samples corrupted", always},
	{"corruption.feature.level", func(c *Config) any { return &c.Corruption.Feature.Level }, oneOf(levelNames...), "a share of the clients, wholly, or of every client's samples", always},
	{"corruption.feature.members", func(c *Config) any { return &c.Corruption.Feature.Members }, oneOf(memberNames...), "who: drawn once, drawn anew each step, or the first", always},
	{"corruption.feature.count", func(c *Config) any { return &c.Corruption.Feature.Count }, oneOf(countNames...), "how ψn is rounded", always},
	{"corruption.feature.std", func(c *Config) any { return &c.Corruption.Feature.Std }, positive(), "additive: σ of the noise; 1 is the space's white", always},
	{"corruption.feature.clip", func(c *Config) any { return &c.Corruption.Feature.Clip }, booleans, "clip corrupt values to [0, white]", always},
	{"corruption.feature.amount", func(c *Config) any { return &c.Corruption.Feature.Amount }, openClosed(0, 1), "impulse: probability that a pixel becomes black or white", always},
	{"corruption.feature.space", func(c *Config) any { return &c.Corruption.Feature.Space }, oneOf("image", "whitened"), "image: before whitening, white is 1; whitened: after, white counts as 255", always},

	{"corruption.label.kind", func(c *Config) any { return &c.Corruption.Label.Kind }, oneOf(corrupt.LabelNames()...), "what happens to labels", always},
	{"corruption.label.fraction", func(c *Config) any { return &c.Corruption.Label.Fraction }, share(), "ψ, the share of clients or samples corrupted", always},
	{"corruption.label.level", func(c *Config) any { return &c.Corruption.Label.Level }, oneOf(levelNames...), "a share of the clients, wholly, or of every client's samples", always},
	{"corruption.label.members", func(c *Config) any { return &c.Corruption.Label.Members }, oneOf(memberNames...), "who: drawn once, drawn anew each step, or the first", always},
	{"corruption.label.count", func(c *Config) any { return &c.Corruption.Label.Count }, oneOf(countNames...), "how ψn is rounded", always},
	{"corruption.label.target", func(c *Config) any { return &c.Corruption.Label.Target }, between(0, 255), "backdoor: the class that corrupt samples are labelled as", always},

	{"corruption.gradient.kind", func(c *Config) any { return &c.Corruption.Gradient.Kind }, oneOf(corrupt.GradientNames()...), "what happens to rows of G, the clients' gradients", always},
	{"corruption.gradient.fraction", func(c *Config) any { return &c.Corruption.Gradient.Fraction }, share(), "ψ, the share of rows corrupted", always},
	{"corruption.gradient.members", func(c *Config) any { return &c.Corruption.Gradient.Members }, oneOf("fixed", "redrawn", "first", "numpy"), "who: as above; numpy: NumPy's seed 1 at every step fixes rows and noise", always},
	{"corruption.gradient.count", func(c *Config) any { return &c.Corruption.Gradient.Count }, oneOf(countNames...), "how ψn is rounded", always},
	{"corruption.gradient.std", func(c *Config) any { return &c.Corruption.Gradient.Std }, positive(), "additive, gaussian: σ of the noise on every coordinate", always},
	{"corruption.gradient.scale", func(c *Config) any { return &c.Corruption.Gradient.Scale }, positive(), "bitflip: g becomes −scale·g", always},
	{"corruption.gradient.z", func(c *Config) any { return &c.Corruption.Gradient.Z }, from(0), "alie: g becomes the honest rows' mean − z·σ; 0: the largest z that hides", where(func(c *Config) bool { return c.Corruption.Gradient.Kind == "alie" })},
	{"corruption.gradient.epsilon", func(c *Config) any { return &c.Corruption.Gradient.Epsilon }, positive(), "ipm: g becomes −epsilon times the honest rows' mean", where(func(c *Config) bool { return c.Corruption.Gradient.Kind == "ipm" })},

	{"aggregator.rule", func(c *Config) any { return &c.Aggregator.Rule }, oneOf(agg.Names()...), "how rows become one step: see bgmd rules", always},
}, optionSettings("solver", "pivot"), []setting{
	{"aggregator.pre", func(c *Config) any { return &c.Aggregator.Pre }, oneOf(append([]string{agg.NoPre}, agg.PreNames()...)...), "what changes the rows before the rule: see bgmd rules", where(never)},
}, optionSettings("bucket", ""), []setting{
	{"aggregator.non_finite", func(c *Config) any { return &c.Aggregator.NonFinite }, oneOf("refuse", "drop"), "rows with NaN or Inf: end the run as diverged, or leave them out", where(never)},
	{"aggregator.block.fraction", func(c *Config) any { return &c.Aggregator.Block.Fraction }, openClosed(0, 1), "β = k/d; 1: all coordinates, no block and no memory", always},
	{"aggregator.block.select", func(c *Config) any { return &c.Aggregator.Block.Select }, oneOf(agg.Selections()...), "how the k coordinates are chosen", always},
	{"aggregator.block.memory", func(c *Config) any { return &c.Aggregator.Block.Memory }, oneOf(agg.Memories()...), "what becomes of the coordinates left out", always},

	{"optimizer.kind", func(c *Config) any { return &c.Optimizer.Kind }, oneOf("sgd", "adam"), "how the aggregate becomes a step, as PyTorch's SGD or Adam", where(func(c *Config) bool { return c.Optimizer.Kind != "sgd" })},
	{"optimizer.lr", func(c *Config) any { return &c.Optimizer.LR }, positive(), "γ at the start", always},
	{"optimizer.momentum", func(c *Config) any { return &c.Optimizer.Momentum }, share(), "sgd: μ; 0: plain gradient descent", always},
	{"optimizer.nesterov", func(c *Config) any { return &c.Optimizer.Nesterov }, booleans, "sgd: step along u + μv instead of v", always},
	{"optimizer.weight_decay", func(c *Config) any { return &c.Optimizer.WeightDecay }, from(0), "wd: u = aggregate + wd·x", always},
	{"optimizer.beta1", func(c *Config) any { return &c.Optimizer.Beta1 }, share(), "adam: decay of the running mean of u", where(func(c *Config) bool { return c.Optimizer.Kind == "adam" })},
	{"optimizer.beta2", func(c *Config) any { return &c.Optimizer.Beta2 }, share(), "adam: decay of the running mean of u²", where(func(c *Config) bool { return c.Optimizer.Kind == "adam" })},
	{"optimizer.eps", func(c *Config) any { return &c.Optimizer.Eps }, positive(), "adam: added to the root of that mean", where(func(c *Config) bool { return c.Optimizer.Kind == "adam" })},

	{"schedule.kind", func(c *Config) any { return &c.Schedule.Kind }, oneOf("constant", "step", "exponential", "cosine"), "how γ changes from epoch to epoch", always},
	{"schedule.factor", func(c *Config) any { return &c.Schedule.Factor }, openClosed(0, 1), "exponential, step: what γ is multiplied by", always},
	{"schedule.every", func(c *Config) any { return &c.Schedule.Every }, between(1, most), "step: epochs between two multiplications (exponential: always 1)", always},
	{"schedule.t_max", func(c *Config) any { return &c.Schedule.TMax }, between(0, most), "cosine: epochs from γ down to 0; 0: all after the warm-up", always},
	{"schedule.warmup", func(c *Config) any { return &c.Schedule.Warmup }, between(0, most), "first epochs, in which γ rises linearly; the schedule begins after them", where(func(c *Config) bool { return c.Schedule.Warmup != 0 })},
})

var booleans = anything("true, false")

// Names that no package exports a list of.
var (
	levelNames  = []string{"client", "sample"}
	memberNames = []string{"fixed", "redrawn", "first"}
	countNames  = []string{"floor", "ceil"}
)
