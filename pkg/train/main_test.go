package train

import (
	"os"
	"testing"

	"github.com/bgmd/bgmd/internal/backend"
)

func TestMain(m *testing.M) {
	backend.Use()
	os.Exit(m.Run())
}
