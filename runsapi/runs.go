package runsapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
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
var (
	cancelledAlready    = regexp.MustCompile(`(?i)cannot cancel run with status\W*(cancelling|cancelled)\b`)
	errCancelledAlready = errors.New("cancelled already")
)

// CancelRun asks the API to cancel a run and returns the run, whose status is
// then "cancelling" as a rule. A run that turns out to be cancelling or
// cancelled already, by an earlier try of this call or by somebody else, is a
// success too. The error of a cancel that was accepted, but whose run could not
// be read afterwards, is a [*CancelledError].
func (c *Client) CancelRun(ctx context.Context, threadID, runID string) (Run, error) {
	if err := errors.Join(checkID("thread_id", threadID), checkID("run_id", runID)); err != nil {
		return Run{}, err
	}
	a, err := c.do(ctx, http.MethodPost, nil, "threads", threadID, "runs", runID, "cancel")
	var refused *Error
	switch {
	case errors.As(err, &refused) && refused.err == errCancelledAlready:
	case err != nil:
		return Run{}, err
	case strings.TrimSpace(a.body.String()) != "":
		run, err := c.run(a)
		if err != nil {
			return Run{}, &CancelledError{err}
		}
		return run, nil
	}
	run, err := c.GetRun(ctx, threadID, runID)
	if err != nil {
		return Run{}, &CancelledError{err}
	}
	return run, nil
}

// CancelledError is what went wrong after the API had accepted a cancel.
type CancelledError struct{ Err error }

func (e *CancelledError) Error() string { return "cancel was requested, but " + e.Err.Error() }

// Unwrap gives the error of the call that failed.
func (e *CancelledError) Unwrap() error { return e.Err }

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

// ErrCursor ends a paging that could not go on: has_more is true, but the API
// gives no cursor, or one that it gave before.
var ErrCursor = errors.New("the API says has_more")

// Pages gets page after page of the runs of a thread, from p.After on, until
// has_more is false. It ends with the first error.
func (c *Client) Pages(ctx context.Context, threadID string, p ListParams) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		seen := map[string]bool{p.After: true}
		pages, err := c.firstPages(ctx, threadID, p)
		for {
			more := false
			for _, page := range pages {
				if !yield(page, nil) {
					return
				}
				if more = page.HasMore; more && err == nil {
					p.After, err = cursor(page, seen)
				}
			}
			if err != nil {
				yield(Page{}, err)
				return
			}
			if !more {
				return
			}
			var next Page
			next, err = c.ListRuns(ctx, threadID, p)
			if pages = nil; err == nil {
				pages = []Page{next}
			}
		}
	}
}

// cursor is what the page behind page is asked for with, if it was not seen before.
func cursor(page Page, seen map[string]bool) (string, error) {
	switch {
	case page.LastID == "":
		return "", fmt.Errorf("%w, but sends no last_id to go on from", ErrCursor)
	case checkID("last_id", page.LastID) != nil:
		return "", fmt.Errorf("%w, but its last_id %.100q cannot be used as a cursor", ErrCursor, page.LastID)
	case seen[page.LastID]:
		return "", fmt.Errorf("%w, but its last_id %q has come before: going on would never end", ErrCursor, page.LastID)
	}
	seen[page.LastID] = true
	return page.LastID, nil
}

// firstPages gets the page that a paging begins with, and the next if it had to
// look at that. Given before alone, some servers begin at the beginning, and
// some with the page that ends at the cursor: of those, the true first page is
// asked for without it. An error is of the page behind those returned.
func (c *Client) firstPages(ctx context.Context, threadID string, p ListParams) ([]Page, error) {
	page, err := c.ListRuns(ctx, threadID, p)
	if err != nil {
		return nil, err
	}
	if p.Before == "" || p.After != "" || !page.HasMore || checkID("last_id", page.LastID) != nil {
		return []Page{page}, nil
	}
	next := p
	next.After = page.LastID
	rest, err := c.ListRuns(ctx, threadID, next)
	if err != nil {
		return []Page{page}, err
	}
	if len(rest.Data) > 0 || rest.HasMore {
		return []Page{page, rest}, nil
	}
	before := p.Before
	p.Before = ""
	if page, err = c.ListRuns(ctx, threadID, p); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(page.Data, func(run string) bool { return field(run, "id") == `"`+before+`"` }); i >= 0 {
		page.Data, page.HasMore = page.Data[:i], false
	}
	return []Page{page}, nil
}

// run reads the Run that a success holds.
func (c *Client) run(a *answer) (Run, error) {
	defer a.body.Close()
	raw, ok := normalize(a.body.Bytes())
	var id, status string
	for m := range Members(raw) { // of a name that comes twice the last counts, as in clients
		switch m.Name {
		case "id":
			id = m.Value
		case "status":
			status = m.Value
		}
	}
	run := Run{raw: raw}
	var isText, hasStatus bool
	run.ID, isText = text(id)
	run.Status, hasStatus = text(status)
	if !isText || !hasStatus {
		return Run{}, c.notRuns(a, "a Run object, with a string id and status, was expected, but the body is "+c.describe(a.body.Bytes(), raw, ok))
	}
	if ms := a.header.Get("Openai-Poll-After-Ms"); ms != "" {
		n, _ := strconv.ParseFloat(ms, 64)
		run.pollAfter = seconds(n / 1000)
	}
	return run, nil
}

// page reads the list of runs that a success holds. Items of data that are no
// objects are left out: one of them would make clients refuse the whole list.
func (c *Client) page(a *answer) (Page, error) {
	defer a.body.Close()
	raw, ok := normalize(a.body.Bytes())
	p := Page{raw: raw}
	data := ""
	for m := range Members(raw) {
		switch m.Name {
		case "data":
			data = m.Value
		case "last_id":
			p.LastID, _ = text(m.Value)
		case "has_more":
			p.HasMore = strings.EqualFold(strings.Trim(m.Value, `"`), "true") // some send a string
		}
	}
	isList := data != "" && data[0] == '['
	if isList {
		p.Data = items(data)
	}
	all := len(p.Data)
	p.Data = slices.DeleteFunc(p.Data, func(item string) bool { return item[0] != '{' })
	if !isList || all > 0 && len(p.Data) == 0 {
		return Page{}, c.notRuns(a, "a list, with an array data of Run objects, was expected, but the body is "+c.describe(a.body.Bytes(), raw, ok))
	}
	if odd := all - len(p.Data); odd > 0 {
		before, behind := p.Around()
		p.raw = before + strings.Join(p.Data, ",") + behind
		c.log.Warn("left out what is no object from data", "items", odd, "path", a.path)
	}
	if p.LastID == "" && len(p.Data) > 0 {
		p.LastID, _ = text(field(p.Data[len(p.Data)-1], "id"))
	}
	return p, nil
}

// field is the value of a member of an object in compact JSON, "" if there is none.
func field(object, name string) (value string) {
	for m := range Members(object) {
		if m.Name == name {
			value = m.Value
		}
	}
	return value
}

// describe says what a body is that is not what it should be.
func (c *Client) describe(body []byte, raw string, isJSON bool) string {
	const most = 64 << 10
	text := c.redact(string(body[:min(len(body), most+margin)])) // before the cut, which may halve a secret
	text = strings.TrimSpace(text[:min(len(text), most)])
	switch v := gjson.Parse(raw); {
	case text == "":
		return "empty"
	case !isJSON && looksLikeHTML(text):
		return "an HTML page: " + plainText(text)
	case !isJSON:
		return "not JSON: " + text
	case v.IsArray():
		return "a JSON array"
	case v.Get("error").Exists():
		return "an error: " + decodeError([]byte(raw)).Message
	case v.IsObject():
		var keys []string
		v.ForEach(func(key, value gjson.Result) bool {
			kind := strings.ToLower(value.Type.String())
			if value.IsObject() || value.IsArray() {
				kind = value.Raw[:1] + "…"
			}
			keys = append(keys, key.String()+" ("+kind+")")
			return len(keys) < 20
		})
		return "an object with " + cmp.Or(strings.Join(keys, ", "), "nothing in it")
	}
	return "a bare JSON value"
}
