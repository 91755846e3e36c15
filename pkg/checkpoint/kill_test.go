package checkpoint

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestKill kills a process that saves checkpoints without pause, and loads what
// it left.
func TestKill(t *testing.T) {
	const variable = "CHECKPOINT_TEST_SAVE_TO"
	if path := os.Getenv(variable); path != "" {
		saveForever(path)
	}
	program, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "run.safetensors")
	for i := range 5 {
		child := exec.Command(program, "-test.run", "^TestKill$")
		child.Env = append(os.Environ(), variable+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadByte(); err != nil { // the first checkpoint is there
			t.Fatal(err)
		}
		time.Sleep(time.Duration(7*i) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // "signal: killed"

		var s state
		tensors, err := Load(path, &s)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range tensors[0].Data {
			if int(v) != s.Epoch {
				t.Fatalf("state of epoch %d with parameters of epoch %v", s.Epoch, v)
			}
		}
	}
}

func saveForever(path string) {
	params := make([]float32, 200_000)
	for epoch := 0; ; epoch++ {
		for i := range params {
			params[i] = float32(epoch)
		}
		err := Save(path, []Tensor{{Name: "params", Shape: []int{len(params)}, Data: params}}, state{Epoch: epoch})
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		if epoch == 0 {
			os.Stdout.WriteString("\n")
		}
	}
}
