package runsapi

import (
	"cmp"
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
	firstBackoff = 500 * time.Millisecond
	maxBackoff   = 8 * time.Second
	// maxPause is the longest pause before a retry of a call that has no deadline.
	maxPause = 10 * time.Minute
)

// retries is the policy of one request, in the shape that go-retryablehttp takes.
// The rules are those of OpenAI's own clients, with these exceptions: a POST is
// not repeated on 408 and 409, as it may have been carried out; a quota that is
// used up is final; and no retry starts that could not end in time.
type retries struct {
	method    string
	tries     int
	retryable bool          // the last try failed in a way that may pass
	pause     time.Duration // before the next try
}

func (r *retries) check(ctx context.Context, resp *http.Response, err error) (again bool, _ error) {
	r.tries++
	r.retryable = ctx.Err() == nil && r.mayPass(resp, err)
	if !r.retryable {
		return false, nil
	}
	r.pause = backoff(r.tries)
	if resp != nil {
		r.pause = cmp.Or(retryAfter(resp.Header, time.Now()), r.pause)
	}
	left, limited := timeLeft(ctx)
	if !limited {
		left = maxPause
	}
	return r.pause < left, nil
}

func (r *retries) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return r.pause }

// mayPass tells whether the same request may do better a moment later.
func (r *retries) mayPass(resp *http.Response, err error) bool {
	if err != nil {
		_, kind := classify(err)
		return !errors.Is(kind, ErrCertificate) && !errors.Is(kind, ErrTooLarge)
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
		e := decodeError(resp.Body.(*body).Bytes())
		e.setRetryAfter(resp.Header)
		return !e.QuotaSpent() // waiting does not help then
	case s == http.StatusRequestTimeout, s == http.StatusConflict:
		return r.method == http.MethodGet
	default:
		return s >= 500 && s != http.StatusNotImplemented
	}
}

// backoff is the pause after the n-th failure when the API names none: 0.5 s,
// doubled each time up to 8 s, less up to a quarter so that clients spread.
func backoff(n int) time.Duration {
	d := maxBackoff
	if n < 6 {
		d = min(d, firstBackoff<<(n-1))
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

// retryAfter is how long the API asks to wait: retry-after-ms or Azure's
// x-ms-retry-after-ms before Retry-After, which is in seconds or a date. 0 is no,
// or no sensible, answer; a year is the longest.
func retryAfter(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64); err == nil && ms > 0 {
			return seconds(ms / 1000)
		}
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return seconds(s)
	}
	if t, err := http.ParseTime(v); err == nil {
		return seconds(t.Sub(now).Seconds())
	}
	return 0
}

// seconds makes a duration of s, whatever s is.
func seconds(s float64) time.Duration {
	const year = 365 * 24 * 3600
	if math.IsNaN(s) || s <= 0 {
		return 0
	}
	return time.Duration(min(s, year) * float64(time.Second))
}
