// Package config says what an experiment is. A [Config] holds every setting of one;
// this package reads it from files, checks it, writes it, and gives it a hash by which
// its record is found again. Package train runs it.
//
// # Reading
//
// [Load] reads YAML files and assignments such as optimizer.lr=0.1, as bgmd does:
//
//	c, err := config.Load([]string{"experiment.yaml"}, []string{"seed=2"})
//
// Each layer lies over the one before: [Defaults], the profile, the file that a file
// names as its base, the file, the assignments. A [Profile] is a protocol, such as the
// paper's: it sets every key that nobody has written, for the data set at hand. A program
// may as well start from [Defaults] or a Profile and set fields. [Merge] takes layers
// from elsewhere, as the pieces of a sweep's grid are.
//
// # Checking
//
// [Config.Validate] reports everything that is wrong at once, and [Config.Warnings] what
// is allowed but hardly meant. Load returns valid configs alone; a program that changes
// one calls Validate again, and package train does so in any case. A problem is a
// [KeyError]: the key, its value, what is allowed, and the keys beside it without which
// there would be no problem. [Config.Locate] adds where they were written.
//
// # Keys
//
// One table has a line for every key: its path, its field, what it allows, what it means
// and when it is written. Load, Validate, [Config.YAML], the hash, [Keys] and with it
// the program's manual all go by it. To add a key, add the field and its line. Options of
// aggregation rules need no line here: agg.Options is embedded, and its table, in package
// agg, makes the lines.
//
// # Writing
//
// [Config.YAML] is the whole config. No later profile can change it: read again, it gives
// an equal config. [Config.Hash] is the hash of the YAML without what does not decide the
// result, and names the record's [Config.Folder]. Both hold for ever: a new key is written
// only where its value differs from what the program did before the key existed.
//
// [bgmd] is Acharya et al., "Robust Training in High Dimensions via Block Coordinate
// Geometric Median Descent", AISTATS 2022.
package config

import (
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
)

// Config is one experiment: everything that decides its result, and nothing
// that does not, except Name, Workers and Data.Dir. [Keys] says what each field means
// and allows.
type Config struct {
	Name         string  // label for people and folders
	Profile      string  // a name of Profiles
	Seed         uint64  // root of every random stream
	Epochs       int     // passes over the training set
	Workers      int     // clients computed at once; 0 is one a core
	DivergedLoss float64 // a mean loss above it ends the run
	DivergedAt   string  // when the loss is checked: at an epoch's end, or at every step, too
	Data         Data
	Model        Model
	Corruption   Corruption
	Aggregator   Aggregator
	Optimizer    Optimizer
	Schedule     Schedule

	from *places // where the values were written; nil for a config that was not loaded
}

// Data says what is trained on and how it reaches the clients.
type Data struct {
	Set       string // a name of data.Names
	Dir       string // folder with one subfolder a set
	Partition string // a name of data.Partitions
	Clients   int    // n
	Batch     int    // samples a client a step

	Shards int     // shards: shards a client
	Alpha  float64 // dirichlet: concentration
	Crop   int     // padding of the random crop, 0 for none
	Flip   bool    // mirror images at random
}

// Model names an architecture and its options.
type Model struct {
	Name           string  // a name of models.Names
	Widths         []int   // mlp: units of each hidden layer
	Stem           string  // resnet18: a name of models.Stems
	Dropout        float64 // probability that a unit is dropped
	EvalDropout    bool    // keep dropping units in evaluation
	Buffers        string  // batch norm: mean or median of the clients' statistics
	EvalBatchStats bool    // batch norm: evaluate by the batch's statistics
	EvalBatch      int     // samples a batch in evaluation
	Conv           string  // auto or direct
	Init           string  // file of initial parameters; empty draws them
}

// Corruption holds one corruption of each kind; any may be "none". The
// settings of a kind that is "none" have no effect: they say how it would act.
type Corruption struct {
	Feature  Feature
	Label    Label
	Gradient Gradient
}

// Feature corrupts images.
type Feature struct {
	Kind string // a name of corrupt.FeatureNames
	corrupt.MemberOptions
	corrupt.FeatureOptions
}

// Label corrupts labels.
type Label struct {
	Kind string // a name of corrupt.LabelNames
	corrupt.MemberOptions
	corrupt.LabelOptions
}

// Gradient corrupts rows of G.
type Gradient struct {
	Kind string // a name of corrupt.GradientNames
	corrupt.RowMemberOptions
	corrupt.GradientOptions
}

// Aggregator names a rule of agg, its options, and what goes around it.
type Aggregator struct {
	Rule        string           // a name of agg.Names
	agg.Options                  // of the rule and of Pre; F −1 stands for as many rows as may be corrupt
	Pre         string           // none or a name of agg.PreNames
	NonFinite   string           // rows of NaN or Inf: refuse or drop
	Block       agg.BlockOptions // Fraction 1 aggregates all coordinates, without memory
}

// Optimizer is stochastic gradient descent or Adam, in PyTorch's form.
type Optimizer struct {
	Kind        string  // sgd or adam
	LR          float64 // γ at the start
	Momentum    float64 // sgd: μ
	Nesterov    bool    // sgd: step along u + μv, not v
	WeightDecay float64 // wd
	Beta1       float64 // adam: decay of the mean of u
	Beta2       float64 // adam: decay of the mean of u²
	Eps         float64 // adam: added to the root of that mean
}

// Schedule says how γ changes over the epochs.
type Schedule struct {
	Kind   string  // constant, step, exponential or cosine
	Factor float64 // exponential: γ is multiplied by it every epoch; step: …
	Every  int     // … every so many epochs
	TMax   int     // cosine: epochs of one half period; 0 is all after the warm-up
	Warmup int     // epochs in which γ rises before that
}
