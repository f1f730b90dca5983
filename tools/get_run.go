package tools

import (
	"context"
	"fmt"
	"strings"
	"time"

	"runs-mcp/runsapi"
	"runs-mcp/schema"
	"runs-mcp/tools/stdio"
)

// runArgs are the arguments that get_run and cancel_run share.
type runArgs struct {
	ThreadID   string   `json:"thread_id" jsonschema_description:"Thread of the run"`
	RunID      string   `json:"run_id" jsonschema_description:"Run id"`
	Fields     []string `json:"fields,omitempty" jsonschema_description:"Top-level Run fields to return, e.g. [\"last_error\"]; id and status always come. Default: all"`
	TimeoutSec int      `json:"timeout_sec,omitempty" jsonschema:"minimum=0,maximum=86400" jsonschema_description:"How long wait may last; then the run comes as it is. Default 50; 0: no limit"`
}

type getRunArgs struct {
	runArgs
	Wait bool `json:"wait,omitempty" jsonschema_description:"Return when the run has ended or requires_action. Default false: at once"`
}

var getRun = tool[getRunArgs]{
	name:  "get_run",
	title: "Get a run",
	description: "Get one run of an assistant thread: its Run object, with status, last_error, required_action, usage and timestamps. " +
		"Statuses: queued, in_progress, requires_action, cancelling; ended: completed, failed, cancelled, expired, incomplete. " +
		"To await the outcome, set wait instead of polling.",
	readOnly: true,
	defaults: getRunArgs{runArgs: runArgs{TimeoutSec: defaultTimeoutSec}},
	result:   schema.Open[runResult],
}

const defaultTimeoutSec = 50 // hosts give a call up after 60 s

func (r *runs) get(ctx context.Context, a getRunArgs, call stdio.Call) ([]string, error) {
	run, err := r.client.GetRun(ctx, a.ThreadID, a.RunID)
	if err != nil {
		return nil, err
	}
	if a.Wait {
		run, err = r.wait(ctx, a.runArgs, run, call, func(run runsapi.Run) bool {
			return runsapi.Terminal(run.Status) || run.Status == "requires_action"
		})
	}
	return chosen(run, a.Fields), err
}

// chosen is the run with the fields that were asked for.
func chosen(run runsapi.Run, fields []string) []string {
	selected := newSelection(fields, false)
	if selected.everything() {
		return []string{run.RawJSON()}
	}
	var b strings.Builder
	selected.write(&b, run.RawJSON())
	return []string{b.String()}
}

// wait polls run until done says so, for at most as long as the arguments allow.
func (r *runs) wait(ctx context.Context, a runArgs, run runsapi.Run, call stdio.Call, done func(runsapi.Run) bool) (runsapi.Run, error) {
	polls, begin := 0, time.Now()
	// Reported before the poll, not after it: a client that gets a notification
	// together with the answer takes it for one that came too late.
	return r.client.Wait(ctx, a.ThreadID, a.RunID, run, time.Duration(a.TimeoutSec)*time.Second, done, func(run runsapi.Run) {
		polls++
		call.Progress(polls, fmt.Sprintf("status %s, waiting for %.0f s", run.Status, time.Since(begin).Seconds()))
	})
}
