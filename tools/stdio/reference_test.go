package stdio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/tidwall/gjson"

	"runs-mcp/tools/stdio"
)

const (
	modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	echoCall   = `"name":"echo","arguments":{"text":"hello"}`
)

// reference is a server of mcp-go's with the tool echo, which our own server
// offers too.
func reference(options ...server.ServerOption) (*server.MCPServer, stdio.Server) {
	echo := mcp.NewTool("echo", mcp.WithString("text"))
	theirs := server.NewMCPServer("test", "1", append(options, server.WithToolCapabilities(false), server.WithInstructions("Echoes."))...)
	theirs.AddTool(echo, func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText(r.GetString("text", "")), nil
	})
	ours := stdio.Server{
		Info: mcp.Implementation{Name: "test", Version: "1"}, Instructions: "Echoes.",
		ListTools: func() []mcp.Tool { return []mcp.Tool{echo} },
		CallTool: func(_ context.Context, c stdio.Call) *stdio.Result {
			if c.Name != "echo" {
				return nil
			}
			return text(gjson.Get(c.Args, "text").Str)
		},
	}
	return theirs, ours
}

// ask sends one line to a Serve of its own and returns the answer, if there is one.
func ask(t *testing.T, s stdio.Server, line string) string {
	t.Helper()
	var out bytes.Buffer
	if err := stdio.Serve(t.Context(), s, strings.NewReader(line), &out); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// canonical decodes an answer and leaves out the texts of errors.
func canonical(t *testing.T, answer string) any {
	t.Helper()
	if answer == "" || answer == "null" {
		return nil
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	if e, ok := v["error"].(map[string]any); ok {
		delete(e, "message")
	}
	return v
}

func TestAnswersAreThoseOfTheReference(t *testing.T) {
	theirs, ours := reference()
	withLists, _ := reference(server.WithResourceCapabilities(false, false), server.WithPromptCapabilities(false))
	request := func(method, params string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	}
	for _, tc := range []struct {
		line string
		// Why ours is right where the answers differ; with different as the code of
		// our error, or 0 for a result.
		why       string
		different int64
	}{
		{line: request("initialize", `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}`)},
		{line: request("initialize", `{"protocolVersion":"2024-11-05","capabilities":{}}`)},
		{line: request("initialize", `{"protocolVersion":"2026-07-28","capabilities":{}}`)},
		{line: request("initialize", `{"protocolVersion":"1999-01-01","capabilities":{}}`)},
		{line: request("initialize", `{`+modernMeta+`}`)},
		{line: request("ping", `{}`)},
		{line: request("ping", `null`)},
		{line: `{"jsonrpc":"2.0","id":"x","method":"ping"}`},
		{line: request("ping", `{`+modernMeta+`}`)},
		{line: request("tools/list", `{}`)},
		{line: request("tools/list", `{"cursor":""}`)},
		{line: request("tools/list", `{"cursor":"x"}`)},
		{line: request("tools/list", `{`+modernMeta+`}`)},
		{line: request("tools/call", `{`+echoCall+`}`)},
		{line: request("tools/call", `{"name":"echo"}`)},
		{line: request("tools/call", `{`+echoCall+`,`+modernMeta+`}`)},
		{line: request("tools/call", `{"name":"no_such"}`)},
		{line: request("tools/call", `{"name":"no_such",`+modernMeta+`}`)},
		{line: request("server/discover", `{`+modernMeta+`}`)},
		{line: request("server/discover", `{}`)},
		{line: request("subscriptions/listen", `{}`)},
		{line: request("resources/list", `{}`)},
		{line: request("resources/list", `{`+modernMeta+`}`)},
		{line: request("resources/templates/list", `{}`)},
		{line: request("resources/templates/list", `{`+modernMeta+`}`)},
		{line: request("prompts/list", `{}`)},
		{line: request("prompts/list", `{`+modernMeta+`}`)},
		{line: request("prompts/list", `{"cursor":"x"}`)},
		{line: request("no/such", `{}`)},
		{line: request("no/such", `{`+modernMeta+`}`)},
		{line: request("logging/setLevel", `{"level":"debug"}`)},
		{line: request("completion/complete", `{}`)},
		{line: request("tools/call", `{`+echoCall+`,"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25"}}`)},
		{line: request("tools/call", `{`+echoCall+`,"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01","io.modelcontextprotocol/clientCapabilities":{}}}`)},
		{line: request("tools/list", `{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}`)},
		{line: request("tools/list", `{"_meta":{"progressToken":5}}`)},
		{line: request("tools/list", `{"_meta":null}`)},
		{line: `{"jsonrpc":"2.0","method":"notifications/initialized"}`},
		{line: `{"jsonrpc":"2.0","method":"no/such"}`},
		{line: `{"jsonrpc":"2.0","id":7,"result":{}}`},
		{line: `{"jsonrpc":"1.0","id":1,"method":"ping"}`},
		{line: `{"jsonrpc"`},

		{request("tools/list", `{"_meta":5}`), "the request is sound, its parameters are not", -32602},
		{request("initialize", `7`), "the request is sound, its parameters are not", -32602},
		{request("initialize", `{"protocolVersion":"2025-11-25","capabilities":[1]}`), "the request is sound, its parameters are not", -32602},
		{request("tools/call", `{"name":5}`), "the request is sound, its parameters are not", -32602},
		{request("tools/list", `{"_meta":[1]}`), "the request is sound, its parameters are not", -32602},
		{request("tools/list", `[]`), "PHP makes a list of an empty object", 0},
		{request("tools/list", `{"_meta":[ ]}`), "PHP makes a list of an empty object", 0},
		{request("initialize", `{"protocolVersion":"2025-11-25","capabilities":[],"_meta":[]}`), "PHP makes a list of an empty object", 0},
		{request("tools/list", strings.Replace("{"+modernMeta+"}", ":{}", ":[]", 1)), "PHP makes a list of an empty object", 0},
		{`{"jsonrpc":"2.0","id":null,"method":"ping"}`, "a request must not have the id null, and is not a notification either", -32600},
		{`{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, "an id is a string or an integer", -32600},
		{`{"jsonrpc":"2.0","id":{},"method":"ping"}`, "an id is a string or an integer", -32600},
		{`{"jsonrpc":"2.0","id":1}`, "it is not a request", -32600},
		{`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, "it is JSON, but batches are not served", -32600},
		{`5`, "it is JSON, but not a request", -32600},
		{request("tools/list", `{"cursor":5}`), "the request is sound, its parameters are not", -32602},
	} {
		reference := theirs
		if strings.Contains(tc.line, `"resources/`) || strings.Contains(tc.line, `"prompts/`) {
			reference = withLists
		}
		got := ask(t, ours, tc.line)
		b, err := json.Marshal(reference.HandleMessage(t.Context(), json.RawMessage(tc.line)))
		if err != nil {
			t.Fatal(err)
		}
		same := reflect.DeepEqual(canonical(t, got), canonical(t, string(b)))
		switch {
		case !same && tc.why == "":
			t.Errorf("%s\n got %s\nwant %s", tc.line, got, b)
		case same && tc.why != "":
			t.Errorf("%s: the reference answers the same now: %s", tc.line, got)
		case gjson.Get(got, "error.code").Int() != tc.different && tc.why != "":
			t.Errorf("%s\n got %s\nwant code %d, since %s", tc.line, got, tc.different, tc.why)
		}
	}
}

// Some hosts ask for lists that initialize did not offer, and show an error to
// their users if they do not get them.
func TestListsThatAreNotOfferedAreEmpty(t *testing.T) {
	theirs, ours := reference()
	for method, want := range map[string]string{
		"resources/list": `{"resources":[]}`, "resources/templates/list": `{"resourceTemplates":[]}`, "prompts/list": `{"prompts":[]}`,
	} {
		line := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q}`, method)
		if got := gjson.Get(ask(t, ours, line), "result").Raw; got != want {
			t.Errorf("%s: got %s, want %s", method, got, want)
		}
		if b, _ := json.Marshal(theirs.HandleMessage(t.Context(), json.RawMessage(line))); gjson.GetBytes(b, "error.code").Int() != -32601 {
			t.Errorf("%s: the reference answers %s now", method, b)
		}
	}
}

func TestTheReferenceClientIsServed(t *testing.T) {
	_, ours := reference()
	report := ours.CallTool
	ours.CallTool = func(ctx context.Context, c stdio.Call) *stdio.Result {
		c.Progress(1, "working")
		return report(ctx, c)
	}
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- stdio.Serve(t.Context(), ours, in, out)
		out.Close()
	}()
	c := client.NewClient(transport.NewIO(stdout, stdin, io.NopCloser(strings.NewReader(""))))
	progress := make(chan string, 1)
	c.OnNotification(func(n mcp.JSONRPCNotification) {
		if n.Method == string(mcp.MethodNotificationProgress) {
			progress <- fmt.Sprint(n.Params.AdditionalFields["progressToken"], n.Params.AdditionalFields["message"])
		}
	})
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	hello, err := c.Initialize(t.Context(), mcp.InitializeRequest{Params: mcp.InitializeParams{
		ProtocolVersion: mcp.LATEST_PROTOCOL_VERSION, ClientInfo: mcp.Implementation{Name: "c", Version: "1"},
	}})
	if err != nil || hello.ServerInfo.Name != "test" || hello.Instructions != "Echoes." {
		t.Fatal(hello, err)
	}
	list, err := c.ListTools(t.Context(), mcp.ListToolsRequest{})
	if err != nil || len(list.Tools) != 1 || list.Tools[0].Name != "echo" {
		t.Error(list, err)
	}
	var call mcp.CallToolRequest
	call.Params.Name, call.Params.Arguments = "echo", map[string]any{"text": "hello"}
	call.Params.Meta = &mcp.Meta{ProgressToken: "token"}
	result, err := c.CallTool(t.Context(), call)
	if err != nil || len(result.Content) != 1 || result.Content[0].(mcp.TextContent).Text != "hello" {
		t.Error(result, err)
	}
	if got := <-progress; got != "token working" && got != "tokenworking" {
		t.Errorf("progress: %q", got)
	}
	call.Params.Name = "no_such"
	if _, err := c.CallTool(t.Context(), call); err == nil || !strings.Contains(err.Error(), "echo") {
		t.Errorf("an unknown tool: %v", err)
	}
	stdin.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	c.Close()
}

// Linking the reference costs every start 6 ms: its validator compiles at
// start-up what it may never need.
func TestTheProgramDoesNotLinkTheReference(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "runs-mcp").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(out, []byte("runs-mcp/tools/stdio\n")) || bytes.Contains(out, []byte("mcp-go/server\n")) || bytes.Contains(out, []byte("mcp-go/client\n")) {
		t.Errorf("go list -deps: %s", out)
	}
}
