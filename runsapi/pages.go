package runsapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

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
