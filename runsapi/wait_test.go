package runsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// wait polls until the run has ended, and counts the readings.
func wait(ctx context.Context, c *Client, run Run) (latest Run, readings int, err error) {
	for latest, err := range c.Poll(ctx, "t", "r", run) {
		if err != nil || Terminal(latest.Status) {
			return latest, readings, err
		}
		run = latest
		readings++
	}
	return run, readings, nil
}

func running(status string) Run { return Run{Status: status, raw: "{}"} }

// moving answers with in_progress until the n-th poll.
func moving(n int, header ...string) (h http.HandlerFunc, times *[]time.Duration) {
	times = &[]time.Duration{}
	start := time.Now()
	return func(w http.ResponseWriter, r *http.Request) {
		*times = append(*times, time.Since(start).Round(time.Millisecond))
		s := "in_progress"
		if len(*times) >= n {
			s = "completed"
		}
		status(200, fmt.Sprintf(`{"id":"run_1","status":%q}`, s), header...)(w, r)
	}, times
}

func TestWaitPollsLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, times := moving(5)
		run, polls, err := wait(t.Context(), dial(t, h), running("queued"))
		if err != nil || run.Status != "completed" || polls != 5 {
			t.Error(run, err, polls)
		}
		want := []time.Duration{333, 1000, 2000, 3000, 4000}
		for i := range want {
			want[i] *= time.Millisecond
		}
		for i, d := range *times { // a third of a second is not round
			if (d - want[i]).Abs() > 2*time.Millisecond {
				t.Errorf("polls at %v, want %v", *times, want)
			}
		}
	})
}

func TestWaitDoesAsThePollHeaderSays(t *testing.T) {
	for hint, want := range map[string]time.Duration{"250": 250 * time.Millisecond, "1": 100 * time.Millisecond, "999999": 8 * time.Second, "1e300": 8 * time.Second, "-4": time.Second, "x": time.Second} {
		synctest.Test(t, func(t *testing.T) {
			h, times := moving(5, "openai-poll-after-ms", hint)
			if _, _, err := wait(t.Context(), dial(t, h), running("queued")); err != nil {
				t.Fatal(err)
			}
			if got := (*times)[4] - (*times)[3]; got != want {
				t.Errorf("hint %s: polled every %s, want %s", hint, got, want)
			}
		})
	}
}

// A pause beyond the deadline, which the API asks for, does not hide the end of the run.
func TestWaitReadsTheRunBeforeItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		h, times := moving(2, "openai-poll-after-ms", "8000")
		run, _, err := wait(ctx, dial(t, h), Run{})
		if err != nil || run.Status != "completed" || !slices.Equal(*times, []time.Duration{0, 5 * time.Second}) {
			t.Errorf("%s at %v, %v", run.Status, *times, err)
		}
	})
}

func TestReadingsNearTheDeadline(t *testing.T) {
	later := status(200, runJSON, "openai-poll-after-ms", "8000")
	for name, tc := range map[string]struct {
		limit time.Duration
		steps []http.HandlerFunc
		want  []time.Duration // of the readings, in milliseconds
	}{
		"no pause is asked for":            {2900 * time.Millisecond, nil, []time.Duration{0, 333, 999, 1999}},
		"a pause beyond it":                {2900 * time.Millisecond, []http.HandlerFunc{later, later, later}, []time.Duration{0, 1900}},
		"a pause beyond one that is near":  {time.Second, []http.HandlerFunc{later, later, later}, []time.Duration{0, 500}},
		"a pause beyond it, after a fault": {2900 * time.Millisecond, []http.HandlerFunc{status(429, "", "Retry-After", "60"), answers(`{"id":"r","status":"completed"}`)}, []time.Duration{0, 1900}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tc.limit)
			defer cancel()
			s := &script{start: time.Now(), steps: tc.steps}
			run, yields, err := wait(ctx, dial(t, s.ServeHTTP), Run{})
			if Terminal(run.Status) {
				yields++ // wait does not count that one
			}
			var got []time.Duration
			for _, at := range s.times {
				got = append(got, time.Duration(at.Milliseconds()))
			}
			if err != nil || !slices.Equal(got, tc.want) || yields != len(tc.want) {
				t.Errorf("%s: %d yields, readings at %d ms, want %d ms, %v", name, yields, got, tc.want, err)
			}
		})
	}
}

// A server that asks for hardly any pause is not stormed.
func TestWaitPausesAfterEachFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		requests := 0
		c := dial(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			status(429, "", "retry-after-ms", "1")(w, r)
		})
		if _, _, err := wait(ctx, c, Run{}); err == nil || requests < 15 || requests > 25 {
			t.Errorf("%d requests, %v", requests, err)
		}
	})
}

// A server that asks for a long pause gets it within the time of the call; a call without a
// limit pauses for ten minutes at most.
func TestWaitPausesAsLongAsAFailureAsks(t *testing.T) {
	for limit, want := range map[time.Duration]time.Duration{2 * time.Hour: time.Hour, 0: 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			if limit > 0 {
				ctx, cancel = context.WithTimeout(ctx, limit)
			}
			defer cancel()
			s := &script{start: time.Now(), steps: []http.HandlerFunc{status(429, "", "Retry-After", "3600"), answers(`{"id":"r","status":"completed"}`)}}
			run, _, err := wait(ctx, dial(t, s.ServeHTTP), running("queued"))
			if pause := s.times[1] - s.times[0]; err != nil || run.Status != "completed" || pause != want {
				t.Errorf("limit %s: a pause of %s, want %s, %v", limit, pause, want, err)
			}
		})
	}
}

// Once the run has been read, a fault may last: the caller knows best when to give up.
func TestWaitOutlastsAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now(), steps: []http.HandlerFunc{answers(`{"error":{"code":429,"message":"slow down"}}`)}}
		for range 20 {
			s.steps = append(s.steps, status(503, ""))
		}
		s.steps = append(s.steps, answers(`{"id":"r","status":"completed"}`))
		run, readings, err := wait(t.Context(), dial(t, s.ServeHTTP), running("queued"))
		if took := time.Since(s.start); err != nil || run.Status != "completed" || took < time.Minute {
			t.Errorf("%s after %d readings and %s: %v", run.Status, readings, took, err)
		}
	})
}

func TestAnErrorIsTheLastThingThatPollYields(t *testing.T) {
	for _, runID := range []string{"r", "not/an/id"} {
		synctest.Test(t, func(t *testing.T) {
			yields := 0
			for _, err := range dial(t, status(404, "")).Poll(t.Context(), "t", runID, running("queued")) {
				if yields++; (err != nil) != (yields == 2) {
					t.Fatalf("%s, %d: %v", runID, yields, err)
				}
			}
			if yields != 2 {
				t.Errorf("%s: %d times", runID, yields)
			}
		})
	}
}

// If the time runs out before the run was read, the error is what the server said.
func TestWaitThatNeverReadTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		s := &script{start: time.Now()}
		for range 100 {
			s.steps = append(s.steps, status(503, ""))
		}
		var failures []error
		for _, err := range dial(t, s.ServeHTTP).Poll(ctx, "t", "r", Run{}) {
			if err != nil {
				failures = append(failures, err)
			}
		}
		var e *Error
		if len(failures) != 1 || !errors.As(failures[0], &e) || e.Status != 503 || e.Attempts != len(s.times) {
			t.Errorf("after %d readings: %+v", len(s.times), failures)
		}
	})
}

// A server that never gives the run is not asked for it without end.
func TestWaitGivesUpOnARunThatItCannotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, readings, err := wait(t.Context(), dial(t, status(503, "")), Run{})
		var e *Error
		if took := time.Since(start); !errors.As(err, &e) || e.Status != 503 || took < 50*time.Second || took > time.Minute {
			t.Errorf("after %d readings and %s: %v", readings, took, err)
		}
		if w := (*WaitError)(nil); errors.As(err, &w) {
			t.Errorf("no status has been seen: %v", err)
		}
	})
}

func TestWaitNeedsNoPollForWhatIsDone(t *testing.T) {
	c := dial(t, func(http.ResponseWriter, *http.Request) { t.Error("polled") })
	if run, _, err := wait(t.Context(), c, running("expired")); err != nil || run.Status != "expired" {
		t.Error(run, err)
	}
}

func TestWaitThatRunsOutReturnsTheLatestRun(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"between polls":  answers(`{"id":"run_1","status":"in_progress"}`),
		"in mid-poll":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"while retrying": status(503, ""),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				run, _, err := wait(ctx, dial(t, h), running("in_progress"))
				if err != nil || run.Status != "in_progress" || time.Since(start) != time.Second {
					t.Error(run, err, time.Since(start))
				}
			})
		})
	}
}

func TestWaitThatRunsOutAsItsLastPollIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancelCause(t.Context())
		defer stop(nil)
		c := direct(t, func(*http.Request) *http.Response {
			stop(context.DeadlineExceeded) // with the answer on its way
			return response(200, []byte(`{"id":"run_1","status":"completed"}`))
		})
		if run, _, err := wait(ctx, c, running("queued")); err != nil || run.Status != "completed" {
			t.Error(run, err)
		}
	})
}

// A transport ends a wait by a deadline as cause: the same as running out.
func TestWaitThatIsEnded(t *testing.T) {
	shutdown := errors.New("shutting down")
	for cause, fails := range map[error]bool{fmt.Errorf("drained: %w", context.DeadlineExceeded): false, shutdown: true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancelCause(t.Context())
			time.AfterFunc(10*time.Second, func() { stop(cause) })
			run, _, err := wait(ctx, dial(t, answers(runJSON)), running("in_progress"))
			if run.Status != "in_progress" || fails != errors.Is(err, shutdown) || !fails && err != nil {
				t.Errorf("%v: %v %v", cause, run, err)
			}
		})
	}
}

func TestWaitSaysTheLastStatusSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now(), steps: []http.HandlerFunc{answers(`{"id":"r","status":"requires_action"}`), status(404, "")}}
		_, _, err := wait(t.Context(), dial(t, s.ServeHTTP), running("queued"))
		var w *WaitError
		var e *Error
		if !errors.As(err, &w) || w.Status != "requires_action" || !errors.As(err, &e) || e.Status != 404 {
			t.Error(err)
		}
	})
}

func TestStatuses(t *testing.T) {
	var terminals, cancellables, cancelled []string
	for _, s := range []string{"queued", "in_progress", "requires_action", "cancelling", "cancelled", "failed", "completed", "incomplete", "expired", "canceled", "canceling", "generating", ""} {
		if Terminal(s) {
			terminals = append(terminals, s)
		}
		if Cancellable(s) {
			cancellables = append(cancellables, s)
		}
		if Cancelled(s) {
			cancelled = append(cancelled, s)
		}
	}
	if !slices.Equal(terminals, []string{"cancelled", "failed", "completed", "incomplete", "expired", "canceled"}) ||
		!slices.Equal(cancellables, []string{"queued", "in_progress", "requires_action"}) ||
		!slices.Equal(cancelled, []string{"cancelling", "cancelled", "canceled", "canceling"}) {
		t.Error(terminals, cancellables, cancelled)
	}
}
