package runsapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// script answers the n-th request with the n-th of its handlers, and the rest
// with a Run. It notes when each request came.
type script struct {
	steps []http.HandlerFunc
	times []time.Duration
	start time.Time
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.times = append(s.times, time.Since(s.start))
	if n := len(s.times); n <= len(s.steps) {
		s.steps[n-1](w, r)
		return
	}
	answers(runJSON)(w, r)
}

func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		w.Write([]byte(body))
	}
}

func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func dropInBody(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	w.Write([]byte(runJSON[:10]))
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestRetries(t *testing.T) {
	const get, cancel = "GET", "POST"
	quota := `{"error":{"message":"You exceeded your current quota, please check your plan.","type":"insufficient_quota","code":"insufficient_quota"}}`
	azure := `{"error":{"code":"429","message":"Rate limit is exceeded. To increase it see https://aka.ms/oai/quotaincrease."}}`
	second := []string{"Retry-After", "1"}
	tests := []struct {
		name   string
		method string
		step   http.HandlerFunc
		tries  int // of 3, when every one of them fails
	}{
		{"get 500", get, status(500, ""), 3},
		{"get 503", get, status(503, "", second...), 3},
		{"get 429", get, status(429, "", second...), 3},
		{"get 408", get, status(408, ""), 3},
		{"get 409", get, status(409, ""), 3},
		{"get 400", get, status(400, ""), 1},
		{"get 401", get, status(401, ""), 1},
		{"get 404", get, status(404, ""), 1},
		{"get 302", get, status(302, ""), 1},
		{"get dropped", get, drop, 3},
		{"get dropped in mid-body", get, dropInBody, 3},
		{"cancel 500", cancel, status(500, ""), 3},
		{"cancel 429", cancel, status(429, ""), 3},
		{"cancel dropped", cancel, drop, 3},
		{"cancel 408", cancel, status(408, ""), 1},
		{"cancel 409", cancel, status(409, ""), 1},
		{"get 501", get, status(501, ""), 1},
		{"quota by code", get, status(429, quota, second...), 1},
		{"quota by message", get, status(429, `{"message":"Monthly quota used up"}`), 1},
		{"a link to quotaincrease", get, status(429, azure), 3},
		{"x-should-retry true", get, status(400, "", "x-should-retry", "true"), 3},
		{"x-should-retry false", get, status(500, "", "x-should-retry", "false"), 1},
		{"x-should-retry beats quota", get, status(429, quota, "x-should-retry", "true"), 3},
		{"too long to wait", get, status(429, "", "Retry-After", "601"), 1},
		{"quota per minute", get, status(429, `{"message":"Quota per minute used up"}`, second...), 3},
		{"x-should-retry of a success", get, status(200, "[]", "x-should-retry", "true"), 1},
		{"2xx that is no Run", get, status(200, "[]"), 1},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: []http.HandlerFunc{tc.step, tc.step, tc.step}, start: time.Now()}
				c := dial(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Method != tc.method { // the reading after a cancel
						answers(runJSON)(w, r)
						return
					}
					s.ServeHTTP(w, r)
				})
				var err error
				if tc.method == get {
					_, err = c.GetRun(t.Context(), "t", "r")
				} else {
					_, err = c.CancelRun(t.Context(), "t", "r")
				}
				var e *Error
				if !errors.As(err, &e) || e.Attempts != tc.tries || len(s.times) != tc.tries {
					t.Errorf("%d tries, want %d: %+v", len(s.times), tc.tries, err)
				}
			})
		})
	}
}

func TestRetryDelays(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	tests := []struct {
		name        string
		header      func() []string
		least, most time.Duration // before the second try
	}{
		{"own", func() []string { return nil }, 375 * time.Millisecond, 500 * time.Millisecond},
		{"seconds", func() []string { return []string{"Retry-After", "7"} }, 7 * time.Second, 7 * time.Second},
		{"fraction", func() []string { return []string{"Retry-After", "1.5"} }, 1500 * time.Millisecond, 1500 * time.Millisecond},
		{"Azure's milliseconds", func() []string { return []string{"x-ms-retry-after-ms", "2000"} }, 2 * time.Second, 2 * time.Second},
		{"date", func() []string { return []string{"Retry-After", date(9 * time.Second)} }, 8 * time.Second, 9 * time.Second},
		{"milliseconds first", func() []string { return []string{"Retry-After-Ms", "250", "Retry-After", "7"} }, 250 * time.Millisecond, 250 * time.Millisecond},
		{"no milliseconds", func() []string { return []string{"Retry-After-Ms", "0", "Retry-After", "7"} }, 7 * time.Second, 7 * time.Second},
		{"zero", func() []string { return []string{"Retry-After", "0"} }, 375 * time.Millisecond, 500 * time.Millisecond},
		{"past", func() []string { return []string{"Retry-After", date(-time.Hour)} }, 375 * time.Millisecond, 500 * time.Millisecond},
		{"negative", func() []string { return []string{"Retry-After", "-5"} }, 375 * time.Millisecond, 500 * time.Millisecond},
		{"not a number", func() []string { return []string{"Retry-After", "NaN", "Retry-After-Ms", "soon"} }, 375 * time.Millisecond, 500 * time.Millisecond},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{start: time.Now()}
				s.steps = []http.HandlerFunc{status(429, "", tc.header()...)}
				if _, err := dial(t, s.ServeHTTP).GetRun(t.Context(), "t", "r"); err != nil {
					t.Fatal(err)
				}
				if d := s.times[1]; d < tc.least || d > tc.most {
					t.Errorf("second try after %s, want %s to %s", d, tc.least, tc.most)
				}
			})
		})
	}
}

func TestOwnDelayDoublesUpToEightSeconds(t *testing.T) {
	for n, full := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 4: 4 * time.Second, 5: 8 * time.Second, 6: 8 * time.Second, 100: 8 * time.Second} {
		seen := map[time.Duration]bool{}
		for range 50 {
			d := backoff(n)
			seen[d] = true
			if d < full*3/4 || d > full {
				t.Errorf("try %d: %s", n, d)
			}
		}
		if len(seen) < 2 {
			t.Errorf("try %d: no jitter", n)
		}
	}
}

func TestAbsurdRetryAfterIsReportedNotWaitedFor(t *testing.T) {
	for _, v := range []string{"1e300", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "3600"} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{start: time.Now()}
			s.steps = []http.HandlerFunc{status(429, "", "Retry-After", v)}
			_, err := dial(t, s.ServeHTTP).GetRun(t.Context(), "t", "r")
			var e *Error
			if !errors.As(err, &e) || e.RetryAfter < time.Hour-time.Second || len(s.times) != 1 {
				t.Errorf("%s: %+v after %d tries", v, err, len(s.times))
			}
		})
	}
}

func TestNoRetryStartsThatCouldNotEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now()}
		for range 200 {
			s.steps = append(s.steps, status(503, ""))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		_, err := dial(t, s.ServeHTTP, func(cfg *Config) { cfg.MaxRetries = 100 }).GetRun(ctx, "t", "r")
		last := s.times[len(s.times)-1]
		var e *Error
		if !errors.As(err, &e) || e.Status != 503 || last > 50*time.Second || last < 41*time.Second {
			t.Errorf("the last of %d tries was after %s: %v", len(s.times), last, err)
		}
	})
}

func TestNoRetries(t *testing.T) {
	s := &script{start: time.Now(), steps: []http.HandlerFunc{status(500, "")}}
	if _, err := dial(t, s.ServeHTTP, func(cfg *Config) { cfg.MaxRetries = 0 }).GetRun(t.Context(), "t", "r"); err == nil || len(s.times) != 1 {
		t.Error(err, s.times)
	}
}

func TestTimeoutIsOfOneAttemptWithItsBody(t *testing.T) {
	hang := map[string]http.HandlerFunc{
		"before the headers": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"in mid-body": func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(runJSON[:5]))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"trickling": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
				}
			}
		},
	}
	for name, step := range hang {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{start: time.Now(), steps: []http.HandlerFunc{step}}
				c := dial(t, s.ServeHTTP, func(cfg *Config) { cfg.Timeout = 5 * time.Second })
				if _, err := c.GetRun(t.Context(), "t", "r"); err != nil || len(s.times) != 2 || s.times[1] < 5*time.Second || s.times[1] > 6*time.Second {
					t.Error(err, s.times)
				}
				s.times, s.steps = nil, []http.HandlerFunc{step, step, step}
				_, err := c.GetRun(t.Context(), "t", "r")
				var e *Error
				if !errors.As(err, &e) || e.Status != 0 || e.Attempts != 3 || !strings.Contains(e.Message, "within 5s") {
					t.Errorf("%+v", err)
				}
			})
		})
	}
}
