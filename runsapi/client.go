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
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Client calls the Runs API. It is safe for concurrent use.
type Client struct {
	base        *url.URL
	query       url.Values
	header      http.Header
	keyHeader   string // the header for a key from keys
	keyPrefix   string
	keys        keySource // nil if the key never changes, or there is none
	secrets     []string
	credentials []Credential
	http        *http.Client
	maxRetries  int
	log         *slog.Logger
}

// Close ends the key command and all that it started, if it still runs. Calls
// that need a new key fail from then on.
func (c *Client) Close() {
	if command, ok := c.keys.(*keyCommand); ok {
		command.close()
	}
}

// BaseURL is where c calls, without the query.
func (c *Client) BaseURL() string { return c.base.String() }

// pool keeps as many connections open as calls were in flight, so that none is
// opened twice.
func pool() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 2048
	return t
}

// answer is what a call came back with, whatever its status.
type answer struct {
	method, path string
	status       int
	header       http.Header
	body         readBody // to be closed once it is read
	tries        int
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
		a, err := c.send(ctx, method, &u, key, start)
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
func (c *Client) send(ctx context.Context, method string, u *url.URL, key string, start time.Time) (*answer, error) {
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

	a := &answer{method: method, path: u.EscapedPath(), tries: r.tries}
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
