package train

// Config is one experiment: everything that decides its result, and nothing
// that does not, except Workers and Data.Dir.
//
// A value is built in three layers, each over the one below: [Defaults], the
// profile's settings, and what the user wrote.
type Config struct {
	Name       string           `mapstructure:"name"`
	Profile    string           `mapstructure:"profile"`
	Seed       uint64           `mapstructure:"seed"`
	Epochs     int              `mapstructure:"epochs"`
	Workers    int              `mapstructure:"workers"`
	Data       DataConfig       `mapstructure:"data"`
	Model      ModelConfig      `mapstructure:"model"`
	Corruption CorruptionConfig `mapstructure:"corruption"`
	Aggregator AggregatorConfig `mapstructure:"aggregator"`
	Optimizer  OptimizerConfig  `mapstructure:"optimizer"`
	Schedule   ScheduleConfig   `mapstructure:"schedule"`
}

// DataConfig says what is trained on and how it reaches the clients.
type DataConfig struct {
	Set       string `mapstructure:"set"`       // a name of data.Names
	Dir       string `mapstructure:"dir"`       // folder with one subfolder a set
	Partition string `mapstructure:"partition"` // a name of data.Partitions
	Clients   int    `mapstructure:"clients"`   // n
	Batch     int    `mapstructure:"batch"`     // samples a client a step
}

// ModelConfig names an architecture and its options.
type ModelConfig struct {
	Name        string  `mapstructure:"name"`
	Dropout     float64 `mapstructure:"dropout"`      // probability that a unit is dropped
	EvalDropout bool    `mapstructure:"eval_dropout"` // keep dropping units in evaluation
}

// CorruptionConfig holds one corruption of each kind; any may be "none".
type CorruptionConfig struct {
	Feature  FeatureConfig  `mapstructure:"feature"`
	Label    LabelConfig    `mapstructure:"label"`
	Gradient GradientConfig `mapstructure:"gradient"`
}

// MembersConfig says who is corrupt: a fraction ψ of the clients of a step, or
// of the samples of every client's batch.
type MembersConfig struct {
	Fraction float64 `mapstructure:"fraction"` // ψ
	Level    string  `mapstructure:"level"`    // client or sample
	Members  string  `mapstructure:"members"`  // fixed, redrawn or first
	Count    string  `mapstructure:"count"`    // floor or ceil of ψn
}

// FeatureConfig corrupts images.
type FeatureConfig struct {
	Kind          string `mapstructure:"kind"` // none, additive or impulse
	MembersConfig `mapstructure:",squash"`
	Std           float64 `mapstructure:"std"`    // additive: σ on images in [0, 1]
	Clip          bool    `mapstructure:"clip"`   // additive: clip to [0, 1]
	Amount        float64 `mapstructure:"amount"` // impulse: probability that a pixel is replaced
	Space         string  `mapstructure:"space"`  // image or whitened
}

// LabelConfig corrupts labels.
type LabelConfig struct {
	Kind          string `mapstructure:"kind"` // none or backdoor
	MembersConfig `mapstructure:",squash"`
	Target        int `mapstructure:"target"` // class that corrupt samples are labelled as
}

// GradientConfig corrupts rows of G.
type GradientConfig struct {
	Kind     string  `mapstructure:"kind"` // none, additive or bitflip
	Fraction float64 `mapstructure:"fraction"`
	Members  string  `mapstructure:"members"` // fixed, redrawn, first or numpy
	Count    string  `mapstructure:"count"`
	Std      float64 `mapstructure:"std"`   // additive: σ
	Scale    float64 `mapstructure:"scale"` // bitflip: g becomes −scale·g
}

// AggregatorConfig names a rule of agg, its options and its block.
type AggregatorConfig struct {
	Rule    string      `mapstructure:"rule"`     // mean, cm or gm
	Solver  string      `mapstructure:"solver"`   // gm: gram, weiszfeld or vardi-zhang
	Eps     float64     `mapstructure:"eps"`      // gm: stopping tolerance
	MaxIter int         `mapstructure:"max_iter"` // gm: most iterations
	OnFail  string      `mapstructure:"on_fail"`  // gm, not converged: last or zero
	Block   BlockConfig `mapstructure:"block"`
}

// BlockConfig wraps the rule in block coordinate selection with memory.
type BlockConfig struct {
	Fraction float64 `mapstructure:"fraction"` // β = k/d; 1 aggregates all coordinates
	Select   string  `mapstructure:"select"`   // top-k, random or norm-proportional
	Memory   string  `mapstructure:"memory"`   // none, mean, client or gm-weighted
}

// OptimizerConfig is stochastic gradient descent in PyTorch's form.
type OptimizerConfig struct {
	LR          float64 `mapstructure:"lr"`       // γ at the start
	Momentum    float64 `mapstructure:"momentum"` // μ
	Nesterov    bool    `mapstructure:"nesterov"`
	WeightDecay float64 `mapstructure:"weight_decay"` // wd
}

// ScheduleConfig says how γ changes over the epochs.
type ScheduleConfig struct {
	Kind   string  `mapstructure:"kind"`   // constant, step, exponential or cosine
	Factor float64 `mapstructure:"factor"` // step, exponential: γ is multiplied by it …
	Every  int     `mapstructure:"every"`  // step: … every so many epochs
	TMax   int     `mapstructure:"t_max"`  // cosine: epochs of one half period
}
