package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/whole"
	"github.com/bgmd/bgmd/pkg/evidence/page"
)

func newReportCommand() *cobra.Command {
	var results, out, serve string
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Make one page of all records: tables, figures, configurations, logs",
		Long: text(`
Make one HTML page of the records below --results: the paper's tables with what
was measured, figures to explore (hover, hide a line, change the axes), and every
run's configuration, environment and log, with filters by profile, data set,
corruption and aggregator. The page is made of the records alone and needs no
network.

With --serve the page is served instead and follows a sweep as it goes on; Ctrl-C
ends it.`),
		Example: text(`
  bgmd report
  bgmd report --results runs -o runs.html
  bgmd report --results runs --serve
  bgmd report --results runs --serve=127.0.0.1:9000`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Stat(results); err != nil {
				return &inputError{fmt.Errorf("--results: %w", err)}
			}
			if cmd.Flags().Changed("serve") {
				return servePage(cmd.Context(), cmd.OutOrStdout(), serve, results)
			}
			data := page.Read(results)
			for _, b := range data.LeftOut {
				fmt.Fprintf(cmd.ErrOrStderr(), "bgmd: left out: %s\n", b)
			}
			html, err := data.HTML()
			if err != nil {
				return err
			}
			if err := whole.Write(out, html); err != nil {
				return err
			}
			unsealed := ""
			if n := data.Unsealed(); n > 0 {
				unsealed = fmt.Sprintf(", %d of them unsealed: of a version that kept no sums of a record's files", n)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d runs%s\n", out, len(data.Runs), unsealed)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&results, "results", "results", "`folder` below which records are looked for")
	f.StringVarP(&out, "out", "o", "report.html", "`file` to write")
	f.StringVar(&serve, "serve", "", "serve the page at this `address`, as it is at each moment (alone: 127.0.0.1:8080)")
	f.Lookup("serve").NoOptDefVal = "127.0.0.1:8080"
	if err := cmd.MarkFlagDirname("results"); err != nil {
		panic(err) // no such flag: a mistake in this function
	}
	return cmd
}

// servePage serves the page until ctx ends, reading the records at each request.
func servePage(ctx context.Context, out io.Writer, address, results string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--serve: %w", err)
	}
	server := &http.Server{Handler: pages(results), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintf(out, "http://%s/ (Ctrl-C ends it)\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("--serve: %w", err)
	}
	return nil
}

// pages answers GET / with the page and GET /data.json with what is in it.
func pages(results string) http.Handler {
	mux := http.NewServeMux()
	answer := func(kind string, render func(*page.Data) ([]byte, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			data := page.Read(results)
			data.Live = true
			body, err := render(data)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write(body) // the reader may be gone
		}
	}
	mux.HandleFunc("GET /{$}", answer("text/html; charset=utf-8", (*page.Data).HTML))
	mux.HandleFunc("GET /data.json", answer("application/json", (*page.Data).JSON))
	return mux
}
