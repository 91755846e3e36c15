//go:build openblas

package models

import (
	"os"
	"testing"

	"github.com/bgmd/bgmd/internal/openblas"
)

func TestMain(m *testing.M) {
	openblas.Use()
	os.Exit(m.Run())
}
