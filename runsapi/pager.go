package runsapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// ErrCursor is the error of a list that has more pages, but no cursor to get them with.
var ErrCursor = errors.New("the API says that there are more runs, but gives no cursor to go on from")

// Pages yields page after page of the runs of a thread, from the cursor p.After to the
// cursor p.Before, until the API has no more. If the API does not say whether there are
// more runs, an empty page or a page that repeats the one before it is the end; so is a
// refusal of the page after one that was not full. An error is the last thing that Pages
// yields.
//
// With readAhead, the next page is often asked for before a page is yielded. That is for
// callers that want all of them.
//
// What a page takes of the memory budget is freed when the loop goes on.
func (c *Client) Pages(ctx context.Context, threadID string, p ListParams, readAhead bool) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		pages := pager{client: c, threadID: threadID, params: p, readAhead: readAhead, seen: map[string]bool{p.After: true}}
		defer pages.dropAhead()
		for {
			page, err := pages.read(ctx)
			if pages.guessed && isRefusal(err) {
				return
			}
			if err != nil {
				yield(Page{}, err)
				return
			}
			found, err := pages.advance(&page)
			if !yield(page, nil) {
				return
			}
			release(ctx, page.held)
			if err != nil {
				yield(Page{}, err)
			}
			if !found {
				return
			}
		}
	}
}

// pager is the state of Pages.
type pager struct {
	client    *Client
	threadID  string
	params    ListParams      // for the next page
	seen      map[string]bool // the cursors that were used for After
	guessed   bool            // whether the API gave no sign that there is a next page
	readAhead bool
	ahead     *ahead // the next page, if it has been asked for
}

// read gets the next page.
func (g *pager) read(ctx context.Context) (Page, error) {
	sent := g.params
	if sent.After == "" {
		// With before alone, some servers answer with the page that ends at that cursor
		// instead of the first page. So before is not sent, and the page is cut there.
		sent.Before = ""
	}
	a, err := g.ask(ctx, sent)
	if err != nil {
		return Page{}, err
	}
	if g.readAhead {
		g.askAhead(ctx, a)
	}
	page, err := g.client.corrected(ctx, a, g.params)
	if err == nil && sent.Before != g.params.Before && page.isLast() && !page.reachedBefore {
		// The list does not have the run that before names: the API is asked again with
		// before, to say so in its own words.
		release(ctx, page.held)
		page, err = g.client.listRuns(ctx, g.threadID, g.params, g.params)
	}
	if err == nil && page.repeated && page.count == g.params.Limit {
		if err = g.checkAfter(ctx); err != nil {
			release(ctx, page.held)
		}
	}
	return page, err
}

// advance moves the pager to the page after page and reports whether there is one. It
// also sets whether page has more. The error is an ErrCursor: there are more runs, but
// they cannot be got.
func (g *pager) advance(page *Page) (found bool, err error) {
	if n := len(page.Data); n > 0 && indexOf(page.Data[:n-1], page.LastID) >= 0 {
		page.LastID = page.Data[n-1].ID // some servers swap first_id and last_id
	}
	err = g.checkCursor(page.LastID)
	if page.isLast() || page.more == moreUnknown && err != nil {
		page.more = moreFalse
		return false, nil
	}
	g.guessed = page.more == moreUnknown && page.count < g.params.Limit
	page.more = moreTrue
	if err != nil {
		return false, err
	}
	g.seen[page.LastID] = true
	g.params.After = page.LastID
	return true, nil
}

// checkCursor returns an error if the pager cannot go on from the cursor id.
func (g *pager) checkCursor(id string) error {
	switch {
	case id == "":
		return ErrCursor
	case checkID("last_id", id) != nil:
		return fmt.Errorf("%w: its last_id %q cannot be used as one", ErrCursor, id)
	case g.seen[id]:
		return fmt.Errorf("%w: its last_id %q has come before, and going on would never end", ErrCursor, id)
	}
	return nil
}

// checkAfter returns an [*IgnoredError] if the server ignores after. It is called when
// the server has sent a full page again. The server may also have ignored limit, and
// always send its whole list, which then happens to be as long as a page: in that case
// there are no more runs, and no error.
func (g *pager) checkAfter(ctx context.Context) error {
	p := g.params
	p.Limit, p.After, p.Before = 1, "", ""
	page, err := g.client.listRuns(ctx, g.threadID, p, p)
	if err != nil {
		return err
	}
	release(ctx, page.held)
	if page.count == 1 {
		return errAfterIgnored
	}
	return nil
}

// isLast reports whether the page is the last one, as far as it tells by itself.
func (p Page) isLast() bool {
	return p.more == moreFalse || p.more == moreUnknown && (len(p.Data) == 0 || p.sorted)
}

// isRefusal reports whether the API refused a request in a way that will not pass.
func isRefusal(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500 && !e.retryable
}
