package config

// Config is one experiment: everything that decides its result, and nothing
// that does not, except Name, Workers and Data.Dir.
//
// A value is built in three layers, each over the one below: [Defaults], the
// profile's settings ([Profile]), and what the user wrote. What each key means
// and allows is in the table that [Keys] returns; [Config.Validate] checks it.
type Config struct {
	Name         string  // label for people and folders
	Profile      string  // a name of Profiles
	Seed         uint64  // root of every random stream
	Epochs       int     // passes over the training set
	Workers      int     // clients computed at once; 0 is one a core
	DivergedLoss float64 // a mean loss above it ends the run
	DivergedAt   string  // when it is looked at: at an epoch's end, or at every step, too
	Data         DataConfig
	Model        ModelConfig
	Corruption   CorruptionConfig
	Aggregator   AggregatorConfig
	Optimizer    OptimizerConfig
	Schedule     ScheduleConfig

	from *places // where the values were written; nil for a config that was not loaded
}

// DataConfig says what is trained on and how it reaches the clients.
type DataConfig struct {
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

// ModelConfig names an architecture and its options.
type ModelConfig struct {
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

// CorruptionConfig holds one corruption of each kind; any may be "none". The
// settings of a kind that is "none" have no effect: they say how it would act.
type CorruptionConfig struct {
	Feature  FeatureConfig
	Label    LabelConfig
	Gradient GradientConfig
}

// MembersConfig says who is corrupt: a fraction ψ of the clients of a step,
// whose whole batches are corrupted, or of the samples of every client's batch.
type MembersConfig struct {
	Fraction float64 // ψ
	Level    string  // client or sample
	Members  string  // fixed, redrawn or first
	Count    string  // floor or ceil of ψn
}

// FeatureConfig corrupts images.
type FeatureConfig struct {
	Kind string // none, additive or impulse
	MembersConfig
	Std    float64 // additive: σ of the noise, in units of the space's white
	Clip   bool    // clip corrupt values to [0, white]
	Amount float64 // impulse: probability that a pixel is replaced
	Space  string  // image: white is 1; whitened: white counts as 255
}

// LabelConfig corrupts labels.
type LabelConfig struct {
	Kind string // none or backdoor
	MembersConfig
	Target int // class that corrupt samples are labelled as
}

// GradientConfig corrupts rows of G.
type GradientConfig struct {
	Kind     string  // a name of corrupt.GradientNames
	Fraction float64 // ψ
	Members  string  // fixed, redrawn, first or, for corrupt.NumPyNames, numpy
	Count    string  // floor or ceil of ψn
	Std      float64 // additive, gaussian: σ of the noise on every coordinate
	Scale    float64 // bitflip: g becomes −Scale·g
	Z        float64 // alie: σs between the honest mean and g; 0 is corrupt.MaxZ
	Epsilon  float64 // ipm: g becomes −Epsilon times the honest mean
}

// AggregatorConfig names a rule of agg, its options and its block.
type AggregatorConfig struct {
	Rule    string  // a name of agg.Names
	Solver  string  // gm: gram, weiszfeld or vardi-zhang
	Stop    string  // gm: what Eps bounds, residual or step
	Eps     float64 // gm: stopping tolerance
	MaxIter int     // gm: most iterations
	OnFail  string  // gm, not converged: last or zero

	F          int     // corrupt rows that the rule assumes; −1 as many as there may be
	Beta       float64 // trimmed-mean, norm-clipping: share dropped; 0: F rows
	Keep       int     // multi-krum: rows averaged; 0: n − f − 2
	Tau        float64 // centred-clipping: radius
	Iterations int     // centred-clipping: steps a call
	Sigma      float64 // spectral-filter: honest standard deviation; 0: unknown
	Pivot      int     // monna: the trusted row
	Pre        string  // none or a name of agg.PreNames
	Bucket     int     // bucketing: rows averaged
	Radius     float64 // clip: norm
	NonFinite  string  // rows of NaN or Inf: refuse or drop

	Block BlockConfig
}

// BlockConfig wraps the rule in block coordinate selection with memory.
type BlockConfig struct {
	Fraction float64 // β = k/d; 1 aggregates all coordinates, without memory
	Select   string  // top-k, random or norm-proportional
	Memory   string  // none, mean, client or gm-weighted
}

// OptimizerConfig is stochastic gradient descent or Adam, in PyTorch's form.
type OptimizerConfig struct {
	Kind        string  // sgd or adam
	LR          float64 // γ at the start
	Momentum    float64 // sgd: μ
	Nesterov    bool    // sgd: step along u + μv, not v
	WeightDecay float64 // wd
	Beta1       float64 // adam: decay of the mean of u
	Beta2       float64 // adam: decay of the mean of u²
	Eps         float64 // adam: added to the root of that mean
}

// ScheduleConfig says how γ changes over the epochs.
type ScheduleConfig struct {
	Kind   string  // constant, step, exponential or cosine
	Factor float64 // exponential: γ is multiplied by it every epoch; step: …
	Every  int     // … every so many epochs
	TMax   int     // cosine: epochs of one half period; 0 is all after the warm-up
	Warmup int     // epochs in which γ rises before that
}
