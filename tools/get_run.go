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

const defaultTimeoutSec = 50 // some hosts give a call up after 60 s

func (r *runs) get(ctx context.Context, a getRunArgs, call stdio.Call) ([]string, error) {
	ctx, cancel := limited(ctx, call, r.timeLimit(a.Wait, a.TimeoutSec))
	defer cancel()
	if !a.Wait {
		run, err := r.client.GetRun(ctx, a.ThreadID, a.RunID)
		if err != nil {
			return nil, err
		}
		return chosen(run, a.Fields)
	}
	run, err := r.wait(ctx, a.runArgs, runsapi.Run{}, call, func(run runsapi.Run) bool {
		return runsapi.Terminal(run.Status) || run.Status == "requires_action"
	})
	if err != nil {
		return nil, err
	}
	return chosen(run, a.Fields)
}

// chosen is the run with the fields that were asked for.
func chosen(run runsapi.Run, fields []string) ([]string, error) {
	selected := newSelection(fields, false)
	json := run.RawJSON()
	if !selected.everything() {
		var b strings.Builder
		selected.write(&b, json)
		json = b.String()
	}
	if run.Deep() {
		return []string{json}, checkDepth(json, 0)
	}
	return []string{json}, nil
}

// wait polls a run, which may have been read before as run, until done says so or
// the time of the call is over.
func (r *runs) wait(ctx context.Context, a runArgs, run runsapi.Run, call stdio.Call, done func(runsapi.Run) bool) (runsapi.Run, error) {
	begin, polls := time.Now(), 0
	for latest, err := range r.client.Poll(ctx, a.ThreadID, a.RunID, run) {
		if err != nil || done(latest) {
			return latest, err
		}
		run = latest
		// This is sent before the next poll: a client that gets a notification
		// together with the answer takes it for one that came too late.
		polls++
		call.Progress(polls, fmt.Sprintf("%s, waiting for %.0f s", r.state(run), time.Since(begin).Seconds()))
	}
	return run, nil
}

// state says how a run stands, for a progress notification.
func (r *runs) state(run runsapi.Run) string {
	if run.Status == "" {
		return "no answer yet"
	}
	return "status " + runsapi.Shorten(r.client.Redact(run.Status), 100)
}
