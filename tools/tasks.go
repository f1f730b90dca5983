package tools

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"runs-mcp/runsapi"
	"runs-mcp/tools/stdio"
)

// A task is a view of a run. Nothing is stored here: the id of a task holds its watch, so a
// task outlives the server, and any server with the same API can read it. People and models
// see the id. It consists of words between colons, with thread, run and fields escaped as in a
// URL query:
//
//	get_run:thread_abc:run_123:mhq4zk1c:10m0s:steps=5:fields=usage%2Clast_error
//
// The fourth word is when the task was created, in milliseconds in base 36. Only the first
// four words are always there.

const (
	maxTaskID    = 128 // bytes; clients accept no longer id
	maxSteps     = 100 // as in the schema of get_run
	maxTaskLimit = 24 * time.Hour
)

// taskID returns the id of the task for w, and whether it is short enough.
func (w watch) taskID() (id string, fits bool) {
	words := []string{w.tool, url.QueryEscape(w.threadID), url.QueryEscape(w.runID), strconv.FormatInt(w.created.UnixMilli(), 36)}
	if w.limit > 0 {
		words = append(words, w.limit.String())
	}
	if w.asked {
		words = append(words, "asked")
	}
	if w.steps > 0 {
		words = append(words, fmt.Sprintf("steps=%d", w.steps))
	}
	if len(w.fields) > 0 {
		words = append(words, "fields="+url.QueryEscape(strings.Join(w.fields, ",")))
	}
	id = strings.Join(words, ":")
	return id, len(id) <= maxTaskID
}

var errTaskID = errors.New("not the id of a task")

// parseTaskID parses a task id. A model may have made it up, so every part is checked as the
// arguments of get_run are.
func parseTaskID(id string) (w watch, err error) {
	words := strings.Split(id, ":")
	if len(id) > maxTaskID || len(words) < 4 {
		return w, errTaskID
	}
	w.tool = words[0]
	thread, err1 := url.QueryUnescape(words[1])
	run, err2 := url.QueryUnescape(words[2])
	created, err3 := strconv.ParseInt(words[3], 36, 64)
	if w.tool != getRun.name && w.tool != cancelRun.name || errors.Join(err1, err2, err3, runsapi.CheckIDs(thread, run)) != nil {
		return w, errTaskID
	}
	w.threadID, w.runID, w.created = thread, run, time.UnixMilli(created)
	for _, word := range words[4:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "asked":
			w.asked = true
		case "steps":
			w.steps, err = strconv.Atoi(value)
		case "fields":
			value, err = url.QueryUnescape(value)
			w.fields = strings.Split(value, ",")
		default:
			w.limit, err = time.ParseDuration(word)
		}
		if err != nil {
			return w, errTaskID
		}
	}
	// An id that is not spelled as taskID spells it was not made here.
	if same, _ := w.taskID(); same != id || !w.isPossible() {
		return w, errTaskID
	}
	return w, nil
}

// isPossible reports whether a call can have made the watch.
func (w watch) isPossible() bool {
	const lastYear = 9999 // that ISO 8601 writes with four digits
	return w.steps >= 0 && w.steps <= maxSteps && (w.steps == 0 || w.tool == getRun.name) &&
		w.limit >= 0 && w.limit <= maxTaskLimit && w.limit%time.Second == 0 &&
		w.created.UnixMilli() >= 0 && w.created.UTC().Year() <= lastYear
}

// KnowsTask reports whether id is the id of a task.
func (t *Tools) KnowsTask(id string) bool {
	_, err := parseTaskID(id)
	return err == nil
}

// Task reads a task, with one request for its run. It returns nil if id is not the id of a
// task. drained is as in [stdio.Call].
func (t *Tools) Task(ctx context.Context, id string, drained <-chan struct{}) *stdio.Task {
	w, err := parseTaskID(id)
	if err != nil {
		return nil
	}
	r := t.runs
	ctx, cancel := withTimeLimit(r.client.Begin(ctx), stdio.Call{Drained: drained}, r.callLimit())
	defer cancel()
	run, err := r.client.ReadRun(ctx, w.threadID, w.runID)
	timeIsUp := w.limit > 0 && time.Since(w.created) >= w.limit
	switch {
	case err != nil && (runsapi.Retryable(err) || ctx.Err() != nil) && !timeIsUp:
		return r.unread(w, err)
	case err != nil:
		task := r.unread(w, err)
		task.Result = r.result(nil, w.failed(err))
		return task
	}
	task := r.working(w, run)
	if w.over(run) || timeIsUp {
		task.Result = r.result(r.show(ctx, w, run))
	}
	return task
}

// working returns the task for a run that has been read. The task has no result.
func (r *runs) working(w watch, run runsapi.Run) *stdio.Task {
	id, _ := w.taskID()
	message := r.echo(run.Status)
	if since, ok := run.Since(); ok {
		message += " for " + roughly(time.Since(since))
	}
	return &stdio.Task{ID: id, Message: message, Created: w.created, TTL: w.limit, PollInterval: w.pollInterval(run.PollAfter())}
}

// unread returns the task for a run that could not be read. The task has no result.
func (r *runs) unread(w watch, err error) *stdio.Task {
	id, _ := w.taskID()
	reason, pause := err.Error(), time.Duration(0)
	var api *runsapi.Error
	if errors.As(err, &api) {
		reason, pause = summary(api), api.RetryAfter
	}
	message := "could not be read: " + runsapi.Shorten(r.client.Redact(reason), 3*maxEcho)
	return &stdio.Task{ID: id, Message: message, Created: w.created, TTL: w.limit, PollInterval: max(w.pollInterval(0), min(pause, time.Minute))}
}

// pollInterval returns the time before the task is read again: what the API asks for, or
// else 1 to 5 s, depending on the age of the task.
func (w watch) pollInterval(asked time.Duration) time.Duration {
	switch age := time.Since(w.created); {
	case asked > 0:
		return asked
	case age < 10*time.Second:
		return time.Second
	case age < time.Minute:
		return 2 * time.Second
	}
	return 5 * time.Second
}

// roughly returns a duration in words, in the units that matter.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}
