package runsapi

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Run is a Run object as the API sent it, and the fields of it that we read.
type Run struct {
	ID, Status string

	raw                  string
	threadID             string        // empty if it has none
	createdAt, startedAt string        // JSON
	pollAfter            time.Duration // the API's hint; 0 if it gave none
	held                 int           // bytes that raw takes of the memory budget
	deep                 bool
}

// RawJSON is the whole Run as compact JSON, unknown fields and all.
func (r Run) RawJSON() string { return r.raw }

// Deep reports whether the JSON is nested deeper than [MaxDepth].
func (r Run) Deep() bool { return r.deep }

// Statuses of a Run that end it (https://platform.openai.com/docs/assistants/deep-dive#run-lifecycle).
// Any other, an unknown one too, may still change.
var terminal = []string{"completed", "failed", "cancelled", "expired", "incomplete"}

// StandardStatus spells a status as OpenAI does: some servers write canceled and
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

// Terminal reports whether a Run of that status has ended.
func Terminal(status string) bool { return slices.Contains(terminal, StandardStatus(status)) }

// Cancelled reports whether a Run of that status is cancelled, or about to be.
func Cancelled(status string) bool {
	status = StandardStatus(status)
	return status == "cancelled" || status == "cancelling"
}

// Cancellable reports whether the API takes a cancel of a Run of that status.
func Cancellable(status string) bool {
	return status == "queued" || status == "in_progress" || status == "requires_action"
}

// Since is when the Run got its status, as far as its times tell: a queued run
// when it was created, one in progress when it was started.
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
	if seconds > 1e11 { // some servers have milliseconds
		seconds /= 1000
	}
	since := time.Unix(int64(seconds), 0)
	return since, !since.After(time.Now())
}

// PollAfter is when the API asks to read the Run again, from 0.1 to 8 s; 0 if it
// does not.
func (r Run) PollAfter() time.Duration {
	if r.pollAfter <= 0 {
		return 0
	}
	return min(max(r.pollAfter, leastPoll), mostPoll)
}

// CheckIDs returns an [*ArgumentError] for ids that would be refused before any
// request.
func CheckIDs(threadID, runID string) error {
	return errors.Join(checkID("thread_id", threadID), checkID("run_id", runID))
}

// GetRun gets a run.
func (c *Client) GetRun(ctx context.Context, threadID, runID string) (Run, error) {
	return c.getRun(ctx, threadID, runID, false)
}

// ReadRun gets a run as one reading of a wait: in one attempt, and with the
// request for a hint when to read it again ([Run.PollAfter]).
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

// CancelRun asks the API to cancel a run and returns the run, whose status is
// then "cancelling" as a rule. What came of it is read off the run, unless the
// answer is the run: a run that is cancelling or cancelled is a success, whoever
// asked for it first.
//
// The error is a [*NotCancelledError] where the API refused and the run could be
// read, and an [*AfterCancelError] where it accepted and the run could not.
func (c *Client) CancelRun(ctx context.Context, threadID, runID string) (Run, error) {
	if err := CheckIDs(threadID, runID); err != nil {
		return Run{}, err
	}
	a, err := c.do(ctx, request{method: http.MethodPost, threadID: threadID, runID: runID, action: "cancel"})
	if err == nil {
		run, err := c.run(ctx, a)
		switch {
		case err != nil:
			return c.afterCancel(ctx, threadID, runID, err)
		case Terminal(run.Status) && !Cancelled(run.Status):
			return Run{}, &NotCancelledError{run, errTooLate}
		}
		return run, nil
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

var errTooLate = errors.New("the API answered to the cancel with the run as it is")

// afterCancel reads the run after a 2xx to the cancel that held no Run: some
// servers answer nothing, {} or "OK". notRun is the error for that answer.
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
	return run, nil // the API accepted the cancel, but has not come to it
}

// endedWords are what servers say of a run that has ended, as "Cannot cancel run
// with status 'completed'.", whose code is null.
var endedWords = regexp.MustCompile(`(?i)cancel|already|ended|finish|complete|terminal|final`)

// mayBeTooLate reports whether a refusal of a cancel may mean that the run has
// ended, or that this server has no cancel, which the run itself tells.
func mayBeTooLate(e *Error) bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity,
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return e.Status >= 500 && endedWords.MatchString(e.Message)
}
