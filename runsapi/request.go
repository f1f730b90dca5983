package runsapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// request is one request of the Runs API, to threads/{threadID}/runs[/{runID}[/{action}]].
type request struct {
	method, threadID, runID, action string
	query                           url.Values
	poll                            bool // of a wait, which tries again by itself
}

// answer is what a request came back with, whatever its status.
type answer struct {
	request
	path      string // escaped, without the query
	status    int
	header    http.Header
	body      *body // nil if no answer came; to be closed once it is read
	tries     int
	retryable bool // whether the same request may do better a moment later
}

// do sends a request, with retries, and returns any 2xx answer. What it sends
// has no body and no Content-Type: the one form of a cancel that every server
// takes.
func (c *Client) do(ctx context.Context, r request) (*answer, error) {
	u := c.url(r)
	for renewed := false; ; renewed = true {
		key := ""
		if c.keys != nil {
			var err error
			if key, err = c.keys.key(ctx); err != nil {
				return nil, err
			}
		}
		a, err := c.send(ctx, r, u, key)
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

// url returns the URL of r below the base URL, with each id escaped.
func (c *Client) url(r request) *url.URL {
	u := *c.base
	var plain, escaped strings.Builder
	plain.WriteString(c.base.Path)
	escaped.WriteString(c.base.EscapedPath())
	for _, segment := range []string{"threads", r.threadID, "runs", r.runID, r.action} {
		if segment == "" {
			break
		}
		plain.WriteString("/" + segment)
		escaped.WriteString("/" + url.PathEscape(segment))
	}
	u.Path, u.RawPath = plain.String(), escaped.String()
	u.RawQuery = merged(c.query, r.query).Encode()
	return &u
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

// send makes the attempts of a request and returns the last one's answer.
func (c *Client) send(ctx context.Context, r request, u *url.URL, key string) (*answer, error) {
	header := c.header // shared, as an http.RoundTripper must not modify a request
	if key != "" || r.poll {
		header = c.header.Clone()
	}
	if key != "" {
		header.Set(c.keyHeader, c.keyPrefix+key)
	}
	if r.poll {
		header.Set("X-Stainless-Poll-Helper", "true") // asks for openai-poll-after-ms, as OpenAI's own clients do
	}
	req := (&http.Request{Method: r.method, URL: u, Host: u.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	policy := retries{method: r.method}
	loop := retryablehttp.Client{
		HTTPClient: c.http, RetryMax: c.maxRetries,
		CheckRetry: policy.check, Backoff: policy.backoff, ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	if r.poll {
		loop.RetryMax = 0
	}
	start := time.Now()
	resp, err := loop.Do(&retryablehttp.Request{Request: req})

	a := &answer{request: r, path: u.EscapedPath(), tries: policy.tries, retryable: policy.retryable}
	if resp != nil && err == nil {
		a.status, a.header, a.body = resp.StatusCode, resp.Header, resp.Body.(*body)
	}
	c.log.Debug("call", "method", r.method, "path", a.path, "status", a.status, "duration", time.Since(start), "tries", a.tries)
	switch {
	case ctx.Err() != nil && (err != nil || !success(a.status)):
		if a.body != nil {
			a.body.Close()
		}
		e := c.networkError(a, context.Cause(ctx))
		e.err = context.Cause(ctx)
		return nil, e
	case err != nil:
		return nil, c.networkError(a, err)
	}
	return a, nil
}
