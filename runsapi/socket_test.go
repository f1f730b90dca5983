package runsapi

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// reset ends the connection with a TCP reset, after what was written so far.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// raw answers with bytes that net/http would not send.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, answer)
		conn.Close()
	}
}

// What a network does to a call, on a real socket. The first answer is the
// fault, and all that follow are a Run.
func TestFaultsOnASocket(t *testing.T) {
	soon := "Retry-After-Ms"
	for _, tc := range []struct {
		name  string
		fault http.HandlerFunc
		tries int32  // requests that the call takes
		want  string // "" is the Run, else a part of the error
	}{
		{"reset before the headers", func(w http.ResponseWriter, _ *http.Request) { reset(w) }, 2, ""},
		{"reset in mid-body", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":")
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}, 2, ""},
		{"closed in mid-body", raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":"), 2, ""},
		{"closed in mid-chunk", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"id\":"), 2, ""},
		{"no HTTP at all", raw("SSH-2.0-OpenSSH_9.2\r\n"), 2, ""},
		{"hang before the headers", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 2, ""},
		{"hang in mid-body", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, runJSON[:7])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, 2, ""},
		{"a slow trickle", func(w http.ResponseWriter, r *http.Request) {
			for tick := time.Tick(time.Millisecond); r.Context().Err() == nil; <-tick {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
			}
		}, 2, ""},
		{"101", raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), 2, ""},
		{"truncated JSON", answers(runJSON[:20]), 1, "cut short"},
		{"200 with HTML", answers("<html><title>Proxy</title></html>"), 1, "an HTML page: Proxy"},
		{"204", status(204, ""), 1, "the body is empty"},
		{"gzip that is none", status(200, runJSON, "Content-Encoding", "gzip"), 1, ""},
		{"101 of another kind", raw("HTTP/1.1 101 Switching Protocols\r\n\r\n"), 2, ""},
		{"429", status(429, "", soon, "1"), 2, ""},
		{"429 by seconds", status(429, "", "Retry-After", "0.001"), 2, ""},
		{"503 by date", status(503, "", "Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT", soon, "1"), 2, ""},
		{"503 for an hour", status(503, "", "Retry-After", "3600"), 1, "HTTP 503"},
		{"429 for an absurd time", status(429, "", "Retry-After", "1e308"), 1, "HTTP 429"},
		{"x-should-retry: false", status(500, "", "x-should-retry", "false"), 1, "HTTP 500"},
		{"x-should-retry: true", status(418, "", "x-should-retry", "true", soon, "1"), 2, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) == 1 {
					tc.fault(w, r)
				} else {
					answers(runJSON)(w, r)
				}
			}))
			defer h.Close()
			c, err := New(Config{BaseURL: h.URL, MaxRetries: 1, Timeout: 200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			run, err := c.GetRun(t.Context(), "t", "r")
			var e *Error
			switch {
			case requests.Load() != tc.tries:
				t.Errorf("%d requests, want %d, %v", requests.Load(), tc.tries, err)
			case tc.want == "" && (err != nil || run.RawJSON() != runJSON):
				t.Errorf("%q, %v", run.RawJSON(), err)
			case tc.want != "" && (!errors.As(err, &e) || !strings.Contains(e.Error(), tc.want)):
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

func TestManyCallsAtOnceShareFewConnections(t *testing.T) {
	var opened atomic.Int32
	h := httptest.NewUnstartedServer(answers(runJSON))
	h.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	h.Start()
	defer h.Close()
	c, err := New(Config{BaseURL: h.URL})
	if err != nil {
		t.Fatal(err)
	}
	const width, calls = 32, 50
	done := make(chan error)
	for range width {
		go func() {
			for i := range calls {
				if _, err := c.GetRun(t.Context(), "t", fmt.Sprint("r", i)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range width {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := opened.Load(); n > 2*width {
		t.Errorf("%d connections for %d calls, %d at once", n, width*calls, width)
	}
}
