// Package view is the page that shows runs to people, in hosts with MCP Apps
// (the extension io.modelcontextprotocol/ui). The page, runs.html, is one file
// without dependencies: it asks the host to call the tools, and nothing else.
package view

import (
	_ "embed"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

// URI is what the tools name as the resource that shows their results.
const URI = "ui://runs-mcp/runs.html"

// Extension is the name by which MCP Apps are negotiated.
const Extension = "io.modelcontextprotocol/ui"

const mimeType = "text/html;profile=mcp-app"

// page is a string, which stays in the binary until it is read.
//
//go:embed runs.html
var page string

// Capability is what a server says of the extension.
func Capability() map[string]any {
	return map[string]any{"mimeTypes": []string{mimeType}}
}

// Resource describes the page. It needs no origin but its own, no permission, and
// asks the host for a border.
func Resource() mcp.Resource {
	return mcp.Resource{
		URI: URI, Name: "runs", Title: "Runs at a glance", MIMEType: mimeType,
		Description: "The runs of a thread on a time line, or one run, live",
		Meta:        mcp.NewMetaFromMap(meta()),
	}
}

// Contents is the page. With readOnly it has no Cancel buttons.
func Contents(readOnly bool) mcp.TextResourceContents {
	text := page
	if readOnly {
		text = strings.Replace(text, "<html ", "<html data-read-only ", 1)
	}
	return mcp.TextResourceContents{URI: URI, MIMEType: mimeType, Text: text, Meta: meta()}
}

func meta() map[string]any {
	return map[string]any{"ui": map[string]any{"csp": map[string]any{}, "prefersBorder": true}}
}
