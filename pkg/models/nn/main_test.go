package nn

import (
	"log"
	"os"
	"testing"

	"github.com/bgmd/bgmd/internal/backend"
)

func TestMain(m *testing.M) {
	if err := backend.Use(); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}
