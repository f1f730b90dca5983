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

// watch describes a wait: for which run, until when, and what to return of the run. It is all
// that a wait needs to know, so the id of a task, which the client keeps, can hold it.
type watch struct {
	tool            string // get_run or cancel_run
	threadID, runID string
	fields          []string
	steps           int
	asked           bool          // whether a cancel was sent
	created         time.Time     // when the call began
	limit           time.Duration // from created; 0 means no limit
}

// over reports whether the wait is over: the run has ended or, for get_run, waits for its
// application.
func (w watch) over(run runsapi.Run) bool {
	return runsapi.Terminal(run.Status) || w.tool == getRun.name && run.Status == "requires_action"
}

// wait polls a run until the wait or the time of the call is over. If the run has already
// been read, it is passed as run; else run is empty. A client that follows tasks gets a task
// after the first reading.
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
		// This is sent at once, because some clients ignore a notification that comes
		// together with the answer.
		polls++
		call.Progress(polls, fmt.Sprintf("%s, waiting for %.0f s", r.state(run), time.Since(w.created).Seconds()))
	}
	if w.steps > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeForSteps(limit, w.created))
		defer cancel()
	}
	return r.show(ctx, w, run)
}

// firstReading returns the time limit for the first reading of a task: that of a call or, if
// it is shorter, that of the task. 0 means no limit.
func firstReading(call, task time.Duration) time.Duration {
	if call == 0 || task > 0 && task < call {
		return task
	}
	return call
}

// failed returns the error of the wait. It says so if a cancel was sent.
func (w watch) failed(err error) error {
	if w.asked {
		return &runsapi.AfterCancelError{Err: err}
	}
	return err
}

// state describes a run, for a progress notification.
func (r *runs) state(run runsapi.Run) string {
	if run.Status == "" {
		return "no answer yet"
	}
	return "status " + r.echo(run.Status)
}

// show returns the selected fields of the run and, if asked for, its steps.
func (r *runs) show(ctx context.Context, w watch, run runsapi.Run) (*stdio.Result, error) {
	selected := newSelection(w.fields, false)
	if w.steps > 0 {
		selected = selected.without("steps") // a member of that name is added below
	}
	object := run.RawJSON()
	if !selected.all {
		var b strings.Builder
		selected.write(&b, object)
		object = b.String()
	}
	if run.Deep() {
		if err := checkDepth(object, 0); err != nil {
			return nil, err
		}
	}
	if w.steps == 0 {
		return &stdio.Result{JSON: []string{object}}, nil
	}
	steps, err := r.steps(ctx, w, run)
	if err != nil {
		return nil, w.failed(err)
	}
	pieces := append([]string{strings.TrimSuffix(object, "}"), `,"steps":`}, steps...)
	return &stdio.Result{JSON: append(pieces, "}")}, nil
}

// steps returns the latest steps of a run as JSON, in pieces. It is null if the server has no
// steps.
func (r *runs) steps(ctx context.Context, w watch, run runsapi.Run) ([]string, error) {
	page, err := r.client.Steps(ctx, w.threadID, w.runID, w.steps)
	if err != nil {
		var api *runsapi.Error
		if errors.As(err, &api) {
			switch api.EffectiveStatus() {
			case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
				return []string{"null"}, nil
			}
		}
		return nil, &stepsError{run, err}
	}
	pieces := []string{"["}
	for i, step := range page.Data {
		if page.Deep() && runsapi.Depth(step.RawJSON())+2 > runsapi.MaxDepth {
			return nil, errors.New("a step of the run is nested too deeply for clients to read; call again without steps, or with fewer")
		}
		pieces = append(pieces, r.separator(i), step.RawJSON())
	}
	return append(pieces, r.lineEnd(), "]"), nil
}

// stepsError is the error of a request for the steps of a run that could be read.
type stepsError struct {
	run runsapi.Run
	err error
}

func (e *stepsError) Error() string { return "the steps of the run: " + e.err.Error() }
