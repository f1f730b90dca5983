package stdio_test

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"runs-mcp/tools/stdio"
)

func ExampleServe() {
	server := stdio.Server{
		Info:      mcp.Implementation{Name: "greeter", Version: "1.0"},
		ListTools: func() []mcp.Tool { return []mcp.Tool{mcp.NewTool("greet")} },
		CallTool: func(_ context.Context, call stdio.Call) *stdio.Result {
			if call.Name != "greet" {
				return nil
			}
			return &stdio.Result{JSON: []string{`{"greeting":"hello"}`}}
		},
		Log: slog.Default(),
	}
	in := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet"}}`)
	if err := stdio.Serve(context.Background(), server, in, os.Stdout); err != nil {
		slog.Error(err.Error())
	}
	// Output: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"greeting\":\"hello\"}"}],"structuredContent":{"greeting":"hello"}}}
}
