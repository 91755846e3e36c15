package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/report"
)

// pageServer serves the page of the records below a folder, reading them at each
// request.
type pageServer struct {
	results string
	host    string // of the address, as given; a loopback one where none was
	port    string
}

// newPageServer reads an address, HOST:PORT or :PORT.
func newPageServer(address, results string) (*pageServer, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &configError{fmt.Errorf("--serve is %q, want HOST:PORT such as 127.0.0.1:8080", address)}
	}
	if host == "" { // to net.Listen it is every interface
		host = "127.0.0.1"
	}
	return &pageServer{results, host, port}, nil
}

// Bounds on what clients may ask of the server.
const (
	mostConnections = 64
	slowestClient   = time.Minute
)

// run serves until the command's context ends.
func (s *pageServer) run(cmd *cobra.Command) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(s.host, s.port))
	if err != nil {
		return fmt.Errorf("--serve: %w", err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String()) // the one chosen, for port 0
	address := net.JoinHostPort(s.host, port)
	if at, ok := listener.Addr().(*net.TCPAddr); ok && !at.IP.IsLoopback() {
		fmt.Fprintf(cmd.ErrOrStderr(), "bgmd: --serve: whoever reaches %s can read every record in %s\n", address, s.results)
	}
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      slowestClient,
		IdleTimeout:       slowestClient,
		MaxHeaderBytes:    16 << 10,
	}
	ctx, stop := stopSignals(cmd.Context())
	defer stop()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintf(cmd.OutOrStdout(), "http://%s/ (Ctrl-C ends it)\n", address)
	if err := server.Serve(limit(listener, mostConnections)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("--serve: %w", err)
	}
	return nil
}

// handler answers GET / with the page and GET /data.json with what is in it.
func (s *pageServer) handler() http.Handler {
	mux := http.NewServeMux()
	answer := func(kind string, render func(*report.Data) ([]byte, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			data := report.Read(s.results)
			data.Live = true
			body, err := render(data)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			h := w.Header()
			h.Set("Content-Type", kind)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Cache-Control", "no-store")
			_, _ = w.Write(body) // the reader may be gone
		}
	}
	mux.HandleFunc("GET /{$}", answer("text/html; charset=utf-8", (*report.Data).HTML))
	mux.HandleFunc("GET /data.json", answer("application/json", (*report.Data).JSON))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if !s.called(r.Host, local) {
			http.Error(w, fmt.Sprintf("this server is not called %q", r.Host), http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// called tells whether a request's Host is a name of this server: the host that
// was given, localhost, a loopback address, or the address that the request came
// to. Whoever owns another name can let it lead here, and a page of theirs would
// then read the records in the name of a visitor (DNS rebinding).
func (s *pageServer) called(host string, local *net.TCPAddr) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, s.host) || strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || local != nil && ip.Unmap() == local.AddrPort().Addr().Unmap())
}

// limit returns a listener that has at most n connections open; more wait.
func limit(l net.Listener, n int) net.Listener {
	return &limitedListener{l, make(chan struct{}, n)}
}

type limitedListener struct {
	net.Listener
	open chan struct{} // holds one for each connection
}

// Accept waits for a place before it takes a connection.
func (l *limitedListener) Accept() (net.Conn, error) {
	l.open <- struct{}{}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.open
		return nil, err
	}
	return &limitedConn{Conn: conn, done: sync.OnceFunc(func() { <-l.open })}, nil
}

type limitedConn struct {
	net.Conn
	done func()
}

// Close gives the place back, once.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.done()
	return err
}
