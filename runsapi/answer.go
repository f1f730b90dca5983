package runsapi

import (
	"context"
	"strconv"
	"strings"
)

// MaxDepth is how deep the JSON of an answer may be nested: the parsers of some
// clients fail beyond it.
const MaxDepth = 100

// parseRun reads an object in compact JSON as a Run. Of a member that stands
// twice the last counts, as in clients.
func parseRun(raw string) (run Run, isRun bool) {
	var id, status, threadID string
	for m := range Members(raw) {
		switch m.Name {
		case "id":
			id = m.Value
		case "status":
			status = m.Value
		case "thread_id":
			threadID = m.Value
		case "created_at":
			run.createdAt = m.Value
		case "started_at":
			run.startedAt = m.Value
		}
	}
	run.raw = raw
	var hasID, hasStatus bool
	run.ID, hasID = stringValue(id)
	run.Status, hasStatus = stringValue(status)
	run.threadID, _ = stringValue(threadID)
	return run, hasID && hasStatus
}

// decode returns what a success holds, without the credentials that its server may
// have echoed.
func (c *Client) decode(a *answer) document {
	d := a.body.decode()
	if d.isJSON {
		d.text = c.redactResult(d.text)
	}
	return d
}

// run reads the Run that a success holds.
func (c *Client) run(ctx context.Context, a *answer) (Run, error) {
	d := c.decode(a)
	var run Run
	isRun := false
	if d.isJSON {
		run, isRun = parseRun(d.text)
	}
	if !isRun {
		defer release(ctx, d.held)
		return Run{}, c.unexpected(a, d, "a Run object, with a string id and status,")
	}
	run.held, run.deep = d.held, d.deep
	if ms := a.header.Get("Openai-Poll-After-Ms"); ms != "" {
		n, _ := strconv.ParseFloat(ms, 64)
		run.pollAfter = seconds(n / 1000)
	}
	return run, nil
}

// page reads the list of runs that a success holds. Items of data that are no
// objects are left out: one of them would make clients refuse the whole list.
func (c *Client) page(ctx context.Context, a *answer) (Page, error) {
	d := c.decode(a)
	p := Page{raw: d.text, held: d.held, deep: d.deep}
	data := ""
	if d.isJSON {
		for m := range Members(d.text) {
			switch m.Name {
			case "data":
				data = m.Value
			case "last_id":
				p.LastID, _ = stringValue(m.Value)
			case "has_more", "hasMore":
				p.more = parseMore(m.Value)
			}
		}
	}
	var items []string
	isList := strings.HasPrefix(data, "[")
	if isList {
		items = arrayItems(data)
	}
	for _, item := range items {
		if item[0] == '{' {
			run, _ := parseRun(item)
			p.Data = append(p.Data, run)
		}
	}
	if data != "null" && !isList || len(items) > 0 && len(p.Data) == 0 {
		defer release(ctx, d.held)
		return Page{}, c.unexpected(a, d, "a list, with an array data of objects,")
	}
	if odd := len(items) - len(p.Data); odd > 0 {
		c.log.Warn("left out what is no object from data", "items", odd, "path", a.path)
	}
	p.edited = len(items) > len(p.Data) || data == "null"
	if p.LastID == "" && len(p.Data) > 0 {
		p.LastID = p.Data[len(p.Data)-1].ID
	}
	return p, nil
}

// more tells whether the API has runs after a page.
type more int

const (
	moreUnknown more = iota // has_more is absent, null or something else
	moreTrue
	moreFalse
)

func parseMore(value string) more {
	switch value = strings.Trim(value, `"`); {
	case strings.EqualFold(value, "true"), value == "1":
		return moreTrue
	case strings.EqualFold(value, "false"), value == "0":
		return moreFalse
	}
	return moreUnknown
}
