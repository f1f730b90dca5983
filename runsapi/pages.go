package runsapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ListParams are the query parameters of the list endpoint. A zero field is not sent.
type ListParams struct {
	Limit         int    // runs per page, 1-100
	Order         string // "asc" or "desc", by created_at
	After, Before string // cursors: the id of a run
}

// Page is one answer of the list endpoint, corrected as [Client.ListRuns] says.
type Page struct {
	Data []Run
	// LastID is the cursor for the next page: the API's last_id or, if it sent none or the
	// page was cut, the id of the last run. It is empty if there is neither.
	LastID string

	raw    string // the whole answer as compact JSON
	more   more
	edited bool // whether Data differs from the data in raw
	held   int  // how many bytes of the memory budget raw takes
	deep   bool // whether raw is nested deeper than MaxDepth

	// What mend found:
	count         int  // how many runs the API sent
	reachedBefore bool // whether the page was cut at the cursor before
	repeated      bool // whether no run of the page comes after the cursor after
	sorted        bool // whether the whole list came in another order
}

// HasMore reports whether there are runs after the page, as far as the API says so.
func (p Page) HasMore() bool { return p.more == moreTrue }

// Size returns the length in bytes of the JSON that the API sent.
func (p Page) Size() int { return len(p.raw) }

// Deep reports whether the JSON that the API sent is nested deeper than [MaxDepth].
func (p Page) Deep() bool { return p.deep }

// Envelope returns the JSON before and after the runs in Data. It is what the API sent,
// unless Data was corrected: then first_id, last_id and has_more are those of Data, and
// last_id is there if has_more is true.
func (p Page) Envelope() (head, tail string) {
	if p.edited {
		return p.newEnvelope()
	}
	at := 1
	for m := range Members(p.raw) {
		end := at + len(m.Raw)
		if m.Name == "data" { // of two, the last counts
			head, tail = p.raw[:end-len(m.Value)+1], p.raw[end-1:]
		}
		at = end + 1
	}
	return head, tail
}

// newEnvelope returns the API's envelope with first_id, last_id and has_more for the
// runs in Data.
func (p Page) newEnvelope() (head, tail string) {
	firstID, lastID := "null", "null"
	if n := len(p.Data); n > 0 {
		firstID, lastID = JSONString(p.Data[0].ID), JSONString(p.Data[n-1].ID)
	} else if p.more == moreTrue && p.LastID != "" {
		lastID = JSONString(p.LastID) // all runs were of other threads
	}
	var before []string
	hasMore, hasCursor := "", false
	for m := range Members(p.raw) {
		switch m.Name {
		case "data":
		case "has_more", "hasMore":
			hasMore = m.Raw
		case "first_id":
			before = append(before, `"first_id":`+firstID)
		case "last_id":
			before, hasCursor = append(before, `"last_id":`+lastID), true
		default:
			before = append(before, m.Raw)
		}
	}
	switch p.more {
	case moreTrue:
		hasMore = `"has_more":true`
		if !hasCursor {
			before = append(before, `"last_id":`+lastID) // to go on from
		}
	case moreFalse:
		hasMore = `"has_more":false`
	}
	if hasMore != "" {
		before = append(before, hasMore)
	}
	return "{" + strings.Join(append(before, `"data":[`), ","), "]}"
}

// ListRuns gets one page of the runs of a thread. Some servers ignore parts of the
// query. Where the answer shows that, ListRuns corrects the page: it cuts the page at
// the cursors and at the limit, sorts a complete list, and leaves out runs of other
// threads. If the page cannot be corrected, the error is an [*IgnoredError].
func (c *Client) ListRuns(ctx context.Context, threadID string, p ListParams) (Page, error) {
	sent := p
	if p.Limit == 1 && p.Order != "" && p.Before == "" {
		sent.Limit = 2 // one run does not show in which order the server lists
	}
	page, err := c.listRuns(ctx, threadID, sent, sent)
	page.truncate(p.Limit)
	return page, err
}

// Steps gets the latest steps of a run, newest first and at most n (1-100), as a page
// whose Data are the steps (https://platform.openai.com/docs/api-reference/run-steps).
func (c *Client) Steps(ctx context.Context, threadID, runID string, n int) (Page, error) {
	if err := checkID("run_id", runID); err != nil {
		return Page{}, err
	}
	p := ListParams{Limit: max(n, 2), Order: "desc"} // one step does not show in which order the server lists
	page, err := c.list(ctx, request{method: http.MethodGet, threadID: threadID, runID: runID, action: "steps"}, p, p)
	if ignored := (*IgnoredError)(nil); errors.As(err, &ignored) && ignored.Argument == "order" {
		err = &IgnoredError{"order", "it lists the oldest steps first, and there are more than were asked for"}
	}
	page.truncate(n)
	return page, err
}

// truncate keeps at most limit runs in the page; 0 is no limit.
func (p *Page) truncate(limit int) {
	if limit > 0 && len(p.Data) > limit {
		p.Data = p.Data[:limit]
		p.LastID = p.Data[limit-1].ID
		p.more, p.edited = moreTrue, true
	}
}

// listRuns gets a page of runs as list does.
func (c *Client) listRuns(ctx context.Context, threadID string, sent, wanted ListParams) (Page, error) {
	return c.list(ctx, request{method: http.MethodGet, threadID: threadID}, sent, wanted)
}

// list sends r with the query sent, and corrects the answer to be the page that the
// query wanted asks for.
func (c *Client) list(ctx context.Context, r request, sent, wanted ListParams) (Page, error) {
	a, err := c.ask(ctx, r, sent)
	if err != nil {
		return Page{}, err
	}
	return c.corrected(ctx, a, wanted)
}

// ask sends r with the query p.
func (c *Client) ask(ctx context.Context, r request, p ListParams) (*answer, error) {
	faults := []error{checkID("thread_id", r.threadID)}
	r.query = url.Values{}
	if p.Limit != 0 {
		r.query.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Order != "" {
		r.query.Set("order", p.Order)
	}
	for _, cursor := range [][2]string{{"after", p.After}, {"before", p.Before}} {
		if cursor[1] != "" {
			r.query.Set(cursor[0], cursor[1])
			faults = append(faults, checkID(cursor[0], cursor[1]))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return c.do(ctx, r)
}

// corrected reads a page, and corrects it to be the one that the query wanted asks for.
func (c *Client) corrected(ctx context.Context, a *answer, wanted ListParams) (Page, error) {
	page, err := c.page(ctx, a)
	if err != nil {
		return Page{}, err
	}
	if err := page.mend(a.threadID, wanted); err != nil {
		release(ctx, page.held)
		return Page{}, err
	}
	return page, nil
}
