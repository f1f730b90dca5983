package runsapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ListParams are the query of the list endpoint. An empty field is not sent.
type ListParams struct {
	Limit         int    // 1-100 runs a page
	Order         string // "asc" or "desc", by created_at
	After, Before string // cursors: the id of a run
}

// Page is one answer of the list endpoint, made true to what was asked: see
// [Client.ListRuns].
type Page struct {
	Data []Run
	// LastID is the cursor after the page: the API's last_id or, where it sends
	// none, the id of the last run; empty if there is neither.
	LastID string

	raw    string
	more   more
	edited bool // Data is no longer what raw says
	held   int  // bytes that raw takes of the memory budget
	deep   bool
	// What mend found: how many runs came, whether they were cut at the cursor
	// before, and whether none of them is after the cursor after.
	count                   int
	reachedBefore, repeated bool
}

// HasMore reports whether the API says that there are runs after the page.
func (p Page) HasMore() bool { return p.more == moreTrue }

// Size is the length of the JSON in bytes.
func (p Page) Size() int { return len(p.raw) }

// Deep reports whether the JSON is nested deeper than [MaxDepth].
func (p Page) Deep() bool { return p.deep }

// Envelope is the JSON before and after the runs in Data. It is as the API sent
// it, unless the runs are no longer those that the API sent.
func (p Page) Envelope() (head, tail string) {
	if p.edited {
		return p.newEnvelope()
	}
	at := 1
	for m := range Members(p.raw) {
		end := at + len(m.Raw)
		if m.Name == "data" { // the last, should there be two
			head, tail = p.raw[:end-len(m.Value)+1], p.raw[end-1:]
		}
		at = end + 1
	}
	return head, tail
}

// newEnvelope is the API's envelope, with ids and has_more for the runs in Data.
func (p Page) newEnvelope() (head, tail string) {
	firstID, lastID := "null", "null"
	if n := len(p.Data); n > 0 {
		firstID, lastID = JSONString(p.Data[0].ID), JSONString(p.Data[n-1].ID)
	}
	var before []string
	hasMore := ""
	for m := range Members(p.raw) {
		switch m.Name {
		case "data":
		case "has_more", "hasMore":
			hasMore = m.Raw
		case "first_id":
			before = append(before, `"first_id":`+firstID)
		case "last_id":
			before = append(before, `"last_id":`+lastID)
		default:
			before = append(before, m.Raw)
		}
	}
	switch p.more {
	case moreTrue:
		hasMore = `"has_more":true`
	case moreFalse:
		hasMore = `"has_more":false`
	}
	if hasMore != "" {
		before = append(before, hasMore)
	}
	return "{" + strings.Join(append(before, `"data":[`), ","), "]}"
}

// ListRuns gets one page of the runs of a thread. Some servers ignore parts of
// the query; the page is mended where that can be seen: it is cut at the cursors
// and at the limit, a whole list is put into order, and where a page mixes
// threads the runs of others are left out. What cannot be mended is an
// [*IgnoredError].
func (c *Client) ListRuns(ctx context.Context, threadID string, p ListParams) (Page, error) {
	page, err := c.listRuns(ctx, threadID, p, p)
	page.cut(p.Limit)
	return page, err
}

// Steps gets the latest steps of a run, n at most, newest first, as a page whose
// Data are the steps (https://platform.openai.com/docs/api-reference/run-steps).
func (c *Client) Steps(ctx context.Context, threadID, runID string, n int) (Page, error) {
	if err := checkID("run_id", runID); err != nil {
		return Page{}, err
	}
	p := ListParams{Limit: n, Order: "desc"}
	page, err := c.list(ctx, request{method: http.MethodGet, threadID: threadID, runID: runID, action: "steps"}, p, p)
	page.cut(n)
	return page, err
}

// cut leaves at most limit runs in the page.
func (p *Page) cut(limit int) {
	if limit > 0 && len(p.Data) > limit {
		p.Data = p.Data[:limit]
		p.LastID = p.Data[limit-1].ID
		p.more, p.edited = moreTrue, true
	}
}

func (c *Client) listRuns(ctx context.Context, threadID string, sent, wanted ListParams) (Page, error) {
	return c.list(ctx, request{method: http.MethodGet, threadID: threadID}, sent, wanted)
}

// list asks r for the page sent, and mends what comes to be the page wanted.
func (c *Client) list(ctx context.Context, r request, sent, wanted ListParams) (Page, error) {
	faults := []error{checkID("thread_id", r.threadID)}
	query := url.Values{}
	if sent.Limit != 0 {
		query.Set("limit", strconv.Itoa(sent.Limit))
	}
	if sent.Order != "" {
		query.Set("order", sent.Order)
	}
	for _, cursor := range [][2]string{{"after", sent.After}, {"before", sent.Before}} {
		if cursor[1] != "" {
			query.Set(cursor[0], cursor[1])
			faults = append(faults, checkID(cursor[0], cursor[1]))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return Page{}, err
	}
	r.query = query
	a, err := c.do(ctx, r)
	if err != nil {
		return Page{}, err
	}
	page, err := c.page(ctx, a)
	if err != nil {
		return Page{}, err
	}
	if err := page.mend(r.threadID, wanted); err != nil {
		release(ctx, page.held)
		return Page{}, err
	}
	return page, nil
}

// ErrCursor ends a paging that cannot go on.
var ErrCursor = errors.New("the API says that there are more runs, but gives no cursor to go on from")

// Pages gets page after page of the runs of a thread, from p.After on and up to
// p.Before, until the API has no more. Where it does not say whether it has, a
// page that is empty or has come before is the end. It ends with the first error.
func (c *Client) Pages(ctx context.Context, threadID string, p ListParams) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		seen := map[string]bool{p.After: true}
		sent := p
		if p.After == "" {
			// With before alone some servers begin with the page that ends at the
			// cursor. The first page is cut there instead.
			sent.Before = ""
		}
		for {
			page, err := c.listRuns(ctx, threadID, sent, p)
			if err == nil && sent.Before != p.Before && page.isLast(p.Limit) && !page.reachedBefore {
				// The list has no such run: the API gets the chance to say so.
				release(ctx, page.held)
				page, err = c.listRuns(ctx, threadID, p, p)
			}
			if err == nil && page.repeated && page.count == p.Limit {
				err = c.checkAfter(ctx, threadID, p)
			}
			if err != nil {
				yield(Page{}, err)
				return
			}
			next, err := page.next(p.Limit, seen)
			page.more = moreFalse
			if next != "" || err != nil {
				page.more = moreTrue
			}
			if !yield(page, nil) {
				return
			}
			release(ctx, page.held)
			if err != nil {
				yield(Page{}, err)
				return
			}
			if next == "" {
				return
			}
			p.After = next
			sent = p
		}
	}
}

// isLast reports whether there are no runs after the page, as far as it tells.
func (p Page) isLast(limit int) bool {
	return p.more == moreFalse || p.more == moreUnknown && (p.count < limit || len(p.Data) == 0)
}

// next returns the cursor for the page after this one, empty if this is the last.
func (p Page) next(limit int, seen map[string]bool) (string, error) {
	if p.isLast(limit) {
		return "", nil
	}
	var err error
	switch {
	case p.LastID == "":
		err = ErrCursor
	case checkID("last_id", p.LastID) != nil:
		err = fmt.Errorf("%w: its last_id %q cannot be used as one", ErrCursor, p.LastID)
	case seen[p.LastID]:
		err = fmt.Errorf("%w: its last_id %q has come before, and going on would never end", ErrCursor, p.LastID)
	}
	if err != nil {
		if p.more == moreUnknown {
			return "", nil
		}
		return "", err
	}
	seen[p.LastID] = true
	return p.LastID, nil
}

// checkAfter tells apart two servers that give a full page again: one that always
// gives its whole list, and one that honours limit and ignores after.
func (c *Client) checkAfter(ctx context.Context, threadID string, p ListParams) error {
	p.Limit, p.After, p.Before = 1, "", ""
	page, err := c.listRuns(ctx, threadID, p, p)
	if err != nil {
		return err
	}
	release(ctx, page.held)
	if page.count == 1 {
		return errAfterIgnored
	}
	return nil
}
