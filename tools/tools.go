// Package tools offers the Runs API to a model as three MCP tools: get_run, list_runs and
// cancel_run. Each has a file with its arguments, its description and its handler.
//
// A success has the API's JSON twice, as a text block and as structuredContent. Any failure,
// bad arguments included, is a tool error: a text of at most 2,000 characters that tells the
// model what failed and what to do next.
package tools

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"runs-mcp/runsapi"
	"runs-mcp/schema"
	"runs-mcp/tools/stdio"
)

// Options says which tools there are, and what their error texts say about the settings.
type Options struct {
	ReadOnly bool   // leaves cancel_run out
	BaseURL  string // where the client calls, without query; for error texts
	KeyName  string // where the credential comes from, such as "OPENAI_API_KEY", if there is one; for error texts
	// Timeout is the time limit of one HTTP attempt. A call without wait takes
	// little longer; 0 is no limit for either.
	Timeout time.Duration
}

// Tools are the tools for one client. An MCP server lists and calls them.
type Tools struct {
	tools []boundTool
	runs  *runs
}

// New returns the tools that call the API through c.
func New(c *runsapi.Client, o Options) *Tools {
	r := &runs{c, o}
	t := &Tools{[]boundTool{bind(r, getRun, r.get), bind(r, listRuns, r.list)}, r}
	if !o.ReadOnly {
		t.tools = append(t.tools, bind(r, cancelRun, r.cancel))
	}
	return t
}

// List returns the descriptions of the tools, including their schemas.
func (t *Tools) List() []mcp.Tool {
	list := make([]mcp.Tool, len(t.tools))
	for i, tool := range t.tools {
		list[i] = tool.describe()
	}
	return list
}

// Call runs the tool that call names. It returns nil if there is no such tool.
func (t *Tools) Call(ctx context.Context, call stdio.Call) *stdio.Result {
	for _, tool := range t.tools {
		if tool.name == call.Name {
			return tool.call(ctx, call)
		}
	}
	return nil
}

// runs has the handlers of the tools as methods.
type runs struct {
	client  *runsapi.Client
	options Options
}

// tool is one tool: what a client sees of it, and its handler.
type tool[Args any] struct {
	name, title, description string
	readOnly                 bool
	defaults                 Args
	result                   func() json.RawMessage // the output schema
}

// boundTool is a tool with its handler, whatever the type of its arguments.
type boundTool struct {
	name     string
	describe func() mcp.Tool
	call     func(ctx context.Context, call stdio.Call) *stdio.Result
}

// bind returns t with its handler.
func bind[Args any](r *runs, t tool[Args], handle func(ctx context.Context, args Args, call stdio.Call) (*stdio.Result, error)) boundTool {
	input := sync.OnceValue(func() schema.Input[Args] { return schema.For(t.defaults) }) // made when first needed, to keep start-up fast
	return boundTool{
		name: t.name,
		describe: func() mcp.Tool {
			return mcp.Tool{
				Name: t.name, Title: t.title, Description: t.description,
				RawInputSchema: input().JSON(), RawOutputSchema: t.result(),
				Annotations: mcp.ToolAnnotation{
					Title:        t.title,
					ReadOnlyHint: &t.readOnly, DestructiveHint: new(!t.readOnly), IdempotentHint: new(true), OpenWorldHint: new(true),
				},
			}
		},
		call: func(ctx context.Context, call stdio.Call) *stdio.Result {
			args, err := input().Decode(call.Args)
			if err != nil {
				return r.result(nil, err)
			}
			return r.result(handle(r.client.Begin(ctx), args, call))
		},
	}
}

// result returns the result of a handler or, if it failed, a tool error.
func (r *runs) result(result *stdio.Result, err error) *stdio.Result {
	if err != nil {
		return &stdio.Result{Text: r.explain(err), IsError: true}
	}
	return result
}
