package download

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/bgmd/bgmd/internal/safefile"
)

// transfer appends to part what it lacks of the file at url, or, if the server
// cannot go on with it, starts anew. It reports whether what is there now began
// before.
func (g *Getter) transfer(ctx context.Context, url, part string) (continued bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(cmp.Or(g.Stall, time.Minute), func() { cancel(errSilent) })
	defer silence.Stop()

	file, have, err := openPart(part)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	reply, err := ask(ctx, url, have)
	if err != nil {
		return false, reason(ctx, err)
	}
	defer reply.Body.Close()
	switch code := reply.StatusCode; {
	case code == http.StatusPartialContent && have > 0 && startsAt(reply, have):
	case code == http.StatusOK, code == http.StatusPartialContent, code == http.StatusRequestedRangeNotSatisfiable && have > 0:
		if have > 0 {
			g.Say(fmt.Sprintf("cannot continue %s (the server starts over), starting again", part))
		}
		have = 0
		if err := file.Truncate(0); err != nil {
			return false, err
		}
		if code != http.StatusOK {
			return false, errStartAgain
		}
	default:
		return false, statusError(code)
	}
	total := reply.ContentLength
	if total >= 0 {
		total += have
	}
	if total > maxBytes {
		return false, fmt.Errorf("the file has %d bytes, want at most %d", total, maxBytes)
	}
	news := &watched{g: g, body: reply.Body, silence: silence, done: have, total: total}
	n, err := io.Copy(file, io.LimitReader(news, maxBytes+1-have))
	switch {
	case err != nil:
		return have > 0, reason(ctx, err)
	case have+n > maxBytes:
		return have > 0, errors.Join(fmt.Errorf("the file has more than %d bytes", maxBytes), file.Truncate(0))
	}
	return have > 0, file.Sync()
}

// openPart opens a .part file to append to it, and returns its size.
func openPart(path string) (*os.File, int64, error) {
	file, err := safefile.OpenOwn(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// ask asks a server for a file from the byte at have on.
func ask(ctx context.Context, url string, have int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "bgmd")
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // the files are zipped, and stay so
	transport.DisableKeepAlives = true
	client := http.Client{Transport: transport, CheckRedirect: checkRedirect}
	return client.Do(request)
}

func checkRedirect(request *http.Request, via []*http.Request) error {
	if s := request.URL.Scheme; s != "http" && s != "https" {
		return fmt.Errorf("redirected to %s, want http or https", request.URL)
	}
	if len(via) >= 10 {
		return errors.New("redirected 10 times")
	}
	return nil
}

// startsAt reports whether the part of a file that the server sends starts at the
// given byte.
func startsAt(reply *http.Response, at int64) bool {
	return strings.HasPrefix(reply.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", at))
}

// watched is a reply's body that reports progress, and fails when nothing comes.
type watched struct {
	g           *Getter
	body        io.Reader
	silence     *time.Timer
	done, total int64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	if n > 0 {
		w.silence.Reset(cmp.Or(w.g.Stall, time.Minute))
		w.done += int64(n)
		if w.g.Progress != nil {
			w.g.Progress(w.done, w.total)
		}
	}
	return n, err
}

var (
	errSilent     = errors.New("timed out: the server is silent")
	errCutOff     = errors.New("transfer cut off")
	errStartAgain = errors.New("the server cannot continue")
)

// statusError is a reply that is no file.
type statusError int

func (e statusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("HTTP status %d %s", int(e), http.StatusText(int(e))))
}

// reason is an error of a transfer without the URL.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		return cause
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errCutOff
	}
	if inURL, ok := errors.AsType[*url.Error](err); ok {
		return inURL.Err
	}
	return err
}

// transient reports whether a transfer that ended like this may do better next
// time, at the same server.
func transient(err error) bool {
	if status, ok := errors.AsType[statusError](err); ok {
		return status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok {
		return dial.Op != "dial"
	}
	return errors.Is(err, errCutOff) || errors.Is(err, errSilent) || errors.Is(err, errStartAgain)
}
