package runsapi

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// certificate makes a certificate for host, which is its own issuer.
func certificate(t *testing.T, host string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Corp Root"}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// tlsServer serves runs with cert, and a transport that trusts it, if it is to be.
func tlsServer(t *testing.T, cert tls.Certificate, trusted bool) (base string, transport *http.Transport) {
	t.Helper()
	s := httptest.NewUnstartedServer(answers(runJSON))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	t.Cleanup(s.Close)
	transport = newTestTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	if trusted {
		transport.TLSClientConfig.RootCAs.AddCert(cert.Leaf)
	}
	return s.URL, transport
}

func newTestTransport() *http.Transport {
	t := newTransport(strings.Clone)
	t.Proxy = nil
	t.DisableKeepAlives = true
	return t
}

// through is a transport that uses the proxy.
func through(t *testing.T, proxy string) *http.Transport {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	transport := newTestTransport()
	transport.Proxy = http.ProxyURL(u)
	return transport
}

// server serves one raw answer per connection, on loopback.
func server(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.Read(make([]byte, 4096))
				serve(c)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func says(answer string) func(net.Conn) {
	return func(c net.Conn) { io.WriteString(c, answer) }
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// Failures of the network as net/http really tells of them.
func TestNetworkFailuresAreToldApart(t *testing.T) {
	year := time.Now().Add(24 * time.Hour)
	var zipped strings.Builder
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, `{"id":"r","status":"queued","x":"`+strings.Repeat("abc", 1000)+`"}`)
	z.Close()
	gzipped := func(body string) func(net.Conn) {
		return says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	}
	for _, tc := range []struct {
		name string
		kind error // nil: none of them
		want string
		dial func(t *testing.T) (base string, transport *http.Transport)
	}{
		{"unknown issuer", ErrUnknownIssuer, `issued by "CN=Corp Root"`, func(t *testing.T) (string, *http.Transport) {
			return tlsServer(t, certificate(t, "127.0.0.1", year), false)
		}},
		{"wrong host", ErrCertificate, "wrong host: x509", func(t *testing.T) (string, *http.Transport) {
			return tlsServer(t, certificate(t, "other.example", year), true)
		}},
		{"expired", ErrCertificate, "expired or not yet valid", func(t *testing.T) (string, *http.Transport) {
			return tlsServer(t, certificate(t, "127.0.0.1", time.Now().Add(-time.Hour)), true)
		}},
		{"unknown issuer of the proxy", ErrUnknownIssuer, "of the proxy", func(t *testing.T) (string, *http.Transport) {
			proxy, transport := tlsServer(t, certificate(t, "127.0.0.1", year), false)
			transport.Proxy = http.ProxyURL(must(url.Parse(proxy)))
			return "https://api.example", transport
		}},
		{"dead proxy", ErrProxy, "connection refused", func(t *testing.T) (string, *http.Transport) { return "http://api.example", through(t, closedPort(t)) }},
		{"dead proxy for https", ErrProxy, "connection refused", func(t *testing.T) (string, *http.Transport) { return "https://api.example", through(t, closedPort(t)) }},
		{"proxy that refuses", ErrProxy, "it refused to connect, HTTP 403 Forbidden by policy", func(t *testing.T) (string, *http.Transport) {
			return "https://api.example", through(t, server(t, says("HTTP/1.1 403 Forbidden by policy\r\n\r\n")))
		}},
		{"proxy that wants a password", ErrProxy, `(Basic realm="corp"), HTTP 407`, func(t *testing.T) (string, *http.Transport) {
			return "https://api.example", through(t, server(t, says("HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"corp\"\r\n\r\n")))
		}},
		{"dead SOCKS proxy", ErrProxy, "connection refused", func(t *testing.T) (string, *http.Transport) {
			return "http://api.example", through(t, strings.Replace(closedPort(t), "http:", "socks5:", 1))
		}},
		{"SOCKS proxy that refuses", ErrProxy, "socks connect", func(t *testing.T) (string, *http.Transport) {
			return "http://api.example", through(t, strings.Replace(server(t, says("\x05\xff")), "http:", "socks5:", 1))
		}},
		{"nobody there", nil, "connection refused", func(t *testing.T) (string, *http.Transport) { return closedPort(t), newTestTransport() }},
		{"closed at once", nil, "EOF", func(t *testing.T) (string, *http.Transport) { return server(t, says("")), newTestTransport() }},
		{"no TLS there", nil, "HTTP response to HTTPS client", func(t *testing.T) (string, *http.Transport) {
			return strings.Replace(server(t, says("HTTP/1.1 400 Bad\r\n\r\n")), "http:", "https:", 1), newTestTransport()
		}},
		{"TLS that hangs", ErrTimeout, "TLS handshake timeout", func(t *testing.T) (string, *http.Transport) {
			transport := newTestTransport()
			transport.TLSHandshakeTimeout = 50 * time.Millisecond
			return strings.Replace(server(t, func(c net.Conn) { c.Read(make([]byte, 4096)) }), "http:", "https:", 1), transport
		}},
		{"hangs", ErrTimeout, "within 100ms", func(t *testing.T) (string, *http.Transport) {
			return server(t, func(c net.Conn) { c.Read(make([]byte, 1)) }), newTestTransport()
		}},
		{"hangs in the body", ErrTimeout, "within 100ms", func(t *testing.T) (string, *http.Transport) {
			return server(t, func(c net.Conn) {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{")
				c.Read(make([]byte, 1))
			}), newTestTransport()
		}},
		{"no HTTP", ErrHeaders, "malformed HTTP", func(t *testing.T) (string, *http.Transport) { return server(t, says("hello\n")), newTestTransport() }},
		{"odd header", ErrHeaders, "malformed MIME header", func(t *testing.T) (string, *http.Transport) {
			return server(t, says("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")), newTestTransport()
		}},
		{"large header", ErrHeaders, "exceeded", func(t *testing.T) (string, *http.Transport) {
			transport := newTestTransport()
			transport.MaxResponseHeaderBytes = 1000
			return server(t, says("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 10_000)+"\r\n\r\n")), transport
		}},
		{"odd length", ErrHeaders, "Content-Length", func(t *testing.T) (string, *http.Transport) {
			return server(t, says("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")), newTestTransport()
		}},
		{"cut short", ErrTruncated, "before the end that its Content-Length", func(t *testing.T) (string, *http.Transport) {
			return server(t, says("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"+runJSON)), newTestTransport()
		}},
		{"cut short in chunks", ErrTruncated, "before the end", func(t *testing.T) (string, *http.Transport) {
			return server(t, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n")), newTestTransport()
		}},
		{"odd chunks", ErrTruncated, "chunk", func(t *testing.T) (string, *http.Transport) {
			return server(t, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\"id\"\r\n")), newTestTransport()
		}},
		{"cut short in gzip", ErrTruncated, "before the end", func(t *testing.T) (string, *http.Transport) {
			return server(t, gzipped(zipped.String()[:40])), newTestTransport()
		}},
		{"broken gzip", ErrEncoding, "", func(t *testing.T) (string, *http.Transport) {
			return server(t, gzipped(zipped.String()[:30]+strings.Repeat("x", 100))), newTestTransport()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			base, transport := tc.dial(t)
			tries := 0
			cfg := Config{BaseURL: base, Auth: AuthNone, Transport: countTries{transport, &tries}}
			if strings.HasPrefix(tc.name, "hangs") {
				cfg.Timeout = 100 * time.Millisecond
			}
			c, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.GetRun(t.Context(), "t", "r")
			var e *Error
			if !errors.As(err, &e) || e.Unwrap() != tc.kind || !strings.Contains(e.Message, tc.want) || strings.Contains(e.Message, "/threads/") {
				t.Errorf("%v, of the kind %v; want %q, of the kind %v", err, errors.Unwrap(err), tc.want, tc.kind)
			}
			if strings.Contains(e.Message, "of the proxy") != strings.HasSuffix(tc.name, "of the proxy") {
				t.Errorf("whose certificate? %s", e.Message)
			}
			if tc.kind != nil && strings.Count(e.Message, ErrTruncated.Error())+strings.Count(e.Message, ErrProxy.Error()) > 1 {
				t.Errorf("says it twice: %s", e.Message)
			}
		})
	}
}

// Errors that are hard to come by on loopback.
func TestRareFailuresAreToldApart(t *testing.T) {
	for _, tc := range []struct {
		err  error
		kind error
		want string
	}{
		{x509.UnknownAuthorityError{}, ErrUnknownIssuer, "unknown authority"},
		{x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.TooManyIntermediates}, ErrCertificate, "too many intermediates"},
		{&tls.CertificateVerificationError{Err: errors.New("revoked")}, ErrCertificate, "revoked"},
		{bodyError(gzip.ErrHeader), ErrEncoding, "gzip"}, {bodyError(gzip.ErrChecksum), ErrEncoding, "gzip"},
		{bodyError(zlib.ErrHeader), ErrEncoding, "zlib"}, {bodyError(zlib.ErrChecksum), ErrEncoding, "zlib"}, {bodyError(flate.CorruptInputError(1)), ErrEncoding, "flate"},
		{bodyError(io.ErrUnexpectedEOF), ErrTruncated, "Content-Length"}, {bodyError(errors.New("reset")), ErrTruncated, "reset"},
		{bodyError(&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}), ErrTimeout, "timeout"}, {bodyError(&net.OpError{Op: "read", Err: errors.New("reset")}), ErrTruncated, "reset"},
		{bodyError(context.Canceled), nil, "canceled"},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, ErrTimeout, "timeout"}, {context.DeadlineExceeded, ErrTimeout, "deadline"},
		{&url.Error{Op: "Get", URL: "https://h/?secret", Err: errors.New("odd")}, nil, "odd"},
		{fmt.Errorf("%w: it is larger", ErrTooLarge), ErrTooLarge, "the answer is too large: it is larger"},
	} {
		if message, kind := classify(tc.err); kind != tc.kind || !strings.Contains(message, tc.want) || strings.Contains(message, "secret") {
			t.Errorf("%v: %v, %q; want %v, %q", tc.err, kind, message, tc.kind, tc.want)
		}
	}
	for encoding, want := range map[string]string{"": "", "gzip": "", " X-Gzip ": "", "Deflate": "", "identity": "", "br": "br", "Zstd": "zstd", "gzip, br": "gzip, br"} {
		if got := foreignEncoding(http.Header{"Content-Encoding": {encoding}}); got != want {
			t.Errorf("%q: %q", encoding, got)
		}
	}
}

func TestAProxyThatConnectsIsNoFailure(t *testing.T) {
	base, transport := tlsServer(t, certificate(t, "127.0.0.1", time.Now().Add(time.Hour)), true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.Read(make([]byte, 4096))
		target, err := net.Dial("tcp", strings.TrimPrefix(base, "https://"))
		if err != nil {
			return
		}
		defer target.Close()
		io.WriteString(c, "HTTP/1.1 200 Connected\r\n\r\n")
		go io.Copy(target, c)
		io.Copy(c, target)
	}()
	transport.Proxy = http.ProxyURL(must(url.Parse("http://" + l.Addr().String())))
	c, err := New(Config{BaseURL: base, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetRun(t.Context(), "t", "r"); err != nil {
		t.Error(err)
	}
}

type countTries struct {
	next  http.RoundTripper
	tries *int
}

func (c countTries) RoundTrip(r *http.Request) (*http.Response, error) {
	*c.tries++
	return c.next.RoundTrip(r)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A proxy that refuses would refuse again, unless the fault is its own.
func TestAProxyThatRefusesIsNotAskedTwice(t *testing.T) {
	for status, passes := range map[int]bool{403: false, 407: false, 500: true, 502: true} {
		refusal := proxyRefusal(&http.Response{StatusCode: status, Status: http.StatusText(status)}, strings.ToUpper)
		if got := (&retries{method: http.MethodGet}).mayPass(nil, refusal); got != passes || !errors.Is(refusal, ErrProxy) {
			t.Errorf("%d: %t, %v", status, got, refusal)
		}
	}
	tries := 0
	transport := through(t, server(t, says("HTTP/1.1 403 Forbidden\r\n\r\n")))
	c, err := New(Config{BaseURL: "https://api.example", Auth: AuthNone, MaxRetries: 1, Transport: countTries{transport, &tries}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetRun(t.Context(), "t", "r"); !errors.Is(err, ErrProxy) || tries != 1 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestACertificateIsNotTriedTwice(t *testing.T) {
	base, transport := tlsServer(t, certificate(t, "127.0.0.1", time.Now().Add(time.Hour)), false)
	tries := 0
	c, err := New(Config{BaseURL: base, Auth: AuthNone, Transport: countTries{transport, &tries}, MaxRetries: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetRun(t.Context(), "t", "r"); !errors.Is(err, ErrCertificate) || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

func TestAnEndedContextIsNoFailureOfTheNetwork(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	base := server(t, func(c net.Conn) { cancel(); c.Read(make([]byte, 1)) })
	c, err := New(Config{BaseURL: base, Auth: AuthNone, Transport: newTestTransport()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetRun(ctx, "t", "r"); !errors.Is(err, context.Canceled) || errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
}
