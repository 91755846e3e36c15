package data_test

import (
	"fmt"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/data"
)

// The first batch of the first of eight clients.
func Example() {
	const seed, clients, batch = 1, 8, 32
	set, err := data.Load("synthetic", "data", seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	sampler, err := data.NewSampler(data.Partition{Kind: "iid", Clients: clients}, set.Train.Labels, batch, stream.Root(seed))
	if err != nil {
		fmt.Println(err)
		return
	}
	b := data.NewBatch(set.Shape, batch)
	set.Train.Fill(b, sampler.Indices(0, 0))
	b.Whiten(set.Mean, set.Std)
	fmt.Println(sampler.Steps(), "steps an epoch")
	fmt.Println(b.N, "images of", b.Shape)
	fmt.Println("class of the first:", set.ClassNames[b.Labels[0]])
	// Output:
	// 50 steps an epoch
	// 32 images of 1×28×28
	// class of the first: rows
}
