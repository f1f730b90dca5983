package runsapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Run is a Run object as the API sent it, and the fields of it that we read.
type Run struct {
	ID, Status string
	raw        string
	pollAfter  time.Duration // the API's hint; 0 if it gave none
}

// RawJSON is the whole Run as compact JSON, unknown fields and all.
func (r Run) RawJSON() string { return r.raw }

// Statuses of a Run that end it (https://platform.openai.com/docs/assistants/deep-dive#run-lifecycle).
// Any other, an unknown one too, may still change.
var terminal = []string{"completed", "failed", "cancelled", "expired", "incomplete"}

// Terminal reports whether a Run of that status has ended.
func Terminal(status string) bool { return slices.Contains(terminal, status) }

// Cancellable reports whether the API takes a cancel of a Run of that status.
func Cancellable(status string) bool {
	return status == "queued" || status == "in_progress" || status == "requires_action"
}

// Page is one answer of the list endpoint.
type Page struct {
	// Data holds the runs as the API sent them, each a JSON object.
	Data []string
	// LastID is the cursor behind the page: the API's last_id or, where it
	// sends none, the id of the last run; empty if there is neither.
	LastID  string
	HasMore bool
	raw     string
}

// RawJSON is the whole page as compact JSON, unknown fields and all.
func (p Page) RawJSON() string { return p.raw }

// Around is what stands before and behind the runs in RawJSON.
func (p Page) Around() (before, behind string) {
	at := 1
	for m := range Members(p.raw) {
		end := at + len(m.Raw)
		if m.Name == "data" { // the last, should there be two
			before, behind = p.raw[:end-len(m.Value)+1], p.raw[end-1:]
		}
		at = end + 1
	}
	return before, behind
}

// ListParams are the query of the list endpoint. An empty field is not sent.
type ListParams struct {
	Limit         int    // 1-100 runs a page
	Order         string // "asc" or "desc", by created_at
	After, Before string // cursors: the id of a run
}

// GetRun gets a run.
func (c *Client) GetRun(ctx context.Context, threadID, runID string) (Run, error) {
	if err := errors.Join(checkID("thread_id", threadID), checkID("run_id", runID)); err != nil {
		return Run{}, err
	}
	a, err := c.do(ctx, http.MethodGet, nil, "threads", threadID, "runs", runID)
	if err != nil {
		return Run{}, err
	}
	return c.run(a)
}

// Cannot cancel run with status 'cancelling'. The code of this 400 is null: only
// the message tells it from one that failed.
var cancelledAlready = regexp.MustCompile(`(?i)cannot cancel run with status\W*(cancelling|cancelled)\b`)

// CancelRun asks the API to cancel a run and returns the run, whose status is
// then "cancelling" as a rule. A run that turns out to be cancelling or
// cancelled already, by an earlier try of this call or by somebody else, is a
// success too. The error of a cancel that was accepted, but whose run could not
// be read afterwards, is a [*AfterCancelError].
func (c *Client) CancelRun(ctx context.Context, threadID, runID string) (Run, error) {
	if err := errors.Join(checkID("thread_id", threadID), checkID("run_id", runID)); err != nil {
		return Run{}, err
	}
	a, err := c.do(ctx, http.MethodPost, nil, "threads", threadID, "runs", runID, "cancel")
	var refused *Error
	switch {
	case errors.As(err, &refused) && cancelledAlready.MatchString(refused.Message):
	case err != nil:
		return Run{}, err
	case strings.TrimSpace(a.body.String()) != "":
		run, err := c.run(a)
		if err != nil {
			return Run{}, &AfterCancelError{err}
		}
		return run, nil
	}
	run, err := c.GetRun(ctx, threadID, runID)
	if err != nil {
		return Run{}, &AfterCancelError{err}
	}
	return run, nil
}

// ListRuns gets one page of the runs of a thread.
func (c *Client) ListRuns(ctx context.Context, threadID string, p ListParams) (Page, error) {
	faults := []error{checkID("thread_id", threadID)}
	query := url.Values{}
	if p.Limit != 0 {
		query.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Order != "" {
		query.Set("order", p.Order)
	}
	if p.After != "" {
		query.Set("after", p.After)
		faults = append(faults, checkID("after", p.After))
	}
	if p.Before != "" {
		query.Set("before", p.Before)
		faults = append(faults, checkID("before", p.Before))
	}
	if err := errors.Join(faults...); err != nil {
		return Page{}, err
	}
	a, err := c.do(ctx, http.MethodGet, query, "threads", threadID, "runs")
	if err != nil {
		return Page{}, err
	}
	return c.page(a)
}
