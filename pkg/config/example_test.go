package config_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/bgmd/bgmd/pkg/config"
)

// Load an experiment, change it, and check it again.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "krum.yaml")
	text := "data: {clients: 10}\ncorruption: {gradient: {kind: bitflip, fraction: 0.2}}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		fmt.Println(err)
		return
	}

	c, err := config.Load([]string{file}, []string{"aggregator.rule=krum"})
	fmt.Println(c.Name, c.Aggregator.Rule, c.Data.Clients, c.Optimizer.LR, err)

	c.Corruption.Gradient.Fraction = 0.4
	fmt.Println(c.Validate())

	c.Aggregator.Rule = "gm"
	fmt.Println(c.Validate())
	rule, err := c.Rule()
	fmt.Println(rule, err)
	// Output:
	// krum krum 10 0.01 <nil>
	// aggregator.rule cannot run: rule "krum": n = 10 clients and f = 4 corrupt, want n > 2f + 2
	// <nil>
	// gm(eps=1e-06) <nil>
}

// What is wrong is said all at once, with the place where it was written.
func ExampleLoad() {
	_, err := config.Load(nil, []string{"optimizer.momentun=0.5", "epochs=0"})
	fmt.Println(err)
	// Output:
	// --set optimizer.momentun=0.5: unknown key "optimizer.momentun", did you mean optimizer.momentum? (have kind, lr, momentum, nesterov, weight_decay, beta1, beta2, eps)
	// --set epochs=0: epochs is 0, want 1 to 100000
}
