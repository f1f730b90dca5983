package runsapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// maxDials is how many connections one attempt may open. net/http asks again,
// on a new connection and without end, when a server closes each one before it
// answers (HTTP/2 GOAWAY).
const maxDials = 4

var errManyDials = errors.New("the server closes each connection before it answers")

// newTransport returns net/http's transport with connections that are kept, as
// many as calls were in flight, so that none is opened twice. A connection that
// is still being opened ends with the call that it was opened for.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 2048
	t.OnProxyConnectResponse = proxyRefusal
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

// handshake makes a TLS connection of conn, within a time limit.
func handshake(ctx context.Context, conn net.Conn, address string, config *tls.Config, limit time.Duration) (net.Conn, error) {
	if config = config.Clone(); config == nil { // without HTTP/2
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(conn, config)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := secure.HandshakeContext(limited)
	if err == nil {
		return secure, nil
	}
	conn.Close()
	if limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: TLS handshake timeout", ErrTimeout)
	}
	return nil, err
}

// attempt is the context of one HTTP attempt. net/http detaches the context of a
// dial from that of its request, but keeps its values: by them joinAttempt finds
// the attempt again.
type attempt struct {
	context.Context
	answered atomic.Bool // from then on the connections that it opens are for others
	dials    atomic.Int32
}

type attemptKey struct{}

func (a *attempt) Value(key any) any {
	if key == (attemptKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// joinAttempt returns a context for a dial that also ends with the attempt that
// the dial is for, unless that was answered by then.
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
