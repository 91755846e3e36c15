package bounds

import "testing"

func TestCheck(t *testing.T) {
	if err := Check(Count{"n", 3, 3}, Count{"d", most, 1}); err != nil {
		t.Errorf("counts on their bounds: %v", err)
	}
	err := Check(Count{"n", 2, 3}, Count{"seeds", 1, 1}, Count{"d", most + 1, 1})
	const want = "n is 2, want at least 3\nd is 1000000001, want at most 1000000000"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
