package runsapi

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// Run is a Run object as the API sent it, with the fields that the client reads.
type Run struct {
	ID, Status string

	raw                  string
	threadID             string        // empty if the Run names none
	createdAt, startedAt string        // JSON; empty if the Run has none
	pollAfter            time.Duration // what the API asked for; 0 if it did not
	held                 int           // how many bytes of the memory budget raw takes
	hasError             bool          // whether it has a member error, which no Run of the API has
	deep                 bool          // whether raw is nested deeper than MaxDepth
}

// RawJSON returns the whole Run as compact JSON, unknown fields included.
func (r Run) RawJSON() string { return r.raw }

// Deep reports whether the JSON is nested deeper than [MaxDepth].
func (r Run) Deep() bool { return r.deep }

// StandardStatus returns status as OpenAI spells it: some servers write canceled and
// canceling.
func StandardStatus(status string) string {
	switch status {
	case "canceled":
		return "cancelled"
	case "canceling":
		return "cancelling"
	}
	return status
}

// Terminal reports whether a Run with that status has ended
// (https://platform.openai.com/docs/assistants/deep-dive#run-lifecycle). An unknown
// status is not terminal.
func Terminal(status string) bool {
	switch StandardStatus(status) {
	case "completed", "failed", "cancelled", "expired", "incomplete":
		return true
	}
	return false
}

// Cancelled reports whether a Run with that status is cancelled or cancelling.
func Cancelled(status string) bool {
	status = StandardStatus(status)
	return status == "cancelled" || status == "cancelling"
}

// Cancellable reports whether the API accepts a cancel of a Run with that status.
func Cancellable(status string) bool {
	return status == "queued" || status == "in_progress" || status == "requires_action"
}

// Since returns when the Run got its status: a queued run when it was created, a run in
// progress when it was started. It returns false for any other status, and for a time
// that is missing or in the future.
func (r Run) Since() (time.Time, bool) {
	at := ""
	switch r.Status {
	case "queued":
		at = r.createdAt
	case "in_progress":
		at = r.startedAt
	}
	seconds, err := strconv.ParseFloat(at, 64)
	if err != nil || seconds <= 0 {
		return time.Time{}, false
	}
	if seconds > 1e11 { // some servers count milliseconds
		seconds /= 1000
	}
	since := time.Unix(int64(seconds), 0)
	return since, !since.After(time.Now())
}

// PollAfter returns how long the API asks to wait before the next reading of the Run,
// between 0.1 s and 8 s, or 0 if it does not ask.
func (r Run) PollAfter() time.Duration {
	if r.pollAfter <= 0 {
		return 0
	}
	return min(max(r.pollAfter, minPollPause), maxPollPause)
}

// CheckIDs returns an [*ArgumentError] if a call with these ids would be refused before
// any request is sent.
func CheckIDs(threadID, runID string) error {
	return errors.Join(checkID("thread_id", threadID), checkID("run_id", runID))
}

// GetRun gets a run, with retries.
func (c *Client) GetRun(ctx context.Context, threadID, runID string) (Run, error) {
	return c.getRun(ctx, threadID, runID, false)
}

// ReadRun gets a run in one attempt, and asks the API when to read it again
// ([Run.PollAfter]). It is for callers that read the run repeatedly.
func (c *Client) ReadRun(ctx context.Context, threadID, runID string) (Run, error) {
	return c.getRun(ctx, threadID, runID, true)
}

func (c *Client) getRun(ctx context.Context, threadID, runID string, poll bool) (Run, error) {
	if err := CheckIDs(threadID, runID); err != nil {
		return Run{}, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, threadID: threadID, runID: runID, poll: poll})
	if err != nil {
		return Run{}, err
	}
	return c.run(ctx, a)
}

// CancelRun asks the API to cancel a run, and returns the run. Its status is usually
// "cancelling" then. If the API refuses, or answers without the run, CancelRun reads the
// run to see what happened: if it is cancelling or cancelled, for whatever reason, that
// is a success.
//
// The error is a [*NotCancelledError] if the API refused and the run could be read, and an
// [*AfterCancelError] if the API accepted and the run could not be read.
func (c *Client) CancelRun(ctx context.Context, threadID, runID string) (Run, error) {
	if err := CheckIDs(threadID, runID); err != nil {
		return Run{}, err
	}
	a, err := c.do(ctx, request{method: http.MethodPost, threadID: threadID, runID: runID, action: "cancel"})
	if err == nil {
		run, err := c.run(ctx, a)
		if err == nil && (Cancelled(run.Status) || Cancellable(run.Status) && run.ID == runID) {
			return run, nil
		}
		release(ctx, run.held)
		return c.afterCancel(ctx, threadID, runID, err)
	}
	var refusal *Error
	if !errors.As(err, &refusal) || !mayBeTooLate(refusal) {
		return Run{}, err
	}
	run, readErr := c.GetRun(ctx, threadID, runID)
	switch {
	case readErr != nil:
		return Run{}, err
	case Cancelled(run.Status):
		return run, nil
	}
	return Run{}, &NotCancelledError{run, err}
}

// afterCancel reads the run after the cancel was answered with a 2xx that does not show
// what came of it: some servers answer with an empty body, {}, "OK" or another object.
// notRun is the error for an answer without a Run.
func (c *Client) afterCancel(ctx context.Context, threadID, runID string, notRun error) (Run, error) {
	run, err := c.GetRun(ctx, threadID, runID)
	var answer *Error
	switch {
	case err != nil:
		return Run{}, &AfterCancelError{err}
	case Cancelled(run.Status):
		return run, nil
	case Terminal(run.Status), errors.As(notRun, &answer) && !answer.acknowledges:
		return Run{}, &NotCancelledError{run, notRun}
	}
	return run, nil // the API has accepted the cancel, but not carried it out yet
}

// endedWords matches what servers say if a run has ended, such as "Cannot cancel run with
// status 'completed'." That error has no code to go by.
var endedWords = regexp.MustCompile(`(?i)cancel|already|ended|finish|complete|terminal|final`)

// mayBeTooLate reports whether a refusal of a cancel may mean that the run has ended, or
// that this server has no cancel. Reading the run then tells which.
func mayBeTooLate(e *Error) bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity,
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return e.Status >= 500 && endedWords.MatchString(e.Message)
}
