package runsapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Bounds of what the API may ask for with openai-poll-after-ms.
const (
	leastPoll = 100 * time.Millisecond
	mostPoll  = 8 * time.Second
)

// firstReading is how long a wait without a deadline tries to read its run for
// the first time: what never answers in that time is no passing fault.
const firstReading = 50 * time.Second

// lastReading is how long before the deadline a wait reads its run once more,
// although the API asked to wait for longer than that.
const lastReading = time.Second

// WaitError is a poll that failed for good, and the last status that was seen
// before.
type WaitError struct {
	Status string
	Err    error
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("waiting failed, the last status seen is %s: %s", e.Status, e.Err)
}

// Unwrap gives the error of the poll.
func (e *WaitError) Unwrap() error { return e.Err }

// Poll reads a run again and again, at the pace that the API asks for, and yields
// it as it was last read. If run was read already, it comes first. Network
// errors, 408, 409, 429 and 5xx pass: the latest Run, empty before the first
// reading, is yielded again. Poll ends when ctx ends: by a deadline without an
// error, as long as the run was read at all. Any other error is the last thing
// that it yields; once the run was read, it is a [*WaitError].
func (c *Client) Poll(ctx context.Context, threadID, runID string, run Run) iter.Seq2[Run, error] {
	_, limited := timeLeft(ctx)
	return func(yield func(Run, error) bool) {
		var (
			begin    = time.Now()
			read     = run.raw != ""
			readings = 0
			failures = 0 // in a row
			failure  error
			pause    time.Duration
			last     bool // one more reading is made, although the API asked to wait longer
		)
		if read {
			if !yield(run, nil) {
				return
			}
			readings = 1
			pause = pollDelay(readings, run.pollAfter)
		}
		for {
			err := sleep(ctx, pause)
			if err == nil {
				var next Run
				if next, err = c.getRun(ctx, threadID, runID, true); err == nil {
					release(ctx, run.held)
					run, read = next, true
				}
			}
			var api *Error
			switch {
			case err == nil:
				failures, readings = 0, readings+1
				pause = pollDelay(readings, run.pollAfter)
			case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded):
				if !read {
					yield(run, cmp.Or(failure, err))
				}
				return
			case ctx.Err() == nil && errors.As(err, &api) && api.passes && (read || limited || time.Since(begin) < firstReading):
				failures++
				api.Attempts, failure = failures, err
				pause = cmp.Or(min(api.RetryAfter, maxPause), backoff(failures))
				if left, ok := timeLeft(ctx); ok && pause >= left && !last {
					pause, last = max(left-lastReading, left/2), true
				}
			default:
				if read {
					err = &WaitError{run.Status, err}
				}
				yield(run, err)
				return
			}
			if !yield(run, nil) {
				return
			}
		}
	}
}

// timeLeft is the time until the deadline of ctx, if it has one.
func timeLeft(ctx context.Context) (left time.Duration, limited bool) {
	deadline, ok := ctx.Deadline()
	return time.Until(deadline), ok
}

// sleep waits for d, or until ctx ends, whose cause it returns then.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pollDelay is the pause after the n-th reading: what the API asks for, else a
// third of a second, two thirds, and a second from then on.
func pollDelay(n int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(max(asked, leastPoll), mostPoll)
	}
	return min(time.Duration(n)*time.Second/3, time.Second)
}
