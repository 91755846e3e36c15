package record_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/bgmd/bgmd/pkg/record"
)

// A run is created, trained epoch by epoch and closed; anyone can read it.
func Example() {
	out, err := os.MkdirTemp("", "runs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(out)

	dir := filepath.Join(out, "quickstart", "gm-seed-1")
	w, err := record.Create(dir, []byte("seed: 1\n"), record.Here())
	if err != nil {
		log.Fatal(err)
	}
	for epoch, accuracy := range []record.Float{10, 81.5, 84.25} {
		if err := w.Epoch(record.Epoch{Epoch: epoch, TestAccuracy: accuracy}); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(record.Outcome{Status: record.Finished}); err != nil {
		log.Fatal(err)
	}

	runs, err := record.ReadAll(out)
	if err != nil {
		log.Fatal(err)
	}
	for _, run := range runs {
		fmt.Println(run.Experiment(), run.Name(), run.Status(), run.Summary.BestTestAccuracy)
	}
	// Output: quickstart gm-seed-1 finished 84.25
}
