package runsapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// The pause that the API asks for with openai-poll-after-ms is kept within these bounds.
const (
	minPollPause = 100 * time.Millisecond
	maxPollPause = 8 * time.Second
)

// maxFirstReading is how long a Poll without a deadline tries to read its run for the
// first time. A fault that lasts longer is not a passing one.
const maxFirstReading = 50 * time.Second

// lastReading is how long before its deadline a Poll reads its run for the last time, if
// the API has asked to wait beyond the deadline.
const lastReading = time.Second

// WaitError is the error of a [Client.Poll] that failed after it had read the run.
type WaitError struct {
	Status string // of the run when it was last read
	Err    error
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("waiting failed, the last status seen is %s: %s", e.Status, e.Err)
}

// Unwrap returns the error of the last reading.
func (e *WaitError) Unwrap() error { return e.Err }

// Poll reads a run repeatedly and yields it after each reading. It pauses between
// readings for as long as the API asks ([Run.PollAfter]), else for 0.33 s, 0.67 s and
// then always 1 s. A run that the caller has already read is passed as run, and is
// yielded first; without one, run is empty.
//
// A reading that fails with a network error, 408, 409, 429 or 5xx does not end Poll: it
// yields the run as it was last read, or an empty Run if it has not been read yet.
//
// Poll ends when ctx ends. If that is by a deadline, and the run has been read, there is
// no error. Any other error is the last thing that Poll yields; if the run has been read,
// it is a [*WaitError].
func (c *Client) Poll(ctx context.Context, threadID, runID string, run Run) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		p := poll{client: c, threadID: threadID, runID: runID, begin: time.Now()}
		if run.raw != "" {
			p.succeed(run)
			if !yield(run, nil) {
				return
			}
		}
		for {
			ended, err := p.next(ctx)
			if ended && err == nil || !yield(p.run, err) || ended {
				return
			}
		}
	}
}

// poll is the state of a Poll.
type poll struct {
	client          *Client
	threadID, runID string
	begin           time.Time
	run             Run           // as it was last read
	readings        int           // how many succeeded
	failures        int           // how many have failed since
	failure         error         // the last one
	pause           time.Duration // before the next reading
	hurried         bool          // whether a reading was made earlier than the API asked
}

// next pauses and then reads the run. It reports whether the polling has ended.
func (p *poll) next(ctx context.Context) (ended bool, _ error) {
	if left, limited := timeLeft(ctx); limited && p.pause >= left && !p.hurried && (p.failures > 0 || p.run.PollAfter() > 0) {
		p.pause, p.hurried = max(left-lastReading, left/2), true
	}
	err := sleep(ctx, p.pause)
	if err == nil {
		var run Run
		if run, err = p.client.ReadRun(ctx, p.threadID, p.runID); err == nil {
			release(ctx, p.run.held)
			p.succeed(run)
			return false, nil
		}
	}
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		if p.readings > 0 {
			return true, nil
		}
		return true, cmp.Or(p.failure, err)
	}
	if ctx.Err() == nil && p.fail(ctx, err) {
		return false, nil
	}
	if p.readings > 0 {
		err = &WaitError{p.run.Status, err}
	}
	return true, err
}

// succeed records a successful reading.
func (p *poll) succeed(run Run) {
	p.run, p.failures = run, 0
	p.readings++
	p.pause = cmp.Or(run.PollAfter(), min(time.Duration(p.readings)*time.Second/3, time.Second)) // 0.33, 0.67, then 1 s
}

// fail records a failed reading, and reports whether another reading may succeed.
func (p *poll) fail(ctx context.Context, err error) (passes bool) {
	var e *Error
	_, limited := timeLeft(ctx)
	if !errors.As(err, &e) || !e.retryable || p.readings == 0 && !limited && time.Since(p.begin) > maxFirstReading {
		return false
	}
	p.failures++
	e.Attempts, p.failure = p.failures, err
	p.pause = backoff(p.failures)
	if e.RetryAfter > 0 {
		p.pause = max(e.RetryAfter, minPollPause)
	}
	if !limited {
		p.pause = min(p.pause, maxPause)
	}
	return true
}

// timeLeft returns the time until the deadline of ctx, and whether ctx has one.
func timeLeft(ctx context.Context) (left time.Duration, limited bool) {
	deadline, ok := ctx.Deadline()
	return time.Until(deadline), ok
}

// sleep waits for d. If ctx ends before that, sleep returns its cause.
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
