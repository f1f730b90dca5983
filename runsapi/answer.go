package runsapi

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// MaxDepth is how deep the JSON that is handed to a client may be nested. The parsers of
// some clients fail beyond it.
const MaxDepth = 100

// parseRun reads the JSON object that begins text, which is compact, as a Run, and reports
// whether it has what makes a Run. Of two members with the same name the last counts, as it
// does in clients.
func parseRun(text string) (run Run, isRun bool) {
	if text[0] != '{' {
		return Run{}, false
	}
	var id, status, threadID string
	end := 0
	for {
		name, at := nextMember(text, end)
		if at < 0 {
			break
		}
		end = skip(text, at)
		switch value := text[at:end]; name {
		case "id":
			id = value
		case "status":
			status = value
		case "thread_id":
			threadID = value
		case "created_at":
			run.createdAt = value
		case "error":
			run.hasError = true
		case "started_at":
			run.startedAt = value
		}
	}
	run.raw = text[:max(end, 1)+1]
	var hasID, hasStatus bool
	run.ID, hasID = stringValue(id)
	run.Status, hasStatus = stringValue(status)
	run.threadID, _ = stringValue(threadID)
	return run, hasID && hasStatus
}

// decode returns the body of a 2xx answer, without the credentials that the server may
// have echoed in it.
func (c *Client) decode(a *answer) document {
	d := a.body.decode()
	if d.isJSON {
		d.text = c.currentRedactor().replaceInJSON(d.text)
	}
	return d
}

// run reads the Run in a 2xx answer.
func (c *Client) run(ctx context.Context, a *answer) (Run, error) {
	d := c.decode(a)
	var run Run
	isRun := false
	if d.isJSON {
		run, isRun = parseRun(d.text)
	}
	if isRun && run.hasError && run.threadID == "" { // a gateway may give its errors an id and a status, but no thread
		_, isError := errorBody(d)
		isRun = !isError
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

// page reads the list of runs in a 2xx answer. It leaves out items of data that are not
// objects, because clients would refuse the whole list for one of them.
func (c *Client) page(ctx context.Context, a *answer) (Page, error) {
	d := c.decode(a)
	p := Page{raw: d.text, held: d.held, deep: d.deep}
	data := ""
	for end := 0; d.isJSON; {
		name, at := nextMember(d.text, end)
		if at < 0 {
			break
		}
		if name == "data" { // of two, the last counts
			end = at + p.readData(d.text[at:])
		} else {
			end = skip(d.text, at)
		}
		switch value := d.text[at:end]; name {
		case "data":
			data = value
		case "last_id":
			p.LastID, _ = stringValue(value)
		case "has_more", "hasMore":
			p.more = cmp.Or(parseMore(value), p.more)
		}
	}
	if isEmpty(data) {
		if _, isError := errorBody(d); isError {
			defer release(ctx, d.held)
			return Page{}, c.unexpected(a, d, "a list of runs")
		}
	}
	if p.count > maxItems {
		defer release(ctx, d.held)
		return Page{}, c.complete(&Error{Message: fmt.Sprintf("%s: its list has more than %d items", ErrTooLarge, maxItems), err: ErrTooLarge}, a)
	}
	if data != "null" && !strings.HasPrefix(data, "[") || p.count > 0 && len(p.Data) == 0 {
		defer release(ctx, d.held)
		return Page{}, c.unexpected(a, d, "a list, with an array data of objects,")
	}
	if odd := p.count - len(p.Data); odd > 0 {
		c.log.Warn("left out items of data that are not objects", "items", odd, "path", c.Redact(a.path))
	}
	p.edited = p.count > len(p.Data) || data == "null"
	if p.LastID == "" && len(p.Data) > 0 {
		p.LastID = p.Data[len(p.Data)-1].ID
	}
	return p, nil
}

// readData reads the runs in the array that begins text, compact JSON, and returns where the
// array ends. It keeps at most maxItems of them. Another value than an array has no runs.
func (p *Page) readData(text string) (end int) {
	p.Data, p.count = nil, 0
	if text[0] != '[' {
		return skip(text, 0)
	}
	for end = 1; text[end] != ']'; {
		if text[end] == ',' {
			end++
		}
		if p.count++; text[end] == '{' && p.count <= maxItems {
			run, _ := parseRun(text[end:])
			p.Data = append(p.Data, run)
			end += len(run.raw)
		} else {
			end = skip(text, end)
		}
	}
	return end + 1
}

// maxItems bounds the memory of a list. A server that ignores the limit of a page may send
// thousands of runs, but hardly this many.
const maxItems = 100_000

// isEmpty reports whether the data of a list is empty.
func isEmpty(data string) bool { return data == "null" || data == "[]" }

// more is what the API says about further runs after a page.
type more int

const (
	moreUnknown more = iota // has_more is absent, null or something else
	moreTrue
	moreFalse
)

// parseMore reads the JSON value of has_more, which is a string or a number on some
// servers.
func parseMore(value string) more {
	switch value = strings.Trim(value, `"`); {
	case strings.EqualFold(value, "true"), value == "1":
		return moreTrue
	case strings.EqualFold(value, "false"), value == "0":
		return moreFalse
	}
	return moreUnknown
}
