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
