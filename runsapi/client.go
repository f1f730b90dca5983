// Package runsapi is a thin client of the Runs API of the OpenAI Assistants
// protocol: it gets, lists and cancels the runs of a thread, on whatever server
// speaks /threads/{thread_id}/runs.
//
// Answers stay the JSON that the server sent ([Run.RawJSON]): only white space
// between tokens is taken out, and invalid UTF-8 becomes U+FFFD. Failures are
// an [*Error], or an [*ArgumentError] for an id that was never sent. Each call
// retries what is worth retrying (see [Config.MaxRetries]) and ends as soon as
// its context does.
package runsapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Ways to send the key, for [Config.Auth].
const (
	AuthBearer = "bearer"  // Authorization: Bearer KEY
	AuthAPIKey = "api-key" // api-key: KEY, as Azure wants it
	AuthNone   = "none"    // no key at all
)

// Config says which server to talk to, and how. Only BaseURL has to be set.
type Config struct {
	// BaseURL is what stands before /threads/…; its query is sent along with
	// every request, user info in it is refused.
	BaseURL string
	// Auth is AuthBearer (also when empty), AuthAPIKey or AuthNone.
	Auth string
	// APIKey is sent as Auth says; empty sends none.
	APIKey string
	// KeyCommand, if set, is run by the system shell for the key, and again as
	// the key ages or is refused. It goes before APIKey.
	KeyCommand string
	// Organization and Project become the OpenAI-Organization and
	// OpenAI-Project headers.
	Organization, Project string
	// Portkey becomes the x-portkey-… headers, but never at api.openai.com or
	// below azure.com.
	Portkey Portkey
	// Header is sent with every request and beats all of the above.
	Header http.Header
	// Query is sent with every request and beats BaseURL's query.
	Query url.Values
	// AllowHTTP lets a credential go over plain http to other than loopback.
	AllowHTTP bool
	// Timeout bounds one HTTP attempt, its body included; 0 is no limit.
	Timeout time.Duration
	// MaxRetries is how often a failed attempt is made again; 0 is never.
	MaxRetries int
	// UserAgent is the User-Agent header.
	UserAgent string
	// Transport carries the requests; nil is a pool of kept-alive connections
	// that honours HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE.
	Transport http.RoundTripper
	// Log gets a debug line for each call, without query, bodies and secrets;
	// nil logs nothing.
	Log *slog.Logger
}

// Portkey holds what the Portkey gateway takes as x-portkey-… headers
// (https://portkey.ai/docs/api-reference/inference-api/headers).
type Portkey struct{ APIKey, VirtualKey, Provider, Config string }

// Client calls the Runs API. It is safe for concurrent use.
type Client struct {
	base        *url.URL
	query       url.Values
	header      http.Header
	keyHeader   string // where a key of keys goes; "" if a header of the user's beats it
	keyPrefix   string
	keys        *keyCommand // nil without KeyCommand
	redactor    redactor
	withKeys    atomic.Pointer[keyedRedactor]
	credentials []string
	http        *http.Client
	maxRetries  int
	log         *slog.Logger
}

// What New refuses of a BaseURL. The errors do not show it, as it may hold a secret.
var (
	ErrBaseURL   = errors.New("the base URL")
	ErrPlainHTTP = errors.New("plain http would send the credential in the clear: use https")
)

// New checks cfg and makes a Client of it. It opens no connection and runs no
// command yet.
func New(cfg Config) (*Client, error) {
	base, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	query := base.Query()
	for name, values := range cfg.Query {
		query[name] = values
	}
	for _, name := range []string{"limit", "order", "after", "before"} {
		if query.Has(name) {
			return nil, fmt.Errorf("the query %q is set by each call and cannot be configured", name)
		}
	}
	base.RawQuery, base.ForceQuery, base.Fragment = "", false, ""

	c := &Client{
		base: base, query: query, header: http.Header{}, maxRetries: cfg.MaxRetries,
		log: cfg.Log,
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	set := func(name, value string) {
		if value != "" {
			c.header.Set(name, value)
		}
	}
	set("OpenAI-Beta", "assistants=v2")
	set("Accept", "application/json")
	set("User-Agent", cfg.UserAgent)
	set("OpenAI-Organization", cfg.Organization)
	set("OpenAI-Project", cfg.Project)
	switch cfg.Auth {
	case AuthBearer, "":
		c.keyHeader, c.keyPrefix = "Authorization", "Bearer "
	case AuthAPIKey:
		c.keyHeader = "Api-Key"
	case AuthNone:
		cfg.APIKey, cfg.KeyCommand = "", ""
	default:
		return nil, fmt.Errorf("auth %q is not one of bearer, api-key, none", cfg.Auth)
	}
	if cfg.KeyCommand != "" {
		c.keys = newKeyCommand(cfg.KeyCommand)
		cfg.APIKey = ""
	}
	if cfg.APIKey != "" {
		set(c.keyHeader, c.keyPrefix+cfg.APIKey)
	}
	if TakesPortkey(base) {
		set("X-Portkey-Api-Key", cfg.Portkey.APIKey)
		set("X-Portkey-Virtual-Key", cfg.Portkey.VirtualKey)
		set("X-Portkey-Provider", cfg.Portkey.Provider)
		set("X-Portkey-Config", cfg.Portkey.Config)
	} else {
		cfg.Portkey = Portkey{}
	}
	for name, values := range cfg.Header {
		name = http.CanonicalHeaderKey(name)
		c.header[name] = values
		if name == c.keyHeader {
			c.keys = nil
		}
	}
	for name, values := range c.header {
		for _, v := range values {
			if strings.ContainsFunc(name+v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return nil, fmt.Errorf("the value of the header %q has a control character in it", name)
			}
		}
	}

	if c.keys != nil {
		c.credentials = append(c.credentials, c.keyHeader)
	}
	for name := range c.header {
		if (IsCredential(name) || name == "X-Portkey-Config") && c.header.Get(name) != "" {
			c.credentials = append(c.credentials, name)
		}
	}
	for name := range query {
		if IsCredential(name) && query.Get(name) != "" {
			c.credentials = append(c.credentials, "?"+name)
		}
	}
	slices.Sort(c.credentials)
	if base.Scheme == "http" && c.credentials != nil && !cfg.AllowHTTP && !IsLoopback(base) {
		return nil, ErrPlainHTTP
	}

	c.redactor = newRedactor(cfg, query, environmentProxies())
	transport := cfg.Transport
	if transport == nil {
		transport = pool()
	}
	c.http = &http.Client{
		Transport: wholeAnswer{transport, cfg.Timeout},
		// A redirect is answered to the caller: following it could carry the key elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// BaseURL is where c calls, without the query.
func (c *Client) BaseURL() string { return c.base.String() }

// SendsQuery reports whether c sends a query parameter of that name with every
// request.
func (c *Client) SendsQuery(name string) bool { return c.query.Has(name) }

func parseBase(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil: // its text holds the URL, which may hold a secret
		return nil, fmt.Errorf("%w cannot be parsed", ErrBaseURL)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w must begin with https:// or http://", ErrBaseURL)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%w names no host", ErrBaseURL)
	case u.User != nil:
		return nil, fmt.Errorf("%w must not hold a user name or password", ErrBaseURL)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// pool keeps as many connections open as calls were in flight, so that none is
// opened twice.
func pool() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 2048
	t.OnProxyConnectResponse = proxyRefusal
	return t
}

// answer is what a call came back with, whatever its status.
type answer struct {
	method, path    string
	threadID, runID string
	status          int
	header          http.Header
	body            readBody // to be closed once it is read
	tries           int
}

// do sends a request for the path that segments make below the base URL, each
// of them escaped, and returns any 2xx answer. What it sends has no body and no
// Content-Type: the one form of a cancel that every server takes.
func (c *Client) do(ctx context.Context, method string, query url.Values, segments ...string) (*answer, error) {
	u := *c.base
	var plain, escaped strings.Builder
	plain.WriteString(c.base.Path)
	escaped.WriteString(c.base.EscapedPath())
	for _, s := range segments {
		plain.WriteString("/" + s)
		escaped.WriteString("/" + url.PathEscape(s))
	}
	u.Path, u.RawPath = plain.String(), escaped.String()
	u.RawQuery = merged(c.query, query).Encode()

	start := time.Now()
	for renewed := false; ; renewed = true {
		key := ""
		if c.keys != nil {
			var err error
			if key, err = c.keys.key(ctx); err != nil {
				return nil, err
			}
		}
		a, err := c.send(ctx, method, &u, key, start, segments)
		if err != nil {
			return nil, err
		}
		if a.status == http.StatusUnauthorized && c.keys != nil && !renewed && c.keys.refused(key) {
			a.body.Close()
			continue
		}
		if !success(a.status) {
			return nil, c.apiError(a)
		}
		return a, nil
	}
}

func merged(a, b url.Values) url.Values {
	if len(a) == 0 {
		return b
	}
	m := make(url.Values, len(a)+len(b))
	for k, v := range a {
		m[k] = v
	}
	for k, v := range b {
		m[k] = v
	}
	return m
}

// send makes the attempts of a call that began at start, and returns the last
// one's answer.
func (c *Client) send(ctx context.Context, method string, u *url.URL, key string, start time.Time, segments []string) (*answer, error) {
	header := c.header // net/http does not write to it
	if key != "" {
		header = c.header.Clone()
		header.Set(c.keyHeader, c.keyPrefix+key)
	}
	req := (&http.Request{Method: method, URL: u, Host: u.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	r := retries{method: method, start: start}
	loop := retryablehttp.Client{
		HTTPClient: c.http, RetryMax: c.maxRetries,
		CheckRetry: r.check, Backoff: r.backoff, ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := loop.Do(&retryablehttp.Request{Request: req})

	a := &answer{method: method, path: u.EscapedPath(), tries: r.tries, threadID: segments[1]}
	if len(segments) > 3 {
		a.runID = segments[3]
	}
	if resp != nil && err == nil {
		a.status, a.header, a.body = resp.StatusCode, resp.Header, resp.Body.(readBody)
	}
	c.log.Debug("call", "method", method, "path", a.path, "status", a.status, "duration", time.Since(start), "tries", r.tries)
	switch {
	case ctx.Err() != nil && (err != nil || !success(a.status)):
		e := c.networkError(a, context.Cause(ctx))
		e.err = context.Cause(ctx)
		return nil, e
	case err != nil:
		return nil, c.networkError(a, err)
	}
	return a, nil
}
