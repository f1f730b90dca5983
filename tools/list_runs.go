package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"runs-mcp/runsapi"
	"runs-mcp/schema"
	"runs-mcp/tools/stdio"
)

type listRunsArgs struct {
	ThreadID string   `json:"thread_id" jsonschema_description:"Thread of the runs"`
	Fields   []string `json:"fields,omitempty" jsonschema_description:"Top-level Run fields to return, e.g. [\"created_at\",\"last_error\"]; id and status always come. Default: all but instructions and tools, which repeat in every run; [\"*\"]: all"`
	Limit    int      `json:"limit,omitempty" jsonschema:"minimum=1,maximum=100" jsonschema_description:"How many runs to return. Default 20"`
	Order    string   `json:"order,omitempty" jsonschema:"enum=asc,enum=desc" jsonschema_description:"By created_at. Default asc, oldest first"`
	After    string   `json:"after,omitempty" jsonschema_description:"Cursor, a run id: only runs after it"`
	Before   string   `json:"before,omitempty" jsonschema_description:"Cursor, a run id: only runs before it"`
	All      bool     `json:"all,omitempty" jsonschema_description:"Every run, without limit. Default false"`
	Status   []string `json:"status,omitempty" jsonschema:"enum=queued,enum=in_progress,enum=requires_action,enum=cancelling,enum=cancelled,enum=failed,enum=completed,enum=incomplete,enum=expired,enum=active" jsonschema_description:"Only these; active: all that have not ended. Reads on until limit of them are found; scanned: runs looked at"`
}

var listRuns = tool[listRunsArgs]{
	name:  "list_runs",
	title: "List runs",
	description: "List the runs of an assistant thread, a page or all. " +
		"The run that blocks a thread: status [\"active\"]. The latest run: order desc, limit 1. " +
		"Few fields keep the answer short. While has_more is true, after: last_id goes on. Threads cannot be listed: thread ids come from the application.",
	readOnly: true,
	defaults: listRunsArgs{Limit: 20, Order: "asc"},
	result:   schema.Open[listResult],
}

func (r *runs) list(ctx context.Context, a listRunsArgs, call stdio.Call) ([]string, error) {
	p := runsapi.ListParams{Limit: a.Limit, Order: a.Order, After: a.After, Before: a.Before}
	if a.All || len(a.Status) > 0 {
		p.Limit = 100
		return r.scan(ctx, a, p, call)
	}
	call.Progress(0, "reading runs")
	page, err := r.client.ListRuns(ctx, a.ThreadID, p)
	if err != nil {
		return nil, err
	}
	fields := newSelection(a.Fields, true)
	if fields.everything() {
		return []string{page.RawJSON()}, nil
	}
	head, tail := page.Around()
	var list strings.Builder
	list.Grow(len(page.RawJSON()))
	list.WriteString(head)
	for i, run := range page.Data {
		if i > 0 {
			list.WriteByte(',')
		}
		fields.write(&list, run)
	}
	list.WriteString(tail)
	return []string{list.String()}, nil
}

const (
	scanTime  = 45 * time.Second // hosts give a call up after 60 s
	scanBytes = 128 << 20        // twice that is what a client may still parse
)

// scan reads page after page for what a asks for, and makes one list of it.
func (r *runs) scan(ctx context.Context, a listRunsArgs, p runsapi.ListParams, call stdio.Call) ([]string, error) {
	limited, cancel := context.WithTimeoutCause(ctx, scanTime, errors.New("no page of runs came within 45 s; try again later, or ask for one page, without all and status"))
	defer cancel()
	var (
		pages          int // that were read
		found, scanned int
		more           bool
		first, last    string    // runs
		goOn           = p.After // the cursor
		stopped        bool      // before the end was seen
		size           int       // of list
	)
	fields := newSelection(a.Fields, true)
	list := []string{`{"object":"list","data":[`}
	call.Progress(0, "reading runs")
scan:
	for page, err := range r.client.Pages(limited, a.ThreadID, p) {
		switch {
		case err != nil && pages > 0 && limited.Err() != nil && ctx.Err() == nil:
			stopped = true
			break scan
		case err != nil && pages > 0:
			return nil, &pageError{scanned, goOn, err}
		case err != nil:
			return nil, err
		}
		pages++
		var part strings.Builder // of list: long ones are not joined
		if fields.everything() && len(a.Status) == 0 {
			part.Grow(len(page.RawJSON()))
		}
		for _, run := range page.Data {
			if more = !a.All && found == a.Limit; more {
				break
			}
			scanned++
			if !matches(run, a.Status) {
				continue
			}
			if found++; found == 1 {
				first = run
			} else {
				part.WriteByte(',')
			}
			fields.write(&part, run)
			last = run
		}
		if part.Len() > 0 {
			list = append(list, part.String())
			size += part.Len()
		}
		goOn = page.LastID
		if more {
			break
		}
		if !a.All && found == a.Limit {
			more = page.HasMore
			break
		}
		if page.HasMore && goOn != "" && (limited.Err() != nil || size > scanBytes) {
			stopped = true
			break
		}
		if page.HasMore {
			call.Progress(pages, fmt.Sprintf("read %d runs", scanned)) // has to grow each time
		}
	}
	lastID := idOf(last)
	if stopped {
		lastID = quoted(goOn)
	}
	end := fmt.Sprintf(`],"first_id":%s,"last_id":%s,"has_more":%t`, idOf(first), lastID, more || stopped)
	if len(a.Status) > 0 {
		end += fmt.Sprintf(`,"scanned":%d`, scanned)
	}
	return append(list, end+"}"), nil
}

// idOf is the id of a run as JSON, null without one.
func idOf(run string) string { return cmp.Or(gjson.Get(run, "id").Raw, "null") }

// matches reports whether run has one of statuses; every run has, of none.
func matches(run string, statuses []string) bool {
	if len(statuses) == 0 {
		return true
	}
	status := gjson.Get(run, "status")
	return status.Type == gjson.String &&
		(slices.Contains(statuses, status.Str) || slices.Contains(statuses, "active") && !runsapi.Terminal(status.Str))
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// pageError is a page that could not be read, after others that could.
type pageError struct {
	scanned int
	cursor  string // behind the last run that was read
	err     error
}

func (e *pageError) Error() string {
	if errors.Is(e.err, runsapi.ErrCursor) {
		return fmt.Sprintf("The list broke off after reading %d of the runs: this server cannot list them all. A page without all and status may still work.", e.scanned)
	}
	return fmt.Sprintf("The list broke off after reading %d of the runs; to go on, call again with after: %q.", e.scanned, e.cursor)
}
