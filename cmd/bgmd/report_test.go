package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestServe asks a server for its page and its data, and stops it.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out := &announced{url: make(chan string, 1)}
	ended := make(chan error, 1)
	go func() { ended <- servePage(ctx, out, "127.0.0.1:0", t.TempDir()) }()
	var url string
	select {
	case url = <-out.url:
	case err := <-ended:
		t.Fatalf("ended at once: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("no address after ten seconds")
	}
	for path, want := range map[string]string{"": `"live":true`, "data.json": `"runs":[]`, "other": "404 page not found"} {
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("GET /%s: %.100q, %v, want it to hold %q", path, body, err, want)
		}
		_ = response.Body.Close()
	}
	if response, err := http.Post(url, "text/plain", nil); err != nil || response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v, %v, want status 405", response, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// announced sends the address that is printed to a channel.
type announced struct{ url chan string }

func (a *announced) Write(p []byte) (int, error) {
	if found := regexp.MustCompile(`http://\S+/`).Find(bytes.TrimSpace(p)); found != nil {
		a.url <- string(found)
	}
	return len(p), nil
}
