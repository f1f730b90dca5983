package runsapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// maxDials is how many connections one attempt may open. If a server closes every
// connection before it answers (HTTP/2 GOAWAY), net/http would go on opening new ones.
const maxDials = 4

var errManyDials = errors.New("the server closes each connection before it answers")

// newTransport returns a transport like net/http's default, with these differences. It
// keeps as many idle connections as there were calls in flight. And it stops opening a
// connection when the attempt for which it began to ends. What a proxy says of its refusal
// is redacted.
func newTransport(redact func(string) string) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 2048
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
		return proxyRefusal(resp, redact)
	}
	d := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, leave, err := joinAttempt(ctx)
		if err != nil {
			return nil, err
		}
		defer leave()
		return d.DialContext(ctx, network, address)
	}
	t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, leave, err := joinAttempt(ctx)
		if err != nil {
			return nil, err
		}
		defer leave()
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return handshake(ctx, conn, address, t.TLSClientConfig, t.TLSHandshakeTimeout)
	}
	return t
}

// handshake makes conn a TLS connection, within a time limit. If it fails, it closes conn.
func handshake(ctx context.Context, conn net.Conn, address string, config *tls.Config, limit time.Duration) (net.Conn, error) {
	if config = config.Clone(); config == nil { // without HTTP/2
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(conn, config)
	handshakeCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := secure.HandshakeContext(handshakeCtx)
	if err == nil {
		return secure, nil
	}
	conn.Close()
	if handshakeCtx.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: TLS handshake timeout", ErrTimeout)
	}
	return nil, err
}

// attempt is the context of one HTTP attempt. The context that net/http passes to a dial
// does not end with the request, but it has the values of the request's context: so
// joinAttempt can find the attempt.
type attempt struct {
	context.Context
	answered atomic.Bool // once it is, a connection that is still being opened is for other requests
	dials    atomic.Int32
}

type attemptKey struct{}

// Value returns the attempt itself for attemptKey.
func (a *attempt) Value(key any) any {
	if key == (attemptKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// joinAttempt returns a context for a dial. It ends with ctx, or with the attempt for which
// the dial began, unless the attempt has been answered by then. leave frees its resources.
func joinAttempt(ctx context.Context) (joined context.Context, leave func(), err error) {
	a, ok := ctx.Value(attemptKey{}).(*attempt)
	if !ok {
		return ctx, func() {}, nil
	}
	if a.dials.Add(1) > maxDials {
		return nil, nil, errManyDials
	}
	joined, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(a, func() {
		if !a.answered.Load() {
			cancel(context.Cause(a))
		}
	})
	return joined, func() { stop(); cancel(nil) }, nil
}
