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
	description: "Cancel a run that is queued, in_progress or requires_action, and return its Run object. " +
		"Cancelling takes a moment: status cancelling means asked for, only cancelled means done; set wait to make sure. " +
		"A run that is cancelling or cancelled already is returned as it is; one that has ended is an error. It cannot be undone.",
	defaults: cancelRunArgs{runArgs: runArgs{TimeoutSec: notGiven}},
	result:   schema.Open[runResult],
}

func (r *runs) cancel(ctx context.Context, a cancelRunArgs, call stdio.Call) (*stdio.Result, error) {
	limit := r.callLimit()
	if a.Wait {
		limit = a.waitLimit()
	}
	begin := time.Now()
	limited, cancel := limited(ctx, call, limit)
	defer cancel()
	run, asked, err := r.askToCancel(limited, a)
	if err != nil {
		return nil, err
	}
	w := watch{tool: cancelRun.name, threadID: a.ThreadID, runID: a.RunID, fields: a.Fields, asked: asked, created: begin}
	if a.Wait {
		return r.wait(ctx, w, a.runArgs, run, call)
	}
	return r.show(limited, w, run)
}

// askToCancel sends the cancel, unless the run is in a status that makes it
// needless or, without force, hopeless. It reports whether the cancel was sent.
func (r *runs) askToCancel(ctx context.Context, a cancelRunArgs) (run runsapi.Run, asked bool, err error) {
	if !a.Force {
		run, err = r.client.GetRun(ctx, a.ThreadID, a.RunID)
		switch {
		case err != nil, runsapi.Cancelled(run.Status):
			return run, false, err
		case !runsapi.Cancellable(run.Status):
			return run, false, errors.New(notCancellable(a.RunID, run.Status))
		}
	}
	run, err = r.client.CancelRun(ctx, a.ThreadID, a.RunID)
	return run, true, err
}

func notCancellable(id, status string) string {
	why := "it is not one of queued, in_progress, requires_action"
	if runsapi.Terminal(status) {
		why = "the run has ended"
	}
	return fmt.Sprintf("run %s was not cancelled: its status is %s, %s. No cancel was sent; force: true asks the API anyway.", id, runsapi.Shorten(status, 100), why)
}
