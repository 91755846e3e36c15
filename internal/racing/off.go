//go:build !race

// Package racing tells tests whether the race detector is at work. It allocates
// where the program does not, sync.Pool forgets at random under it, and all memory
// takes several times as much.
package racing

// Enabled reports whether the program was built with -race.
const Enabled = false
