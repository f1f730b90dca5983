package runsapi

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// What may fail on the way to the API and back. An [*Error] wraps one of these,
// or none where the network gives no more than its own words.
var (
	ErrProxy         = errors.New("the proxy failed")
	ErrCertificate   = errors.New("the server's certificate cannot be trusted")
	ErrUnknownIssuer = fmt.Errorf("%w: its issuer is not known here", ErrCertificate)
	ErrTimeout       = errors.New("no whole answer came in time")
	ErrHeaders       = errors.New("the header of the answer cannot be read")
	ErrTruncated     = errors.New("the answer was cut short")
	ErrEncoding      = errors.New("the answer has a Content-Encoding that cannot be read")
	ErrTooLarge      = errors.New("the answer is too large")
)

// classify finds out what kind of failure err is, which came from net/http or
// from reading a body: one of the errors above, or nil. The message says what
// went wrong; what a server sent may stand in it.
func classify(err error) (message string, kind error) {
	var u *url.Error
	if errors.As(err, &u) { // its text holds the URL, query and all
		err = u.Err
	}
	message = err.Error()
	if reason, kind := classifyCertificate(err); kind != nil {
		if isProxy(err) {
			reason = "of the proxy: " + reason
		}
		return fmt.Sprintf("%s (%s)", kind, reason), kind
	}
	for _, kind := range []error{ErrTooLarge, ErrTruncated, ErrEncoding, ErrTimeout, ErrHeaders, ErrProxy} {
		if errors.Is(err, kind) {
			return message, kind
		}
	}
	var timeout interface{ Timeout() bool }
	var protocol textproto.ProtocolError
	switch {
	case isProxy(err):
		kind = ErrProxy
	case errors.As(err, &timeout) && timeout.Timeout():
		kind = ErrTimeout
	case errors.As(err, &protocol), strings.Contains(message, "malformed HTTP"), strings.Contains(message, "response headers exceeded"), strings.Contains(message, "Content-Length"):
		kind = ErrHeaders // net/http has no types for most of these
	}
	if kind == nil {
		return message, nil
	}
	return fmt.Sprintf("%s: %s", kind, message), kind
}

// classifyCertificate tells what is wrong with a certificate, if that is what
// failed.
func classifyCertificate(err error) (reason string, kind error) {
	var (
		unverified *tls.CertificateVerificationError
		issuer     x509.UnknownAuthorityError
		host       x509.HostnameError
		invalid    x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &issuer):
		if issuer.Cert != nil {
			reason = fmt.Sprintf("issued by %q", issuer.Cert.Issuer.String())
		} else {
			reason = issuer.Error()
		}
		return reason, ErrUnknownIssuer
	case errors.As(err, &host):
		return "wrong host: " + host.Error(), ErrCertificate
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "expired or not yet valid: " + invalid.Error(), ErrCertificate
	case errors.As(err, &invalid):
		return invalid.Error(), ErrCertificate
	case errors.As(err, &unverified):
		return unverified.Error(), ErrCertificate
	}
	return "", nil
}

// isProxy reports whether it is the connection to a proxy, or through it, that
// failed.
func isProxy(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks "))
}

// proxyRefusal is the error of a proxy that does not connect us, for
// [http.Transport.OnProxyConnectResponse]: net/http's own is a bare text.
func proxyRefusal(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	reason := "it refused to connect"
	if challenge := challenge(resp.Header.Values("Proxy-Authenticate")); challenge != "" {
		reason += " (" + challenge + ")"
	}
	return fmt.Errorf("%w: %s, HTTP %s", ErrProxy, reason, resp.Status)
}

// bodyError is the error of a body that could not be read to its end.
func bodyError(err error) error {
	var corrupt flate.CorruptInputError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum):
		return fmt.Errorf("%w: %w", ErrEncoding, err)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ended before the end that its Content-Length or its encoding announced", ErrTruncated)
	}
	return fmt.Errorf("%w: %w", ErrTruncated, err)
}

// foreignEncoding is the Content-Encoding of an answer, if it is none that is read.
func foreignEncoding(h http.Header) string {
	switch encoding := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))); encoding {
	case "identity", "gzip", "x-gzip", "deflate":
		return ""
	default:
		return encoding
	}
}
