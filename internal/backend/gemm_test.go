//go:build !openblas

package backend

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	if k, err := choose("generic"); err != nil || k.String() != "generic" {
		t.Errorf("generic: got %v and error %v", k, err)
	}
	best, err := choose("")
	if err != nil {
		t.Fatal(err)
	}
	got, err := choose("sse")
	if err == nil || got.String() != best.String() {
		t.Fatalf("sse: got %v and error %v, want %v and an error", got, err, best)
	}
	for _, part := range []string{"BGMD_KERNELS", `"sse"`, "generic"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not mention %s", err, part)
		}
	}
}
