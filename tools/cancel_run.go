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
	ctx, cancel := withTimeLimit(ctx, call, limit)
	defer cancel()
	run, asked, err := r.askToCancel(ctx, a)
	if err != nil {
		return nil, err
	}
	w := watch{tool: cancelRun.name, threadID: a.ThreadID, runID: a.RunID, fields: a.Fields, asked: asked, created: begin}
	if a.Wait {
		return r.wait(ctx, w, a.runArgs, run, call)
	}
	return r.show(ctx, w, run)
}

// askToCancel sends the cancel, unless the run is in a status that makes it
// needless or, without force, hopeless. It reports whether the cancel was sent.
func (r *runs) askToCancel(ctx context.Context, a cancelRunArgs) (run runsapi.Run, asked bool, err error) {
	if !a.Force {
		run, err = r.look(ctx, a)
		switch {
		case err != nil, runsapi.Cancelled(run.Status):
			return run, false, err
		case !runsapi.Cancellable(run.Status):
			return run, false, errors.New(r.notCancelled(a.RunID, run.Status) + " No cancel was sent; force: true asks the API anyway.")
		}
	}
	run, err = r.client.CancelRun(ctx, a.ThreadID, a.RunID)
	return run, true, err
}

// look reads the run that is to be cancelled. With wait it rides out what passes.
func (r *runs) look(ctx context.Context, a cancelRunArgs) (run runsapi.Run, err error) {
	if !a.Wait {
		return r.client.GetRun(ctx, a.ThreadID, a.RunID)
	}
	for run, err = range r.client.Poll(ctx, a.ThreadID, a.RunID, runsapi.Run{}) {
		if err != nil || run.Status != "" {
			break
		}
	}
	return run, err
}

// notCancelled says how a run stands that was not cancelled.
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
