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

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"runs-mcp/runsapi"
	"runs-mcp/schema"
)

// Options are what the tools tell of the settings, and which of them there are.
type Options struct {
	ReadOnly bool   // leaves cancel_run out
	BaseURL  string // where the client calls, without query; for error texts
	KeyName  string // where the credential comes from, such as "OPENAI_API_KEY", if there is one; for error texts
}

// Register adds the tools to s. They call c.
func Register(s *server.MCPServer, c *runsapi.Client, o Options) {
	r := runs{c, o}
	add(s, r, getRun)
	add(s, r, listRuns)
	if !o.ReadOnly {
		add(s, r, cancelRun)
	}
}

// runs is what the handlers work on.
type runs struct {
	client  *runsapi.Client
	options Options
}

// tool is one tool: what a client sees of it, and its handler, which returns
// the JSON of a result. A handler tells the client how far it is with report.
type tool[Args any] struct {
	name, title, description string
	readOnly                 bool
	args                     func() schema.Input[Args]
	result                   func() json.RawMessage
	call                     func(r runs, ctx context.Context, args Args, report func(done int, message string)) (string, error)
}

func add[Args any](s *server.MCPServer, r runs, t tool[Args]) {
	args := t.args()
	s.AddTool(mcp.Tool{
		Name: t.name, Title: t.title, Description: t.description,
		RawInputSchema: args.JSON(), RawOutputSchema: t.result(),
		Annotations: mcp.ToolAnnotation{
			Title:        t.title,
			ReadOnlyHint: &t.readOnly, DestructiveHint: new(!t.readOnly), IdempotentHint: new(true), OpenWorldHint: new(true),
		},
	}, func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		a, err := args.Decode(req.Params.RawArguments)
		if err != nil {
			return failure(r.explain(err)), nil
		}
		result, err := t.call(r, ctx, a, reporter(ctx, s, req))
		if err != nil {
			return failure(r.explain(err)), nil
		}
		return &mcp.CallToolResult{
			Content:           []mcp.Content{mcp.TextContent{Type: mcp.ContentTypeText, Text: result}},
			StructuredContent: rawJSON(result),
		}, nil
	})
}

func failure(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{mcp.TextContent{Type: mcp.ContentTypeText, Text: text}}, IsError: true}
}

// rawJSON is JSON that a transport may write as it is.
type rawJSON string

func (r rawJSON) RawJSON() string { return string(r) }

// MarshalJSON serves transports that encode results with encoding/json.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// reporter sends progress notifications for req, if its client asked for them.
func reporter(ctx context.Context, s *server.MCPServer, req mcp.CallToolRequest) func(int, string) {
	if req.Params.Meta == nil || req.Params.Meta.ProgressToken == nil {
		return func(int, string) {}
	}
	return func(done int, message string) {
		// An error is a client that reads too slowly: it can do without this one.
		_ = s.SendNotificationToClient(ctx, string(mcp.MethodNotificationProgress), map[string]any{
			"progressToken": req.Params.Meta.ProgressToken, "progress": done, "message": message,
		})
	}
}
