package gemm

import (
	"strings"
	"testing"
)

func TestFromEnvironment(t *testing.T) {
	if err := Configured(); err != nil {
		t.Error(err)
	}
	if k, err := fromEnvironment("generic"); err != nil || k.String() != "generic" {
		t.Errorf("generic: got %v and error %v", k, err)
	}
	best, err := fromEnvironment("")
	if err != nil {
		t.Fatal(err)
	}
	got, err := fromEnvironment("sse")
	if err == nil || got.String() != best.String() {
		t.Fatalf("sse: got %v and error %v, want %v and an error", got, err, best)
	}
	for _, part := range []string{"BGMD_KERNELS", `"sse"`, "generic"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not mention %s", err, part)
		}
	}
}
