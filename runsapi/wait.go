package runsapi

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Bounds of what the API may ask for with openai-poll-after-ms.
const (
	leastPoll = 100 * time.Millisecond
	mostPoll  = 8 * time.Second
)

// WaitError is a poll that failed, after its retries, and the last status that
// was seen before.
type WaitError struct {
	Status string
	Err    error
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("waiting failed, the last status seen is %s: %s", e.Status, e.Err)
}

// Unwrap gives the error of the poll.
func (e *WaitError) Unwrap() error { return e.Err }

// Wait polls the run of that id, which was read as run just now, until done says so, and returns it
// as it was last read. The end of limit (0 is none), or of ctx by a deadline, is
// no error: the latest Run is returned then, and its status tells the truth.
// A poll that fails is a [*WaitError]. Before each poll, polling gets the Run as
// it was last read.
func (c *Client) Wait(ctx context.Context, threadID, runID string, run Run, limit time.Duration, done func(Run) bool, polling func(Run)) (Run, error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	for n := 1; !done(run); n++ {
		timer := time.NewTimer(pollDelay(n, run.pollAfter))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
		var next Run
		err := context.Cause(ctx)
		if err == nil {
			polling(run)
			next, err = c.GetRun(ctx, threadID, runID)
		}
		switch {
		case err == nil:
			run = next
			continue
		case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded):
			return run, nil
		}
		return run, &WaitError{run.Status, err}
	}
	return run, nil
}

// pollDelay is the wait before the n-th poll: what the API asks for, else a
// third of a second, two thirds, and a second from then on.
func pollDelay(n int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(max(asked, leastPoll), mostPoll)
	}
	return min(time.Duration(n)*time.Second/3, time.Second)
}
