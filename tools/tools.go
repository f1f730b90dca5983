// Package tools offers the Runs API to a model as three MCP tools: get_run,
// list_runs and cancel_run. Each has a file with its arguments, its description
// and its handler.
//
// A success carries the API's JSON twice, as one text block and as
// structuredContent. What goes wrong, bad arguments too, is a tool error: a
// text that tells the model what failed and what to do next, in at most 2,000
// characters.
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

// Options are what the tools tell of the settings, and which of them there are.
type Options struct {
	ReadOnly bool   // leaves cancel_run out
	BaseURL  string // where the client calls, without query; for error texts
	KeyName  string // where the credential comes from, such as "OPENAI_API_KEY", if there is one; for error texts
	// ViewURI is the resource that shows the results of the tools, in hosts with
	// MCP Apps.
	ViewURI string
	// Timeout is the time limit of one HTTP attempt. A call without wait takes
	// little longer; 0 is no limit for either.
	Timeout time.Duration
}

// Tools are the tools over one client, for an MCP server to list and to call.
type Tools struct {
	tools []boundTool
	runs  *runs
}

// New makes the tools over c.
func New(c *runsapi.Client, o Options) *Tools {
	r := &runs{c, o}
	t := &Tools{[]boundTool{bind(r, getRun, r.get), bind(r, listRuns, r.list)}, r}
	if !o.ReadOnly {
		t.tools = append(t.tools, bind(r, cancelRun, r.cancel))
	}
	return t
}

// List describes the tools, schemas and all.
func (t *Tools) List() []mcp.Tool {
	list := make([]mcp.Tool, len(t.tools))
	for i, tool := range t.tools {
		list[i] = tool.describe()
	}
	return list
}

// Call runs the tool that call names, or returns nil if there is none.
func (t *Tools) Call(ctx context.Context, call stdio.Call) *stdio.Result {
	for _, tool := range t.tools {
		if tool.name == call.Name {
			return tool.call(ctx, call)
		}
	}
	return nil
}

// meta names the resource that shows what a tool returns.
func (r *runs) meta() *mcp.Meta {
	if r.options.ViewURI == "" {
		return nil
	}
	return mcp.NewMetaFromMap(map[string]any{"ui": map[string]any{"resourceUri": r.options.ViewURI}})
}

// runs is what the handlers work on.
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

// boundTool is a tool whose type of arguments no longer matters.
type boundTool struct {
	name     string
	describe func() mcp.Tool
	call     func(ctx context.Context, call stdio.Call) *stdio.Result
}

// bind joins a tool and its handler.
func bind[Args any](r *runs, t tool[Args], handle func(ctx context.Context, args Args, call stdio.Call) (*stdio.Result, error)) boundTool {
	input := sync.OnceValue(func() schema.Input[Args] { return schema.For(t.defaults) }) // not needed to start
	return boundTool{
		name: t.name,
		describe: func() mcp.Tool {
			return mcp.Tool{
				Name: t.name, Title: t.title, Description: t.description,
				RawInputSchema: input().JSON(), RawOutputSchema: t.result(),
				Meta: r.meta(),
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

// result is the result of a handler, or the text for its error.
func (r *runs) result(result *stdio.Result, err error) *stdio.Result {
	if err != nil {
		return &stdio.Result{Text: r.explain(err), IsError: true}
	}
	return result
}
