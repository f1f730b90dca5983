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
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"runs-mcp/runsapi"
	"runs-mcp/schema"
)

// Options are what the tools tell of the settings, and which of them there are.
type Options struct {
	ReadOnly bool   // leaves cancel_run out
	BaseURL  string // where the client calls, without query; for error texts
	KeyName  string // where the credential comes from, such as "OPENAI_API_KEY", if there is one; for error texts
}

// Tools are the tools over one client, for an MCP server to list and to call.
type Tools struct{ tools []boundTool }

// New makes the tools over c.
func New(c *runsapi.Client, o Options) *Tools {
	r := runs{c, o}
	t := &Tools{[]boundTool{bind(getRun, r), bind(listRuns, r)}}
	if !o.ReadOnly {
		t.tools = append(t.tools, bind(cancelRun, r))
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

// Report is how a tool tells its client how far it is.
type Report = func(done int, message string)

// Call calls the tool of that name, or returns nil if there is none.
func (t *Tools) Call(ctx context.Context, name string, args json.RawMessage, report Report) *mcp.CallToolResult {
	for _, tool := range t.tools {
		if tool.name == name {
			return tool.call(ctx, args, report)
		}
	}
	return nil
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
	call                     func(r runs, ctx context.Context, args Args, report Report) (rawJSON, error)
}

// boundTool is a tool whose type of arguments no longer matters.
type boundTool struct {
	name     string
	describe func() mcp.Tool
	call     func(ctx context.Context, args json.RawMessage, report Report) *mcp.CallToolResult
}

func bind[Args any](t tool[Args], r runs) boundTool {
	args := sync.OnceValue(func() schema.Input[Args] { return schema.For(t.defaults) }) // not needed to start
	return boundTool{
		name: t.name,
		describe: func() mcp.Tool {
			return mcp.Tool{
				Name: t.name, Title: t.title, Description: t.description,
				RawInputSchema: args().JSON(), RawOutputSchema: t.result(),
				Annotations: mcp.ToolAnnotation{
					Title:        t.title,
					ReadOnlyHint: &t.readOnly, DestructiveHint: new(!t.readOnly), IdempotentHint: new(true), OpenWorldHint: new(true),
				},
			}
		},
		call: func(ctx context.Context, raw json.RawMessage, report Report) *mcp.CallToolResult {
			a, err := args().Decode(raw)
			if err != nil {
				return failure(r.explain(err))
			}
			result, err := t.call(r, ctx, a, report)
			if err != nil {
				return failure(r.explain(err))
			}
			return &mcp.CallToolResult{StructuredContent: result}
		},
	}
}

func failure(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{mcp.TextContent{Type: mcp.ContentTypeText, Text: text}}, IsError: true}
}

// rawJSON is the JSON of a result, in pieces: a list of megabytes is never joined.
type rawJSON []string

// RawJSON gives the pieces, for a transport to write them as they are.
func (r rawJSON) RawJSON() []string { return r }

// MarshalJSON joins the pieces, for a transport that knows only encoding/json.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(strings.Join(r, "")), nil }
