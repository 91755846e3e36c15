package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// serving is bgmd report --serve at work on an empty folder.
func serving(t *testing.T, address string) (url string, warning *bytes.Buffer) {
	t.Helper()
	s, err := newPageServer(address, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	out := &announced{url: make(chan string, 1)}
	warning = &bytes.Buffer{}
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetOut(out)
	cmd.SetErr(warning)
	ended := make(chan error, 1)
	go func() { ended <- s.run(cmd) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("stopped with %v", err)
		}
	})
	select {
	case url = <-out.url:
	case err := <-ended:
		ended <- err
		t.Fatalf("ended at once: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("no address after ten seconds")
	}
	return url, warning
}

// TestServe asks a server for its page and its data, and stops it.
func TestServe(t *testing.T) {
	url, warning := serving(t, "127.0.0.1:0")
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
	if warning.Len() > 0 {
		t.Errorf("warning: %s", warning)
	}
}

// TestServeKnowsItsNames asks for the records by names that DNS could lead here.
func TestServeKnowsItsNames(t *testing.T) {
	url, _ := serving(t, ":0") // no host: this machine alone
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("serves at %s, want a loopback address", url)
	}
	for host, want := range map[string]int{
		"127.0.0.1:80": 200, "localhost": 200, "LOCALHOST:8080": 200, "[::1]:8080": 200, "127.8.8.8": 200,
		"attacker.example": 403, "attacker.example:80": 403, "127.0.0.1.attacker.example": 403, "localhost.attacker.example": 403,
		"10.1.2.3": 403, "0.0.0.0": 403, "[::]": 403,
	} {
		for _, path := range []string{"", "data.json", "other"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if got := response.StatusCode; got != want && (path != "other" || want == 403) {
				t.Errorf("Host %s, /%s: status %d, want %d", host, path, got, want)
			}
		}
	}
}

func TestServeElsewhere(t *testing.T) {
	url, warning := serving(t, "0.0.0.0:0")
	if !strings.HasPrefix(warning.String(), "bgmd: --serve: whoever reaches 0.0.0.0:") {
		t.Errorf("for every interface it says %q", warning)
	}
	s := &pageServer{host: "there.example"}
	local := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3)}
	for host, want := range map[string]bool{"there.example:80": true, "10.1.2.3:80": true, "10.1.2.4": false, "example": false} {
		if got := s.called(host, local); got != want {
			t.Errorf("%s, called %s: %v, want %v", url, host, got, want)
		}
	}
	for _, address := range []string{"", "8080", "nonsense"} {
		want := fmt.Sprintf("--serve is %q, want HOST:PORT such as 127.0.0.1:8080", address)
		if _, err := newPageServer(address, "."); err == nil || err.Error() != want || !errors.Is(err, errConfig) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// A connection beyond the bound waits until another is closed.
func TestServeHasFewConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limit(inner, 2)
	taken := make(chan net.Conn)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				close(taken)
				return
			}
			taken <- conn
		}
	}()
	for range 3 {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	first := <-taken
	second := <-taken
	select {
	case <-taken:
		t.Fatal("a third connection was taken")
	case <-time.After(100 * time.Millisecond):
	}
	_ = first.Close()
	_ = first.Close() // gives back one place, not two
	third := <-taken
	_ = inner.Close()
	_ = second.Close()
	_ = third.Close()
	if _, more := <-taken; more {
		t.Error("a fourth connection was taken")
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
