package tools

import (
	"context"
	"fmt"
	"time"

	"runs-mcp/tools/stdio"
)

// callTime is how long a call without wait may take: some hosts give up on a call after
// 60 s.
const callTime = 54 * time.Second

// callLimit returns the time limit of a call without wait; 0 means no limit.
func (r *runs) callLimit() time.Duration {
	attempt := r.options.Timeout
	if attempt == 0 {
		return 0
	}
	return max(callTime, attempt+9*time.Second) // time for a retry
}

const (
	notGiven       = -1               // stands for an absent timeout_sec
	defaultWaiting = 50 * time.Second // some hosts give up on a call after 60 s
)

// waitLimit returns how long a wait may last; 0 means no limit.
func (a runArgs) waitLimit() time.Duration {
	if a.TimeoutSec == notGiven {
		return defaultWaiting
	}
	return time.Duration(a.TimeoutSec) * time.Second
}

// stepsTime is the least time that reading the steps gets after a wait, even if the time of
// the call is over.
const stepsTime = 4 * time.Second

// timeForSteps returns how long reading the steps may take after a wait with a time limit that
// began at begin. After a wait without a limit they get the time of a call.
func timeForSteps(limit time.Duration, begin time.Time) time.Duration {
	if limit == 0 {
		return callTime
	}
	return max(left(limit, begin), stepsTime)
}

// left returns how much is left of a time limit that began at begin, at least 1 ns. 0 means
// no limit.
func left(limit time.Duration, begin time.Time) time.Duration {
	if limit == 0 {
		return 0
	}
	return max(limit-time.Since(begin), 1)
}

// withTimeLimit returns a context that ends after limit. If limit is 0, it ends when
// call.Drained is closed, a minute after the end of the input.
func withTimeLimit(ctx context.Context, call stdio.Call, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit > 0 {
		return context.WithTimeoutCause(ctx, limit, deadline{limit})
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if call.Drained != nil {
		go func() {
			select {
			case <-call.Drained:
				cancel(deadline{})
			case <-ctx.Done():
			}
		}()
	}
	return ctx, func() { cancel(nil) }
}

// deadline is the cause of a context that has run out of time.
type deadline struct {
	limit time.Duration // 0: a minute after the end of the input
}

func (d deadline) Error() string {
	if d.limit == 0 {
		return "the input ended a minute ago"
	}
	return fmt.Sprintf("the time of the call is over, after %s", d.limit.Round(time.Second))
}

func (d deadline) Is(target error) bool { return target == context.DeadlineExceeded }
