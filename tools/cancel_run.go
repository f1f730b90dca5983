package tools

import (
	"context"
	"errors"
	"fmt"
	"time"

	"runs-mcp/runsapi"
	"runs-mcp/schema"
	"runs-mcp/tools/stdio"
)

type cancelRunArgs struct {
	runArgs
	Force bool `json:"force,omitempty" jsonschema_description:"Ask whatever the status is. Default false"`
	Wait  bool `json:"wait,omitempty" jsonschema_description:"Return when the run has ended. Default false: at once"`
}

var cancelRun = tool[cancelRunArgs]{
	name:  "cancel_run",
	title: "Cancel a run",
	description: "Cancel (stop) a run that is queued, in_progress or requires_action, so that its thread is free again. " +
		"Status cancelling means asked for, only cancelled means done: set wait to make sure. A run that has ended is an error. It cannot be undone.",
	searchHint: "stop abort kill assistant run free blocked thread",
	defaults:   cancelRunArgs{runArgs: runArgs{TimeoutSec: notGiven}},
	result:     schema.Open[runResult],
}

func (r *runs) cancel(ctx context.Context, a cancelRunArgs, call stdio.Call) (*stdio.Result, error) {
	limit := r.callLimit()
	if a.Wait {
		limit = a.waitLimit()
	}
	begin := time.Now()
	ctx, cancel := withTimeLimit(ctx, call, limit)
	defer cancel()
	polls, progress := 0, call.Progress // of both readings, before the cancel and after it
	call.Progress = func(_ int, message string) {
		polls++
		progress(polls, message)
	}
	run, asked, err := r.askToCancel(ctx, a, call)
	if after := (*runsapi.AfterCancelError)(nil); a.Wait && errors.As(err, &after) && runsapi.Retryable(after.Err) {
		run, err = runsapi.Run{}, nil // the wait reads the run
	}
	if err != nil {
		return nil, err
	}
	w := watch{tool: cancelRun.name, threadID: a.ThreadID, runID: a.RunID, fields: a.Fields, asked: asked, created: begin}
	if a.Wait {
		return r.wait(ctx, w, a.runArgs, run, call)
	}
	return r.show(ctx, w, run)
}

// askToCancel sends the cancel. Without force it first reads the run, and sends nothing if
// the run is cancelling or cancelled, or if its status does not allow a cancel, which is an
// error. It reports whether the cancel was sent.
func (r *runs) askToCancel(ctx context.Context, a cancelRunArgs, call stdio.Call) (run runsapi.Run, asked bool, err error) {
	if !a.Force {
		run, err = r.readFirst(ctx, a, call)
		switch {
		case err != nil, runsapi.Cancelled(run.Status):
			return run, false, err
		case !runsapi.Cancellable(run.Status):
			return run, false, errors.New(r.notCancelled(a.RunID, run.Status) + " No cancel was sent; force: true asks the API anyway.")
		}
	}
	run, err = r.client.CancelRun(ctx, a.ThreadID, a.RunID)
	if err != nil && !a.Force {
		err = &readBefore{err}
	}
	return run, true, err
}

// readFirst reads the run that is to be cancelled. With wait, it does not give up on errors
// that may pass.
func (r *runs) readFirst(ctx context.Context, a cancelRunArgs, call stdio.Call) (run runsapi.Run, err error) {
	if !a.Wait {
		return r.client.GetRun(ctx, a.ThreadID, a.RunID)
	}
	for run, err = range r.client.Poll(ctx, a.ThreadID, a.RunID, runsapi.Run{}) {
		if err != nil || run.Status != "" {
			break
		}
		call.Progress(0, r.state(run))
	}
	return run, err
}

// notCancelled says that a run was not cancelled, and what its status is.
func (r *runs) notCancelled(id, status string) string {
	text := fmt.Sprintf("Run %s was not cancelled: its status is %s", r.echo(id), r.echo(status))
	switch {
	case runsapi.Terminal(status):
		text += ", the run has ended"
	case !runsapi.Cancellable(status):
		text += ", which is not one of queued, in_progress, requires_action"
	}
	return text + "."
}

// readBefore is an error that came after the run was read in the same call.
type readBefore struct{ err error }

func (e *readBefore) Error() string { return e.err.Error() }
func (e *readBefore) Unwrap() error { return e.err }
