package runsapi

import (
	"context"
	"net/http"
	"regexp"
)

// ahead is a page that has been asked for while the page before it is still being worked on.
// That makes a long list from a server nearby a fifth faster.
type ahead struct {
	params ListParams
	cancel context.CancelFunc
	answer chan aheadAnswer // gets one value
}

type aheadAnswer struct {
	*answer
	err error
}

// pageEnd matches the end of a page that has another one after it, as OpenAI's API and most
// others write it, and finds the cursor.
var pageEnd = regexp.MustCompile(`"last_id"\s*:\s*"([\w-]+)"\s*,\s*"has_more"\s*:\s*true\s*}\s*$`)

// askAhead asks for the page after a, unless a is large, because both are held in memory, or
// does not end as pageEnd says. It goes by the end of the text alone, before a is parsed and
// corrected. If another page turns out to be the next one, a request was made in vain.
func (g *pager) askAhead(ctx context.Context, a *answer) {
	const (
		large  = 2 << 20 // bytes
		enough = 300     // bytes
	)
	text := a.body.Bytes()
	if len(text) > large {
		return
	}
	found := pageEnd.FindSubmatch(text[max(0, len(text)-enough):])
	if found == nil || g.seen[string(found[1])] {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	next := &ahead{g.params, cancel, make(chan aheadAnswer, 1)}
	next.params.After = string(found[1])
	g.ahead = next
	go func() {
		a, err := g.askNow(ctx, next.params)
		next.answer <- aheadAnswer{a, err}
	}()
}

// ask asks for a page, unless that page has already been asked for.
func (g *pager) ask(ctx context.Context, p ListParams) (*answer, error) {
	if g.ahead == nil || g.ahead.params != p {
		g.dropAhead()
		return g.askNow(ctx, p)
	}
	next := <-g.ahead.answer
	g.ahead.cancel()
	g.ahead = nil
	return next.answer, next.err
}

func (g *pager) askNow(ctx context.Context, p ListParams) (*answer, error) {
	return g.client.ask(ctx, request{method: http.MethodGet, threadID: g.threadID}, p)
}

// dropAhead drops the page that has been asked for, if there is one.
func (g *pager) dropAhead() {
	if g.ahead == nil {
		return
	}
	g.ahead.cancel()
	if next := <-g.ahead.answer; next.err == nil {
		next.body.Close()
	}
	g.ahead = nil
}
