package tools

import (
	"context"

	"runs-mcp/runsapi"
	"runs-mcp/schema"
	"runs-mcp/tools/stdio"
)

// runArgs are the arguments that get_run and cancel_run have in common.
type runArgs struct {
	ThreadID   string   `json:"thread_id" jsonschema_description:"Thread of the run"`
	RunID      string   `json:"run_id" jsonschema_description:"Run id"`
	Fields     []string `json:"fields,omitempty" jsonschema_description:"Top-level Run fields to return, e.g. [\"last_error\"]; id and status always come. Default: all"`
	TimeoutSec int      `json:"timeout_sec,omitempty" jsonschema:"minimum=0,maximum=86400" jsonschema_description:"How long wait may last; then the run comes as it is. Default 50; 0: no limit"`
}

type getRunArgs struct {
	runArgs
	Wait  bool `json:"wait,omitempty" jsonschema_description:"Return when the run has ended or requires_action. Default false: at once"`
	Steps int  `json:"steps,omitempty" jsonschema:"minimum=0,maximum=100" jsonschema_description:"Add this many of its latest steps, newest first. Default 0"`
}

var getRun = tool[getRunArgs]{
	name:  "get_run",
	title: "Get a run",
	description: "Get one run of an assistant thread: its status, why it failed (last_error), what it waits for (required_action), what it is doing (steps), usage. " +
		"Ended: completed, failed, cancelled, expired, incomplete. To await the outcome, set wait instead of polling.",
	searchHint: "assistant run status failed stuck waiting last_error steps usage wait",
	readOnly:   true,
	defaults:   getRunArgs{runArgs: runArgs{TimeoutSec: notGiven}},
	result:     schema.Open[runResult],
}

func (r *runs) get(ctx context.Context, a getRunArgs, call stdio.Call) (*stdio.Result, error) {
	w := watch{tool: getRun.name, threadID: a.ThreadID, runID: a.RunID, fields: a.Fields, steps: a.Steps}
	if a.Wait {
		return r.wait(ctx, w, a.runArgs, runsapi.Run{}, call)
	}
	ctx, cancel := withTimeLimit(ctx, call, r.callLimit())
	defer cancel()
	run, err := r.client.GetRun(ctx, a.ThreadID, a.RunID)
	if err != nil {
		return nil, err
	}
	return r.show(ctx, w, run)
}
