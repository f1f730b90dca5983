package sandbox

import (
	"context"
	"net"
	"net/http"
)

// Transport starts an HTTP server for h in this process, which runs until ctx ends. It
// returns a transport that connects to that server whatever the host is. No port is opened:
// the connections are pipes, on which client and server speak real HTTP.
func Transport(ctx context.Context, h http.Handler) *http.Transport {
	l := pipes{make(chan net.Conn), ctx.Done()}
	srv := &http.Server{Handler: h}
	t := &http.Transport{DialContext: l.dial, DialTLSContext: l.dial, MaxIdleConnsPerHost: 2048}
	go srv.Serve(l)
	context.AfterFunc(ctx, func() {
		t.CloseIdleConnections()
		srv.Close()
	})
	return t
}

// pipes is a [net.Listener] that accepts the connections that dial makes.
type pipes struct {
	conns chan net.Conn
	done  <-chan struct{}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "pipe" }
func (address) String() string  { return "sandbox" }
