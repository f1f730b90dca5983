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
	"regexp"
	"strings"
)

// An [*Error] for a call that got no answer that could be read wraps one of these, or none
// if the kind of failure is not known.
var (
	ErrProxy         = errors.New("the proxy failed")
	ErrCertificate   = errors.New("the server's certificate cannot be trusted")
	ErrUnknownIssuer = fmt.Errorf("%w: its issuer is not known here", ErrCertificate)
	ErrTimeout       = errors.New("no whole answer came in time")
	ErrHeaders       = errors.New("the header of the answer cannot be read")
	ErrTruncated     = errors.New("the answer was cut short")
	ErrEncoding      = errors.New("the answer has a Content-Encoding that cannot be read")
	ErrTooLarge      = errors.New("the answer is too large")
	ErrNoRoom        = errors.New("the answers to the calls in progress take all memory that there is for them, and no room came in time")
)

// classify returns the kind of failure that err is, one of the errors above or nil. err is
// from net/http or from reading a body. The message says what went wrong; it may quote what
// a server sent.
func classify(err error) (message string, kind error) {
	var u *url.Error
	if errors.As(err, &u) { // its text shows the whole URL
		err = u.Err
	}
	message = err.Error()
	if reason, kind := classifyCertificate(err); kind != nil {
		if isProxy(err) {
			reason = "of the proxy: " + reason
		}
		return fmt.Sprintf("%s (%s)", kind, reason), kind
	}
	for _, kind := range []error{ErrTooLarge, ErrNoRoom, ErrTruncated, ErrEncoding, ErrTimeout, ErrHeaders, ErrProxy} {
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
	case errors.As(err, &protocol), headerWords.MatchString(message):
		kind = ErrHeaders
	}
	if kind == nil {
		return message, nil
	}
	return fmt.Sprintf("%s: %s", kind, message), kind
}

// headerWords matches what net/http says if it cannot read the header of an answer. It has no
// types for most of these errors.
var headerWords = regexp.MustCompile(`malformed HTTP|response headers exceeded|1xx informational|Content-Length|transfer encoding|looked like an HTTP/1\.1 header`)

// classifyCertificate returns what is wrong with the server's certificate. The kind is nil
// if that is not why err came.
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

// isProxy reports whether err is a failure to connect to a proxy or through one.
func isProxy(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks "))
}

// errRefusesAgain is wrapped in the error of a proxy that would refuse another try, too.
var errRefusesAgain = errors.New("it refused to connect")

// proxyRefusal returns an error if a proxy refuses to connect. It is for an
// [http.Transport.OnProxyConnectResponse], because net/http's own error for this has no
// type.
func proxyRefusal(resp *http.Response, redact func(string) string) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	reason := errors.New("it refused to connect")
	if resp.StatusCode < http.StatusInternalServerError {
		reason = errRefusesAgain
	}
	why := ""
	if challenge := challenge(resp.Header.Values("Proxy-Authenticate"), redact); challenge != "" {
		why = " (" + challenge + ")"
	}
	return fmt.Errorf("%w: %w%s, HTTP %s", ErrProxy, reason, why, resp.Status)
}

// bodyError returns the error for a body that could not be read to its end, given why.
func bodyError(err error) error {
	var corrupt flate.CorruptInputError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum):
		return fmt.Errorf("%w: %w", ErrEncoding, err)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.Canceled), errors.Is(err, ErrNoRoom):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ended before the end that its Content-Length or its encoding announced", ErrTruncated)
	}
	return fmt.Errorf("%w: %w", ErrTruncated, err)
}

// foreignEncoding returns the Content-Encoding of an answer if it is one that cannot be
// decoded, or "".
func foreignEncoding(h http.Header) string {
	switch encoding := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))); encoding {
	case "identity", "gzip", "x-gzip", "deflate":
		return ""
	default:
		return encoding
	}
}
