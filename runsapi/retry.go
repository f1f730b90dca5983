package runsapi

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstWait = 500 * time.Millisecond
	maxWait   = 8 * time.Second
	// Hosts give a tool call up after 60 s: a retry that starts later than this
	// after its call began would be answered to nobody.
	lastStart = 45 * time.Second
)

// retries is the policy of one call, in the shape that go-retryablehttp takes.
// The rules are those of OpenAI's own clients, but for what design and
// experience add: a POST is not repeated on 408 and 409, a spent quota never.
type retries struct {
	method string
	start  time.Time
	tries  int
	wait   time.Duration // before the next try
}

func (r *retries) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	r.tries++
	if ctx.Err() != nil || errors.Is(err, errTooLarge) || !r.worthIt(resp, err) {
		return false, nil
	}
	r.wait = ownWait(r.tries)
	if resp != nil {
		if asked := retryAfter(resp.Header, time.Now()); asked > 0 {
			r.wait = asked
		}
	}
	return time.Since(r.start)+r.wait <= lastStart, nil
}

func (r *retries) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return r.wait }

// worthIt tells whether the same request may do better a moment later.
func (r *retries) worthIt(resp *http.Response, err error) bool {
	if err != nil {
		_, kind := classify(err)
		return !errors.Is(kind, ErrCertificate)
	}
	if success(resp.StatusCode) {
		return false
	}
	switch resp.Header.Get("X-Should-Retry") {
	case "true":
		return true
	case "false":
		return false
	}
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests:
		e := decodeError(resp.Body.(readBody).Bytes())
		e.setRetryAfter(resp.Header)
		return !e.QuotaSpent() // no waiting helps then
	case s == http.StatusRequestTimeout, s == http.StatusConflict:
		return r.method == http.MethodGet
	default:
		return s >= 500
	}
}

// ownWait is the delay after the n-th try when the API names none: 0.5 s,
// doubled each time up to 8 s, less up to a quarter so that clients spread.
func ownWait(n int) time.Duration {
	d := maxWait
	if n < 6 {
		d = min(d, firstWait<<(n-1))
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

// retryAfter is how long the API asks to wait: retry-after-ms before
// Retry-After, which is in seconds or a date. 0 is no, or no sensible, answer.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get("Retry-After-Ms")), 64); err == nil && ms > 0 {
		return seconds(ms / 1000)
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return seconds(s)
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// seconds makes a duration of s, whatever s is: absurdly long is a year.
func seconds(s float64) time.Duration {
	const year = 365 * 24 * 3600
	if math.IsNaN(s) || s <= 0 {
		return 0
	}
	return time.Duration(min(s, year) * float64(time.Second))
}
