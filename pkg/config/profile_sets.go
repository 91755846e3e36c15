package config

// protocol is a profile on a data set.
type protocol struct{ profile, set string }

// setProtocols lists what a profile sets differently on sets other than Fashion-MNIST.
var setProtocols = map[protocol]func(*Config){
	{"paper", "mnist"}:          paperMNIST,
	{"author-code", "mnist"}:    authorMNIST,
	{"corrected", "mnist"}:      authorMNIST,
	{"paper", "cifar-10"}:       paperCIFAR10,
	{"author-code", "cifar-10"}: authorCIFAR10,
	{"corrected", "cifar-10"}:   authorCIFAR10,
}

// paperMNIST sets what [bgmd, C.1] says of the runs behind its Table 3: learning
// rate 0.1, ×0.99 "after every round" as in [paper], weight decay 1e-5. It gives
// neither clients nor epochs: 10 × 64 and 10, as in its authors' public files. It
// does not speak of dropout, so there is none.
func paperMNIST(c *Config) {
	c.Epochs = 10
	c.Data.Clients, c.Data.Batch = 10, 64
	c.Model.Name, c.Model.Dropout = "mlp", 0
	c.Optimizer.LR = 0.1
}

// authorMNIST sets what the authors' public files say of the same: LeNet, not a
// perceptron, Adam with 1e-3 and weight decay 1e-5, a cosine over 100 epochs of
// which there are 10, so that the rate stays above 0.98e-3, 10 clients × 64, and up
// to 100 iterates of GM. None of this is a defect, so [corrected] has it too.
func authorMNIST(c *Config) {
	c.Epochs = 10
	c.Data.Clients, c.Data.Batch = 10, 64
	c.Aggregator.MaxIter = 100
	c.Optimizer.Kind, c.Optimizer.LR = "adam", 1e-3
	c.Schedule.Kind, c.Schedule.TMax = "cosine", 100
}

// paperCIFAR10 sets what [bgmd, 4 and C] says of CIFAR-10: 10 clients × 128, each
// with 4 of 40 shards sorted by label, learning rate 0.1 with cosine annealing,
// weight decay 1e-5 "common to all the settings", 200 epochs. It says nothing of
// momentum, which is as in [paper], and nothing of augmentation, which is off.
func paperCIFAR10(c *Config) {
	c.Epochs = 200
	c.Data.Partition, c.Data.Shards, c.Data.Clients, c.Data.Batch = "shards", 4, 10, 128
	c.Model.Name = "resnet18"
	c.Optimizer.LR = 0.1
	c.Schedule.Kind = "cosine"
}

// authorCIFAR10 sets what the authors' public files say of the same: clients
// with the same distribution, ResNet-18 with the stem for small images (11,173,962
// parameters), evaluation by the statistics of batches of 128, momentum 0.9 without
// Nesterov, weight decay 5e-4, 100 epochs, cosine over 100, and gradient noise of
// deviation 100, on the rows 2 and 4 of 10, or 2, 4, 5 and 7, which their generator
// draws at that number of parameters.
func authorCIFAR10(c *Config) {
	c.Epochs = 100
	c.Data.Clients, c.Data.Batch = 10, 128
	c.Model.Name, c.Model.Stem, c.Model.EvalBatch = "resnet18", "cifar", 128
	c.Corruption.Gradient.Std = 100
	c.Optimizer.LR, c.Optimizer.Nesterov, c.Optimizer.WeightDecay = 0.1, false, 5e-4
	c.Schedule.Kind, c.Schedule.TMax = "cosine", 100
}
