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
	maxPause     = 10 * time.Minute // before a retry of a call that has no deadline
)

// retries is the retry policy for one request, with the methods that go-retryablehttp asks
// for. The rules are those of OpenAI's own clients, with these exceptions: a POST is not
// repeated on 408 and 409, because it may have been carried out; a quota that is used up,
// 501 and a bad certificate are final; and no retry starts after a pause that reaches
// beyond the call's deadline.
type retries struct {
	method    string
	tries     int
	retryable bool          // whether the last try failed in a way that may pass
	pause     time.Duration // before the next try
}

// check counts a try and reports whether to make another one.
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

// mayPass reports whether the same request may succeed a moment later.
func (r *retries) mayPass(resp *http.Response, err error) bool {
	if err != nil {
		_, kind := classify(err)
		return !errors.Is(kind, ErrCertificate) && !errors.Is(kind, ErrTooLarge) && !errors.Is(err, errRefusesAgain)
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
	if resp.StatusCode == http.StatusTooManyRequests {
		e := decodeError(resp.Body.(*body).Bytes())
		e.setRetryAfter(resp.Header)
		return !e.QuotaSpent()
	}
	return statusMayPass(r.method, resp.StatusCode)
}

// statusMayPass reports whether the same request may get another status a moment later.
func statusMayPass(method string, status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict:
		return method == http.MethodGet
	case http.StatusNotImplemented:
		return false
	}
	return status == http.StatusTooManyRequests || status >= 500
}

// backoff returns the pause after the nth failure if the API asks for none: 0.5 s, doubled
// each time up to 8 s, minus a random part of up to a quarter, so that clients do not all
// come back at once.
func backoff(n int) time.Duration {
	d := maxBackoff
	if n < 6 {
		d = min(d, firstBackoff<<(n-1))
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

// retryAfter returns how long the headers of an answer ask to wait, at most a year, or 0 if
// they do not ask or make no sense. retry-after-ms, and x-ms-retry-after-ms on Azure, take
// precedence over Retry-After, which is in seconds or a date.
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

// seconds returns s seconds as a duration between 0 and a year, also if s is out of range
// or not a number.
func seconds(s float64) time.Duration {
	const year = 365 * 24 * 3600
	if math.IsNaN(s) || s <= 0 {
		return 0
	}
	return time.Duration(min(s, year) * float64(time.Second))
}
