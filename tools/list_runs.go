package tools

import (
	"context"
	"errors"
	"strings"

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
	description: "List the runs of an assistant thread. The run that blocks the thread, or is stuck: status [\"active\"]. The latest run: order desc, limit 1. " +
		"Few fields keep the answer short. While has_more is true, after: last_id goes on. Thread ids come from the application.",
	searchHint: "assistant thread runs active blocked already has an active run latest failed history",
	readOnly:   true,
	defaults:   listRunsArgs{Limit: 20, Order: "asc"},
	result:     schema.Open[listResult],
}

func (r *runs) list(ctx context.Context, a listRunsArgs, call stdio.Call) (*stdio.Result, error) {
	ctx, cancel := withTimeLimit(ctx, call, r.callLimit())
	defer cancel()
	p := runsapi.ListParams{Limit: a.Limit, Order: a.Order, After: a.After, Before: a.Before}
	call.Progress(0, "reading runs")
	if a.All || len(a.Status) > 0 {
		p.Limit = scanPage
		return r.scan(ctx, a, p, call)
	}
	page, err := r.client.ListRuns(ctx, a.ThreadID, p)
	if err != nil {
		return nil, err
	}
	fields := newSelection(a.Fields, true)
	head, tail := page.Envelope()
	var list strings.Builder
	list.WriteString(head)
	for i, run := range page.Data {
		list.WriteString(r.separator(i))
		if err := fields.add(&list, run, page.Deep()); err != nil {
			return nil, err
		}
	}
	list.WriteString(r.lineEnd() + tail)
	if page.Deep() && runsapi.Depth(list.String()) > runsapi.MaxDepth {
		return nil, errors.New("The list is nested too deeply around its runs for clients to read. With all: true it is made anew, without what stands there.")
	}
	return &stdio.Result{JSON: []string{list.String()}}, nil
}

// separator is what stands before the i-th item of a list.
func (r *runs) separator(i int) string {
	if i == 0 {
		return r.lineEnd()
	}
	return "," + r.lineEnd()
}

// lineEnd ends the line of an item in a text of lines: hosts that cut long results
// cut them by lines.
func (r *runs) lineEnd() string {
	if r.options.TextOnly {
		return "\n"
	}
	return ""
}
