package runsapi

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
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
		}
	}
	run.raw = raw
	var hasID, hasStatus bool
	run.ID, hasID = stringValue(id)
	run.Status, hasStatus = stringValue(status)
	run.threadID, _ = stringValue(threadID)
	return run, hasID && hasStatus
}

// run reads the Run that a success holds.
func (c *Client) run(ctx context.Context, a *answer) (Run, error) {
	d, ok := a.body.document()
	var run Run
	isRun := false
	if ok {
		run, isRun = parseRun(d.json)
	}
	if !isRun {
		defer release(ctx, d.held)
		return Run{}, c.notRuns(a, "a Run object, with a string id and status, was expected, but the body is "+c.describe(d.json, ok))
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
	d, ok := a.body.document()
	p := Page{raw: d.json, held: d.held, deep: d.deep}
	data := ""
	if ok {
		for m := range Members(d.json) {
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
		return Page{}, c.notRuns(a, "a list, with an array data of Run objects, was expected, but the body is "+c.describe(d.json, ok))
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

// describe says what a body is that is not what was expected.
func (c *Client) describe(body string, isJSON bool) string {
	if !isJSON {
		body = c.redact(body) // before the cut, which may halve a secret
		body = body[:min(len(body), maxDescribed)]
	}
	switch v := gjson.Parse(body); {
	case strings.TrimSpace(body) == "":
		return "empty"
	case !isJSON && looksLikeHTML(body):
		return "an HTML page: " + plainText(body)
	case !isJSON:
		return "not JSON: " + body
	case v.IsArray():
		return "a JSON array"
	case v.Get("error").Exists():
		return "an error: " + decodeError([]byte(body)).Message
	case v.IsObject():
		var members []string
		for m := range Members(body) {
			if len(members) == 20 {
				break
			}
			kind := strings.ToLower(gjson.Parse(m.Value[:min(len(m.Value), 1)]).Type.String())
			members = append(members, cut(m.Name, 100)+" ("+kind+")")
		}
		return "an object with " + cmp.Or(strings.Join(members, ", "), "nothing in it")
	}
	return "a bare JSON value"
}
