// Package view has the page that shows runs to people, in hosts with MCP Apps (the extension
// io.modelcontextprotocol/ui). The page, runs.html, is one file without dependencies. All that
// it does is ask its host to call the tools.
package view

import (
	_ "embed"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

// URI is the URI of the page. The tools name it as the resource that shows their results.
const URI = "ui://runs-mcp/runs.html"

const mimeType = "text/html;profile=mcp-app"

// page is a string, so that it stays in the binary until it is asked for.
//
//go:embed runs.html
var page string

// Extensions returns the extension that a server with the page offers to its clients, by its
// name.
func Extensions() map[string]any {
	return map[string]any{"io.modelcontextprotocol/ui": map[string]any{"mimeTypes": []string{mimeType}}}
}

// List returns the page as a list of resources.
func List() []mcp.Resource {
	return []mcp.Resource{{
		URI: URI, Name: "runs", Title: "Runs at a glance", MIMEType: mimeType,
		Description: "A page for hosts with MCP Apps: the runs of a thread on a time line, live",
		Meta:        mcp.NewMetaFromMap(meta()),
	}}
}

// Reader returns a function that returns the page, or nil for any URI but the page's. With
// readOnly, the page does not offer to cancel runs.
func Reader(readOnly bool) func(uri string) mcp.ResourceContents {
	return func(uri string) mcp.ResourceContents {
		if uri != URI {
			return nil
		}
		text := page
		if readOnly {
			text = strings.Replace(text, "<html ", "<html data-read-only ", 1)
		}
		return mcp.TextResourceContents{URI: URI, MIMEType: mimeType, Text: text, Meta: meta()}
	}
}

// meta tells hosts that the page loads nothing from other origins, and looks best with a border.
func meta() map[string]any {
	return map[string]any{"ui": map[string]any{"csp": map[string]any{}, "prefersBorder": true}}
}
