package runsapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// How much of a body is read: a success over its limit is an error, of an error
// body the rest is dropped.
const (
	maxBody      = 64 << 20
	maxErrorBody = 1 << 20
	margin       = 16 << 10 // that is read on, so that no secret at the cut is halved
)

// wholeAnswer is an [http.RoundTripper] that reads the body within the attempt:
// a reset in mid-body is then a failed attempt like any other, the time limit
// covers the body too, and no path is left on which a body stays open.
type wholeAnswer struct {
	next    http.RoundTripper
	timeout time.Duration
}

var errTooLarge = fmt.Errorf("%w: it is larger than %d MiB", ErrTooLarge, maxBody>>20)

func (w wholeAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	if w.timeout <= 0 {
		return w.read(req)
	}
	ctx, cancel := context.WithTimeout(req.Context(), w.timeout)
	defer cancel()
	resp, err := w.read(req.WithContext(ctx))
	if err != nil && ctx.Err() != nil && req.Context().Err() == nil {
		err = fmt.Errorf("%w: none within %s", ErrTimeout, w.timeout)
	}
	return resp, err
}

func (w wholeAnswer) read(req *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 {
		return nil, fmt.Errorf("HTTP %d is no answer to this request", resp.StatusCode)
	}
	if location := resp.Header.Get("Location"); location != "" {
		if _, err := req.URL.Parse(location); err != nil {
			resp.Header.Del("Location") // net/http would make an error of it that holds the whole URL
		}
	}
	limit := maxBody
	if !success(resp.StatusCode) {
		limit = maxErrorBody
	}
	body := buffers.Get().(*bytes.Buffer)
	body.Reset()
	if n := resp.ContentLength; n > 0 && n <= int64(limit) {
		body.Grow(int(n) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(io.LimitReader(resp.Body, int64(limit)+margin)); err != nil {
		readBody{body}.Close()
		return nil, bodyError(err)
	}
	if body.Len() > limit && limit == maxBody {
		return nil, errTooLarge
	}
	resp.Body = readBody{body}
	return resp, nil
}

// readBody is a body that is in memory. After Close its bytes are another's.
type readBody struct{ *bytes.Buffer }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (b readBody) Close() error {
	if b.Buffer != nil && b.Cap() <= 1<<20 {
		buffers.Put(b.Buffer)
	}
	return nil
}

func success(status int) bool { return status >= 200 && status < 300 }
