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
	// TextOnly leaves out the structured content of results, and puts each run of a list on
	// a line of its own.
	TextOnly bool
	// ViewURI is the URI of the resource that shows the results of the tools in hosts with
	// MCP Apps. Empty means that there is none.
	ViewURI string
	// Timeout is the time limit of one HTTP attempt. A call without wait takes little longer.
	// 0 means no limit for either.
	Timeout time.Duration
}

// Instructions returns a text that tells a model when to look for the tools. Some hosts show
// their models nothing else of a server before they search for tools.
func Instructions(readOnly bool) string {
	text := "Runs of OpenAI Assistants threads, on any server of that API: Azure AI Foundry (classic), Portkey, LiteLLM, self-hosted. " +
		"Look here when a thread \"already has an active run\", when a run is stuck, or failed and you need to know why, or to wait for one"
	if !readOnly {
		text += ", or to stop one"
	}
	text += ": list_runs finds the runs of a thread, get_run reads one, with its steps, and waits for it"
	if !readOnly {
		text += ", cancel_run stops it"
	}
	return text + "."
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
	searchHint               string // words that a user may say, for hosts that search tools
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
				RawInputSchema: input().JSON(), RawOutputSchema: r.outputSchema(t.result), Meta: t.meta(r.options),
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

// meta returns the metadata of a tool that some hosts read. Claude Code hides tools behind a
// search, and puts a result of more than 50,000 characters into a file unless the tool allows
// more. Hosts with MCP Apps show the view.
func (t tool[Args]) meta(o Options) *mcp.Meta {
	fields := map[string]any{"anthropic/searchHint": t.searchHint}
	if t.readOnly {
		fields["anthropic/maxResultSizeChars"] = 100_000
	}
	if o.ViewURI != "" {
		fields["ui"] = map[string]any{"resourceUri": o.ViewURI}
	}
	return mcp.NewMetaFromMap(fields)
}

// outputSchema returns the output schema of a tool, or nil if results are texts only.
func (r *runs) outputSchema(schema func() json.RawMessage) json.RawMessage {
	if r.options.TextOnly {
		return nil
	}
	return schema()
}

// result returns the result of a handler or, if it failed, a tool error.
func (r *runs) result(result *stdio.Result, err error) *stdio.Result {
	if err != nil {
		return &stdio.Result{Text: r.explain(err), IsError: true}
	}
	result.TextOnly = r.options.TextOnly
	return result
}
