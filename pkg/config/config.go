package config

// Config is one experiment: everything that decides its result, and nothing
// that does not, except Name, Workers and Data.Dir.
//
// A value is built in three layers, each over the one below: [Defaults], the
// profile's settings ([Profile]), and what the user wrote. What each key means
// and allows is in the table that [Keys] returns; [Config.Validate] checks it.
type Config struct {
	Name         string           `mapstructure:"name"`          // label for people and folders
	Profile      string           `mapstructure:"profile"`       // a name of Profiles
	Seed         uint64           `mapstructure:"seed"`          // root of every random stream
	Epochs       int              `mapstructure:"epochs"`        // passes over the training set
	Workers      int              `mapstructure:"workers"`       // clients computed at once; 0 is one a core
	DivergedLoss float64          `mapstructure:"diverged_loss"` // a mean loss above it ends the run
	DivergedAt   string           `mapstructure:"diverged_at"`   // when it is looked at: at an epoch's end, or at every step, too
	Data         DataConfig       `mapstructure:"data"`
	Model        ModelConfig      `mapstructure:"model"`
	Corruption   CorruptionConfig `mapstructure:"corruption"`
	Aggregator   AggregatorConfig `mapstructure:"aggregator"`
	Optimizer    OptimizerConfig  `mapstructure:"optimizer"`
	Schedule     ScheduleConfig   `mapstructure:"schedule"`
}

// DataConfig says what is trained on and how it reaches the clients.
type DataConfig struct {
	Set       string `mapstructure:"set"`       // a name of data.Names
	Dir       string `mapstructure:"dir"`       // folder with one subfolder a set
	Partition string `mapstructure:"partition"` // a name of data.Partitions
	Clients   int    `mapstructure:"clients"`   // n
	Batch     int    `mapstructure:"batch"`     // samples a client a step

	Shards int     `mapstructure:"shards"` // shards: shards a client
	Alpha  float64 `mapstructure:"alpha"`  // dirichlet: concentration
	Crop   int     `mapstructure:"crop"`   // padding of the random crop, 0 for none
	Flip   bool    `mapstructure:"flip"`   // mirror images at random
}

// ModelConfig names an architecture and its options.
type ModelConfig struct {
	Name           string  `mapstructure:"name"`             // a name of models.Names
	Widths         []int   `mapstructure:"widths"`           // mlp: units of each hidden layer
	Stem           string  `mapstructure:"stem"`             // resnet18: a name of models.Stems
	Dropout        float64 `mapstructure:"dropout"`          // probability that a unit is dropped
	EvalDropout    bool    `mapstructure:"eval_dropout"`     // keep dropping units in evaluation
	Buffers        string  `mapstructure:"buffers"`          // batch norm: mean or median of the clients' statistics
	EvalBatchStats bool    `mapstructure:"eval_batch_stats"` // batch norm: evaluate by the batch's statistics
	EvalBatch      int     `mapstructure:"eval_batch"`       // samples a batch in evaluation
	Conv           string  `mapstructure:"conv"`             // auto or direct
	Init           string  `mapstructure:"init"`             // file of initial parameters; empty draws them
}

// CorruptionConfig holds one corruption of each kind; any may be "none". The
// settings of a kind that is "none" have no effect: they say how it would act.
type CorruptionConfig struct {
	Feature  FeatureConfig  `mapstructure:"feature"`
	Label    LabelConfig    `mapstructure:"label"`
	Gradient GradientConfig `mapstructure:"gradient"`
}

// MembersConfig says who is corrupt: a fraction ψ of the clients of a step,
// whose whole batches are corrupted, or of the samples of every client's batch.
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
	Std           float64 `mapstructure:"std"`    // additive: σ of the noise, in units of the space's white
	Clip          bool    `mapstructure:"clip"`   // clip corrupt values to [0, white]
	Amount        float64 `mapstructure:"amount"` // impulse: probability that a pixel is replaced
	Space         string  `mapstructure:"space"`  // image: white is 1; whitened: white counts as 255
}

// LabelConfig corrupts labels.
type LabelConfig struct {
	Kind          string `mapstructure:"kind"` // none or backdoor
	MembersConfig `mapstructure:",squash"`
	Target        int `mapstructure:"target"` // class that corrupt samples are labelled as
}

// GradientConfig corrupts rows of G.
type GradientConfig struct {
	Kind     string  `mapstructure:"kind"`     // a name of corrupt.GradientNames
	Fraction float64 `mapstructure:"fraction"` // ψ
	Members  string  `mapstructure:"members"`  // fixed, redrawn, first or, for corrupt.NumPyNames, numpy
	Count    string  `mapstructure:"count"`    // floor or ceil of ψn
	Std      float64 `mapstructure:"std"`      // additive, gaussian: σ of the noise on every coordinate
	Scale    float64 `mapstructure:"scale"`    // bitflip: g becomes −Scale·g
	Z        float64 `mapstructure:"z"`        // alie: σs between the honest mean and g; 0 is corrupt.MaxZ
	Epsilon  float64 `mapstructure:"epsilon"`  // ipm: g becomes −Epsilon times the honest mean
}

// AggregatorConfig names a rule of agg, its options and its block.
type AggregatorConfig struct {
	Rule    string  `mapstructure:"rule"`     // a name of agg.Names
	Solver  string  `mapstructure:"solver"`   // gm: gram, weiszfeld or vardi-zhang
	Stop    string  `mapstructure:"stop"`     // gm: what Eps bounds, residual or step
	Eps     float64 `mapstructure:"eps"`      // gm: stopping tolerance
	MaxIter int     `mapstructure:"max_iter"` // gm: most iterations
	OnFail  string  `mapstructure:"on_fail"`  // gm, not converged: last or zero

	F          int     `mapstructure:"f"`          // corrupt rows that the rule assumes; −1 as many as there may be
	Beta       float64 `mapstructure:"beta"`       // trimmed-mean, norm-clipping: share dropped; 0: F rows
	Keep       int     `mapstructure:"keep"`       // multi-krum: rows averaged; 0: n − f − 2
	Tau        float64 `mapstructure:"tau"`        // centred-clipping: radius
	Iterations int     `mapstructure:"iterations"` // centred-clipping: steps a call
	Sigma      float64 `mapstructure:"sigma"`      // spectral-filter: honest standard deviation; 0: unknown
	Pivot      int     `mapstructure:"pivot"`      // monna: the trusted row
	Pre        string  `mapstructure:"pre"`        // none or a name of agg.PreNames
	Bucket     int     `mapstructure:"bucket"`     // bucketing: rows averaged
	Radius     float64 `mapstructure:"radius"`     // clip: norm
	NonFinite  string  `mapstructure:"non_finite"` // rows of NaN or Inf: refuse or drop

	Block BlockConfig `mapstructure:"block"`
}

// BlockConfig wraps the rule in block coordinate selection with memory.
type BlockConfig struct {
	Fraction float64 `mapstructure:"fraction"` // β = k/d; 1 aggregates all coordinates, without memory
	Select   string  `mapstructure:"select"`   // top-k, random or norm-proportional
	Memory   string  `mapstructure:"memory"`   // none, mean, client or gm-weighted
}

// OptimizerConfig is stochastic gradient descent or Adam, in PyTorch's form.
type OptimizerConfig struct {
	Kind        string  `mapstructure:"kind"`         // sgd or adam
	LR          float64 `mapstructure:"lr"`           // γ at the start
	Momentum    float64 `mapstructure:"momentum"`     // sgd: μ
	Nesterov    bool    `mapstructure:"nesterov"`     // sgd: step along u + μv, not v
	WeightDecay float64 `mapstructure:"weight_decay"` // wd
	Beta1       float64 `mapstructure:"beta1"`        // adam: decay of the mean of u
	Beta2       float64 `mapstructure:"beta2"`        // adam: decay of the mean of u²
	Eps         float64 `mapstructure:"eps"`          // adam: added to the root of that mean
}

// ScheduleConfig says how γ changes over the epochs.
type ScheduleConfig struct {
	Kind   string  `mapstructure:"kind"`   // constant, step, exponential or cosine
	Factor float64 `mapstructure:"factor"` // exponential: γ is multiplied by it every epoch; step: …
	Every  int     `mapstructure:"every"`  // … every so many epochs
	TMax   int     `mapstructure:"t_max"`  // cosine: epochs of one half period; 0 is all after the warm-up
	Warmup int     `mapstructure:"warmup"` // epochs in which γ rises before that
}
