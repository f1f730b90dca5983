package tools

import (
	"context"
	"fmt"
	"time"

	"runs-mcp/tools/stdio"
)

// callTime is how long a call without wait takes at most: some hosts give a call
// up after 60 s.
const callTime = 54 * time.Second

// callLimit is the time limit of a call without wait; 0 is none.
func (r *runs) callLimit() time.Duration {
	attempt := r.options.Timeout
	if attempt == 0 {
		return 0
	}
	return max(callTime, attempt+9*time.Second) // room for a retry
}

const (
	notGiven       = -1               // a timeout_sec
	defaultWaiting = 50 * time.Second // some hosts give a call up after 60 s
)

// waitLimit is how long a wait may last; 0 is no limit.
func (a runArgs) waitLimit() time.Duration {
	if a.TimeoutSec == notGiven {
		return defaultWaiting
	}
	return time.Duration(a.TimeoutSec) * time.Second
}

// stepsTime is how long the steps of a run that was waited for may take.
const stepsTime = 4 * time.Second

// left is what is left of a time limit since begin; 0 is no limit.
func left(limit time.Duration, begin time.Time) time.Duration {
	if limit == 0 {
		return 0
	}
	return max(limit-time.Since(begin), 1)
}

// withTimeLimit returns a context that ends with the call's time limit. A call without
// one ends a minute after the input has.
func withTimeLimit(ctx context.Context, call stdio.Call, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit > 0 {
		return context.WithTimeoutCause(ctx, limit, deadline(fmt.Sprintf("the time of the call is over, after %s", limit.Round(time.Second))))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if call.Drained != nil {
		go func() {
			select {
			case <-call.Drained:
				cancel(deadline("the input ended a minute ago"))
			case <-ctx.Done():
			}
		}()
	}
	return ctx, func() { cancel(nil) }
}

// deadline is the cause of a context that has run out of time.
type deadline string

func (d deadline) Error() string        { return string(d) }
func (d deadline) Is(target error) bool { return target == context.DeadlineExceeded }
