package tools

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"runs-mcp/runsapi"
	"runs-mcp/tools/stdio"
)

// watch is what a call wants of a run: which run, until when, and what to show of
// it. It is all that a wait has to know, so that a task is a watch that the client
// keeps.
type watch struct {
	tool            string // get_run or cancel_run
	threadID, runID string
	fields          []string
	steps           int
	asked           bool          // a cancel was sent
	created         time.Time     // when the call began
	limit           time.Duration // from created; 0 is none
}

// over reports whether the run is as the call wants it: ended or, for get_run,
// waiting for its application.
func (w watch) over(run runsapi.Run) bool {
	return runsapi.Terminal(run.Status) || w.tool == getRun.name && run.Status == "requires_action"
}

// wait polls a run, which may have been read before as run, until it is over or
// the time of the call is. A client that follows tasks gets a task after the
// first reading.
func (r *runs) wait(ctx context.Context, w watch, a runArgs, run runsapi.Run, call stdio.Call) (*stdio.Result, error) {
	if w.created.IsZero() {
		w.created = time.Now()
	}
	limit, asTask := a.waitLimit(), false
	if call.FollowsTasks {
		w.limit = max(0, time.Duration(a.TimeoutSec)*time.Second) // without timeout_sec a task has no end
		if _, asTask = w.taskID(); asTask {
			limit = firstReading(r.callLimit(), w.limit)
		}
	}
	waiting, cancel := withTimeLimit(ctx, call, left(limit, w.created))
	defer cancel()
	polls := 0
	for latest, err := range r.client.Poll(waiting, w.threadID, w.runID, run) {
		if err != nil {
			return nil, w.failed(err)
		}
		if run = latest; w.over(run) {
			break
		}
		if asTask && run.Status != "" {
			return &stdio.Result{Task: r.working(w, run)}, nil
		}
		// This is sent before the next poll: a client that gets a notification
		// together with the answer takes it for one that came too late.
		polls++
		call.Progress(polls, fmt.Sprintf("%s, waiting for %.0f s", r.state(run), time.Since(w.created).Seconds()))
	}
	if w.steps > 0 { // they have a moment, even if the time of the call is over
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, max(left(limit, w.created), stepsTime))
		defer cancel()
	}
	return r.show(ctx, w, run)
}

// firstReading is the time limit for the first reading of a task: that of a call,
// or of the task if that is shorter; 0 is none.
func firstReading(call, task time.Duration) time.Duration {
	if call == 0 || task > 0 && task < call {
		return task
	}
	return call
}

// failed is the error of a wait, which says so if a cancel was sent before.
func (w watch) failed(err error) error {
	if w.asked {
		return &runsapi.AfterCancelError{Err: err}
	}
	return err
}

// state says how a run stands, for a progress notification.
func (r *runs) state(run runsapi.Run) string {
	if run.Status == "" {
		return "no answer yet"
	}
	return "status " + r.echo(run.Status)
}

// show returns of the run what the call wants to see.
func (r *runs) show(ctx context.Context, w watch, run runsapi.Run) (*stdio.Result, error) {
	selected := newSelection(w.fields, false)
	json := run.RawJSON()
	if !selected.everything() {
		var b strings.Builder
		selected.write(&b, json)
		json = b.String()
	}
	if run.Deep() {
		if err := checkDepth(json, 0); err != nil {
			return nil, err
		}
	}
	if w.steps == 0 {
		return &stdio.Result{JSON: []string{json}}, nil
	}
	steps, err := r.steps(ctx, w, run)
	if err != nil {
		return nil, w.failed(err)
	}
	pieces := append([]string{strings.TrimSuffix(json, "}"), `,"steps":`}, steps...)
	return &stdio.Result{JSON: append(pieces, "}")}, nil
}

// steps returns the latest steps of a run as JSON in pieces, null from a server
// that has none.
func (r *runs) steps(ctx context.Context, w watch, run runsapi.Run) ([]string, error) {
	page, err := r.client.Steps(ctx, w.threadID, w.runID, w.steps)
	if err != nil {
		var api *runsapi.Error
		if errors.As(err, &api) {
			switch api.Status {
			case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
				return []string{"null"}, nil
			}
		}
		return nil, &stepsError{run, err}
	}
	pieces := []string{"["}
	for i, step := range page.Data {
		if i > 0 {
			pieces = append(pieces, ",")
		}
		if page.Deep() && runsapi.Depth(step.RawJSON())+2 > runsapi.MaxDepth {
			return nil, runsapi.TooDeep("steps")
		}
		pieces = append(pieces, step.RawJSON())
	}
	return append(pieces, "]"), nil
}

// stepsError is the error of a request for the steps of a run that was read.
type stepsError struct {
	run runsapi.Run
	err error
}

func (e *stepsError) Error() string { return "the steps of the run: " + e.err.Error() }
