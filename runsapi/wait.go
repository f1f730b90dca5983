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
	readings        int           // that succeeded
	failures        int           // since then
	failure         error         // the last one
	pause           time.Duration // before the next reading
	hurried         bool          // that reading comes before the API asked to come back
}

// next makes the next reading. It reports whether the polling has ended.
func (p *poll) next(ctx context.Context) (ended bool, _ error) {
	err := sleep(ctx, p.pause)
	if err == nil {
		var run Run
		if run, err = p.client.ReadRun(ctx, p.threadID, p.runID); err == nil {
			release(ctx, p.run.held)
			p.succeed(run)
			return false, nil
		}
	}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
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

func (p *poll) succeed(run Run) {
	p.run, p.failures = run, 0
	p.readings++
	p.pause = cmp.Or(run.PollAfter(), min(time.Duration(p.readings)*time.Second/3, time.Second)) // 0.33, 0.67, then 1 s
}

// fail takes note of a reading that failed, and reports whether that may pass.
func (p *poll) fail(ctx context.Context, err error) (passes bool) {
	var e *Error
	left, limited := timeLeft(ctx)
	if !errors.As(err, &e) || !e.retryable || p.readings == 0 && !limited && time.Since(p.begin) > firstReading {
		return false
	}
	p.failures++
	e.Attempts, p.failure = p.failures, err
	p.pause = cmp.Or(e.RetryAfter, backoff(p.failures))
	if !limited {
		p.pause = min(p.pause, maxPause)
	}
	if limited && p.pause >= left && !p.hurried {
		p.pause, p.hurried = max(left-lastReading, left/2), true
	}
	return true
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
