package runsapi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// run reads the Run that a success holds.
func (c *Client) run(a *answer) (Run, error) {
	defer a.body.Close()
	raw, ok := normalize(a.body.Bytes())
	raw = c.redactResult(raw)
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
		return Run{}, c.unexpected(a, cmp.Or(raw, a.body.String()), ok, "a Run object, with a string id and status,")
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
	raw = c.redactResult(raw)
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
		return Page{}, c.unexpected(a, cmp.Or(raw, a.body.String()), ok, "a list, with an array data of Run objects,")
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
