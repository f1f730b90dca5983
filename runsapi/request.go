package runsapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// request is a request to threads/{threadID}/runs[/{runID}[/{action}]].
type request struct {
	method, threadID, runID, action string
	query                           url.Values
	poll                            bool // whether it is a reading of a Poll, which retries by itself
}

// answer is the answer to a request, whatever its status, and how it came about.
type answer struct {
	request
	path      string // escaped, without the query
	status    int    // 0 if no answer came
	header    http.Header
	body      *body // nil if no answer came; else the reader closes it
	tries     int
	retryable bool // whether the same request may succeed a moment later
}

// do sends a request, with retries, and returns a 2xx answer or an error. If the API
// answers 401 and there may be another key, do tries once more with that.
//
// The request has no body and no Content-Type, because that is the only form of a cancel
// that all servers accept.
func (c *Client) do(ctx context.Context, r request) (*answer, error) {
	u := c.url(r)
	for keyRenewed := false; ; keyRenewed = true {
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
		if a.status == http.StatusUnauthorized && c.keys != nil && !keyRenewed && c.keys.refused(key) {
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
	path, escaped := "/threads/"+r.threadID+"/runs", "/threads/"+url.PathEscape(r.threadID)+"/runs"
	if r.runID != "" {
		path, escaped = path+"/"+r.runID, escaped+"/"+url.PathEscape(r.runID)
	}
	if r.action != "" {
		path, escaped = path+"/"+r.action, escaped+"/"+r.action
	}
	u := *c.base
	u.Path, u.RawPath = c.base.Path+path, c.base.EscapedPath()+escaped
	u.RawQuery = merged(c.query, r.query).Encode()
	return &u
}

// merged returns the parameters of a and b. Those of b take precedence.
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

// send makes up to 1+MaxRetries attempts and returns the last answer, whatever its status.
// The error is an [*Error].
func (c *Client) send(ctx context.Context, r request, u *url.URL, key string) (*answer, error) {
	header := c.header // shared between requests: an http.RoundTripper must not modify it
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
		CheckRetry: policy.check, ErrorHandler: retryablehttp.PassthroughErrorHandler,
		Backoff: func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return policy.pause },
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
	if c.log.Enabled(ctx, slog.LevelDebug) {
		c.log.Debug("call", "method", r.method, "path", c.Redact(a.path), "status", a.status, "duration", time.Since(start), "tries", a.tries)
	}
	switch {
	case errors.Is(err, ErrNoRoom): // also if ctx has ended meanwhile, as that is not why
		return nil, c.networkError(a, err)
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
