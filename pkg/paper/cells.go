package paper

// row is a row as it is written here: cells in the order of [Aggregators].
type row struct {
	table   int
	dataSet string
	setting Setting
	paper   [4]Figure
	authors [4]Runs
}

func four[T any](sgd, cmd, bgmd, gmd T) [4]T { return [4]T{sgd, cmd, bgmd, gmd} }

func figure(accuracy, spread float64) Figure {
	return Figure{Accuracy: accuracy, Spread: spread}
}

// lost is a figure of runs that were lost.
func lost(accuracy, spread float64) Figure {
	return Figure{Accuracy: accuracy, Spread: spread, Lost: true}
}

func runs(n int, accuracy, deviation, best float64) Runs {
	return Runs{N: n, Accuracy: accuracy, Deviation: deviation, Best: best}
}

// gone stands for n runs that diverged, or one of them, in the first epoch.
func gone(n int) Runs { return Runs{N: n, Diverged: true} }

var (
	clean = Setting{}
	dash  = Figure{Diverged: true}
	none  = Runs{}
)

// printed are the tables of [bgmd], and below each row the public files. Of
// several block sizes the files' is the one whose accuracy the paper prints.
var printed = []row{

	// Table 2, fashion-mnist.
	{2, "fashion-mnist", clean,
		four(figure(89.39, 0.28), figure(83.82, 0.26), figure(89.25, 0.19), figure(88.98, 0.30)),
		four(runs(2, 89.52, 0.12, 89.55), runs(2, 83.82, 0.21, 84.37), runs(2, 89.38, 0.22, 89.50), runs(2, 89.08, 0.21, 89.19))},
	{2, "fashion-mnist", Setting{"gradient", "bitflip", 20},
		four(dash, figure(84.20, 0.02), figure(88.42, 0.16), figure(88.07, 0.05)),
		four(gone(2), runs(2, 84.09, 0.23, 84.38), runs(2, 88.41, 0.15, 88.53), runs(2, 88.16, 0.17, 88.31))},
	{2, "fashion-mnist", Setting{"gradient", "bitflip", 40},
		four(dash, figure(82.33, 1.60), figure(85.67, 0.09), figure(85.57, 0.09)),
		four(gone(2), runs(2, 82.39, 0.77, 82.87), runs(2, 85.69, 0.19, 86.00), runs(2, 85.40, 0.22, 85.85))},
	{2, "fashion-mnist", Setting{"gradient", "additive", 20},
		four(dash, figure(72.55, 0.16), figure(87.87, 0.33), figure(87.24, 0.16)),
		four(none, runs(2, 72.50, 0.37, 80.07), runs(2, 87.70, 0.24, 87.97), runs(2, 87.00, 0.22, 87.51))},
	{2, "fashion-mnist", Setting{"gradient", "additive", 40},
		four(dash, figure(41.04, 1.13), figure(88.29, 0.01), figure(83.89, 0.08)),
		four(none, runs(2, 41.67, 0.91, 76.39), runs(2, 88.47, 0.09, 88.69), runs(2, 80.81, 0.25, 85.08))},
	{2, "fashion-mnist", Setting{"feature", "additive", 20},
		four(dash, figure(82.38, 0.13), figure(86.76, 0.03), figure(86.63, 0.04)),
		four(gone(2), runs(3, 82.34, 0.26, 82.78), runs(2, 86.89, 0.05, 87.10), runs(2, 86.55, 0.07, 87.00))},
	{2, "fashion-mnist", Setting{"feature", "additive", 40},
		four(dash, figure(78.54, 0.65), figure(82.27, 0.06), figure(81.23, 0.03)),
		four(gone(2), runs(2, 78.09, 0.70, 78.56), runs(2, 81.95, 0.08, 82.32), runs(2, 81.19, 0.07, 81.39))},
	{2, "fashion-mnist", Setting{"feature", "impulse", 20},
		four(figure(79.18, 6.47), figure(82.59, 0.60), figure(86.91, 0.36), figure(86.23, 0.03)),
		four(runs(2, 79.30, 2.31, 79.47), runs(2, 82.64, 0.48, 82.88), runs(2, 86.73, 0.25, 87.06), runs(2, 86.53, 0.13, 86.67))},
	{2, "fashion-mnist", Setting{"feature", "impulse", 40},
		four(dash, figure(78.03, 0.73), figure(82.11, 0.73), figure(81.41, 0.12)),
		four(gone(2), runs(2, 77.98, 0.52, 78.36), runs(2, 81.81, 0.05, 81.94), runs(2, 81.62, 0.13, 81.88))},
	{2, "fashion-mnist", Setting{"label", "backdoor", 20},
		four(figure(86.99, 0.02), figure(76.38, 0.13), figure(88.97, 0.10), figure(88.26, 0.04)),
		four(runs(2, 87.12, 0.14, 87.51), runs(1, 76.06, 0.00, 76.73), runs(3, 88.99, 0.06, 89.18), runs(1, 88.80, 0.00, 89.12))},
	{2, "fashion-mnist", Setting{"label", "backdoor", 40},
		four(figure(73.01, 0.68), figure(60.85, 1.24), figure(84.69, 0.31), figure(81.32, 0.16)),
		four(runs(2, 72.74, 0.12, 73.33), runs(1, 62.01, 0.00, 64.39), runs(3, 84.67, 0.09, 84.98), runs(3, 81.06, 0.43, 81.52))},

	// Table 2, cifar-10.
	{2, "cifar-10", clean,
		four(figure(82.29, 1.32), figure(85.50, 1.43), figure(84.82, 0.76), figure(85.65, 0.48)),
		four(runs(1, 82.29, 0.00, 82.35), runs(1, 80.17, 0.00, 80.83), runs(1, 82.66, 0.00, 82.97), runs(1, 80.87, 0.00, 81.09))},
	{2, "cifar-10", Setting{"gradient", "bitflip", 20},
		four(dash, figure(80.87, 0.21), figure(87.56, 0.06), figure(88.07, 0.05)),
		four(gone(1), runs(1, 85.50, 0.00, 85.60), runs(1, 84.82, 0.00, 84.88), runs(1, 85.65, 0.00, 85.81))},
	{2, "cifar-10", Setting{"gradient", "bitflip", 40},
		four(dash, figure(77.41, 1.04), figure(82.66, 0.31), figure(80.81, 0.01)),
		four(none, runs(1, 77.41, 0.00, 77.48), runs(1, 84.82, 0.00, 84.85), runs(1, 84.67, 0.00, 84.84))},
	{2, "cifar-10", Setting{"gradient", "additive", 20},
		four(lost(20.70, 1.56), figure(54.75, 0.38), figure(83.84, 0.12), figure(82.40, 0.90)),
		four(none, none, none, none)},
	{2, "cifar-10", Setting{"gradient", "additive", 40},
		four(dash, figure(23.35, 6.13), figure(82.79, 0.68), figure(79.46, 0.24)),
		four(none, runs(1, 13.35, 0.00, 39.50), none, runs(1, 69.46, 0.00, 70.40))},

	// Table 3, mnist.
	{3, "mnist", clean,
		four(figure(99.27, 0.01), figure(98.83, 0.02), figure(99.09, 0.05), figure(99.24, 0.02)),
		four(runs(2, 99.24, 0.01, 99.24), runs(2, 98.83, 0.09, 98.88), runs(2, 99.09, 0.04, 99.13), runs(2, 99.24, 0.04, 99.24))},
	// The public files of these two settings have CMD in the folder bgmd and BGMD
	// in the folder cm, as their settings tell.
	{3, "mnist", Setting{"gradient", "bitflip", 20},
		four(lost(9.51, 1.77), figure(98.79, 0.01), figure(99.06, 0.02), figure(98.98, 0.01)),
		four(gone(2), runs(2, 98.80, 0.11, 98.81), runs(2, 99.06, 0.01, 99.06), runs(2, 98.98, 0.03, 99.03))},
	{3, "mnist", Setting{"gradient", "bitflip", 40},
		four(lost(9.60, 2.04), figure(93.69, 0.09), figure(97.89, 0.05), figure(98.11, 0.12)),
		four(gone(2), runs(2, 97.69, 0.13, 97.72), runs(2, 97.89, 0.02, 97.99), runs(2, 98.11, 0.06, 98.11))},
	{3, "mnist", Setting{"gradient", "additive", 20},
		four(lost(9.68, 0.11), figure(94.26, 0.03), figure(98.61, 0.01), figure(98.69, 0.01)),
		four(runs(2, 9.68, 0.12, 54.44), runs(2, 94.25, 0.45, 97.94), runs(2, 98.61, 0.03, 98.61), runs(2, 96.69, 0.09, 98.05))},
	{3, "mnist", Setting{"gradient", "additive", 40},
		four(lost(9.74, 0.12), figure(91.86, 0.03), figure(97.78, 0.27), figure(92.78, 0.04)),
		four(runs(2, 9.73, 0.48, 58.77), runs(2, 91.86, 0.01, 96.58), runs(2, 97.78, 0.27, 98.18), runs(2, 92.78, 0.36, 96.94))},
}
