package runsapi

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// trusting makes a client of an HTTPS server of the tests.
func trusting(t *testing.T, base string, certificate *httptest.Server, change ...func(*Config)) *Client {
	transport := newTransport(strings.Clone)
	transport.TLSClientConfig = certificate.Client().Transport.(*http.Transport).TLSClientConfig
	cfg := Config{BaseURL: base, Transport: transport}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A call that is cancelled leaves no connection behind that is still being opened.
func TestACancelledCallEndsItsHandshake(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		conn, err := l.Accept() // and never answer the handshake
		if err == nil {
			cancel()
			_, err = io.Copy(io.Discard, conn)
		}
		ended <- err
	}()
	c, err := New(Config{BaseURL: "https://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetRun(ctx, "t", "r"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-ended
}

func TestADialEndsWithItsAttemptUnlessThatWasAnswered(t *testing.T) {
	for _, answered := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		a := &attempt{Context: ctx}
		joined, release, err := joinAttempt(context.WithoutCancel(a))
		if err != nil {
			t.Fatal(err)
		}
		a.answered.Store(answered)
		cancel()
		if !answered {
			<-joined.Done()
		} else if joined.Err() != nil {
			t.Error("an answered attempt took the connection with it")
		}
		release()
	}
}

// An attempt knows whether it was answered, because a connection that is opened meanwhile
// is then left to other requests.
func TestAnAttemptKnowsWhetherItWasAnswered(t *testing.T) {
	for body, want := range map[string]bool{runJSON: true, "\x1f\x8b": false} {
		var a *attempt
		direct(t, func(r *http.Request) *http.Response {
			a = r.Context().Value(attemptKey{}).(*attempt)
			return response(200, []byte(body))
		}).GetRun(t.Context(), "t", "r")
		if a.answered.Load() != want || a.Err() == nil {
			t.Errorf("%q: answered %t, want %t, ended by %v", body, a.answered.Load(), want, a.Err())
		}
	}
}

func TestHTTP2(t *testing.T) {
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("%s", r.Proto)
		}
		answers(runJSON)(w, r)
	}))
	h.EnableHTTP2 = true
	h.StartTLS()
	defer h.Close()
	if _, err := trusting(t, h.URL, h).GetRun(t.Context(), "t", "r"); err != nil {
		t.Error(err)
	}
}

// HTTP/2 servers may refuse every request by GOAWAY: net/http would try again on
// a new connection without end.
func TestAServerThatClosesEachConnectionIsNotStormed(t *testing.T) {
	h := httptest.NewUnstartedServer(http.NotFoundHandler())
	h.EnableHTTP2 = true
	h.StartTLS()
	defer h.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", h.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var opened atomic.Int32
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			opened.Add(1)
			go func() {
				defer conn.Close()
				bufio.NewReader(conn).Discard(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
				conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})                         // SETTINGS
				conn.Write([]byte{0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) // GOAWAY, last stream 0, no error
				io.Copy(io.Discard, conn)
			}()
		}
	}()
	c := trusting(t, "https://"+l.Addr().String(), h, func(cfg *Config) { cfg.Timeout = 300 * time.Millisecond })
	if _, err := c.GetRun(t.Context(), "t", "r"); err == nil {
		t.Error("no error")
	}
	if n := opened.Load(); n < 1 || n > maxDials {
		t.Errorf("%d connections for one attempt", n)
	}
}

// Without HTTP/2, as GODEBUG=http2client=0 has it, net/http has no TLS settings.
func TestHandshakeWithoutSettings(t *testing.T) {
	client, server := net.Pipe()
	server.Close()
	if _, err := handshake(t.Context(), client, "host.example:443", nil, time.Second); err == nil {
		t.Error("no error")
	}
}
