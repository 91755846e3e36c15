package train_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/train"
)

// A run on the synthetic set, which needs no files, stopped after three steps.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	c, err := config.Load(nil, []string{"data.set=synthetic", "model.name=mlp", "model.widths=[16]",
		"data.clients=10", "corruption.gradient.kind=bitflip", "corruption.gradient.fraction=0.2", "aggregator.rule=gm"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	summary, err := train.Run(ctx, c, filepath.Join(dir, c.Folder()), train.Options{Observe: func(p train.Progress) {
		if p.Epoch == 1 {
			fmt.Printf("step %d of %d\n", p.Step, p.Steps)
		}
		if p.Step == 3 {
			stop()
		}
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(summary.Status)
	// Output:
	// step 1 of 20
	// step 2 of 20
	// step 3 of 20
	// interrupted
}
