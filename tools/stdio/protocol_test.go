package stdio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestProtocolVersions(t *testing.T) {
	p := serve(t)
	ask := func(method, params string) gjson.Result {
		p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params))
		return p.next()
	}
	modern := func(version string) string {
		return `"_meta":{"io.modelcontextprotocol/protocolVersion":` + version + `,"io.modelcontextprotocol/clientCapabilities":{}}`
	}
	// Discovery first, then initialize, on one connection, as some hosts do.
	d := ask("server/discover", "{"+modern(`"2026-07-28"`)+"}").Get("result")
	if d.Get("supportedVersions.0").Str != "2026-07-28" || d.Get("resultType").Str != "complete" || !d.Get("ttlMs").Exists() || !d.Get("cacheScope").Exists() ||
		d.Get(`_meta.io\.modelcontextprotocol/serverInfo.name`).Str != "test" {
		t.Error(d.Raw)
	}
	for version, want := range map[string]string{"2024-11-05": "2024-11-05", "2025-03-26": "2025-03-26", "2025-06-18": "2025-06-18", "2025-11-25": "2025-11-25", "2026-07-28": "2025-11-25", "1900-01-01": "2025-11-25"} {
		r := ask("initialize", `{"protocolVersion":"`+version+`","capabilities":{},"clientInfo":{"name":"c","version":"1"}}`)
		if got := r.Get("result.protocolVersion").Str; got != want || r.Get("result.capabilities.tools.listChanged").Bool() {
			t.Errorf("%s: %s", version, r.Raw)
		}
	}
	for _, method := range []string{"tools/list", "tools/call", "server/discover"} {
		r := ask(method, `{"name":"echo",`+modern(`"2026-07-28"`)+"}").Get("result")
		if r.Get("resultType").Str != "complete" || r.Get(`_meta.io\.modelcontextprotocol/serverInfo.name`).Str != "test" || (method != "tools/call") != r.Get("ttlMs").Exists() {
			t.Errorf("%s: %s", method, r.Raw)
		}
	}
	if r := ask("tools/call", `{"name":"echo"}`); r.Get("result.resultType").Exists() || r.Get("result._meta").Exists() {
		t.Errorf("a legacy call got %s", r.Raw)
	}
	for _, version := range []string{`"1900-01-01"`, `"2099-01-01"`, `"2026-07-29"`, `""`, `7`, `{}`} {
		e := ask("tools/call", `{"name":"echo",`+modern(version)+"}").Get("error")
		if e.Get("code").Int() != -32022 || e.Get("data.supported.#").Int() != 5 || !e.Get("data.requested").Exists() {
			t.Errorf("%s: %s", version, e.Raw)
		}
	}
	if e := ask("ping", "{"+modern(`"2026-07-28"`)+"}").Get("error.code").Int(); e != -32601 {
		t.Error(e)
	}
	// A subscription to nothing that changes ends at once, with ids as they came.
	p.send(`{"jsonrpc":"2.0","id":9007199254740993,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + modern(`"2026-07-28"`) + `}}`)
	ack, end := p.next(), p.next()
	const id = `_meta.io\.modelcontextprotocol/subscriptionId`
	if ack.Get("params."+id).Raw != "9007199254740993" || end.Get("result."+id).Raw != "9007199254740993" || end.Get("id").Raw != "9007199254740993" {
		t.Error(ack.Raw, end.Raw)
	}
	p.rest()
}

func TestWhatIsNotOfferedIsNoMethod(t *testing.T) {
	p := serve(t)
	for _, method := range []string{"server/discover", "subscriptions/listen", "resources/read"} {
		p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q}`, method))
		if a := p.next(); a.Get("error.code").Int() != -32601 {
			t.Errorf("%s without a version: %s", method, a.Raw)
		}
	}
	p.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`)
	if a := p.next(); a.Get("error.code").Int() != -32602 {
		t.Errorf("without client capabilities: %s", a.Raw)
	}
	p.rest()
}

func TestEmptyListsStandForEmptyObjects(t *testing.T) {
	p := serve(t)
	ask := func(method, params string) gjson.Result {
		p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params))
		return p.next()
	}
	const version = `"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":`
	for _, tc := range []struct{ method, params string }{
		{"ping", "%s"}, {"tools/list", "%s"}, {"tools/list", `{"_meta":%s}`}, {"tools/call", `{"name":"echo","_meta":%s}`},
		{"initialize", `{"protocolVersion":"2025-11-25","capabilities":%s}`}, {"tools/list", `{"_meta":{` + version + `%s}}`},
	} {
		for _, empty := range []string{"[]", "[ ]", "{}"} {
			if a := ask(tc.method, fmt.Sprintf(tc.params, empty)); !a.Get("result").Exists() {
				t.Errorf("%s %s with %s: %s", tc.method, tc.params, empty, a.Raw)
			}
		}
		for _, other := range []string{"[1]", "[[]]", "[{}]", `""`, "0", "false"} {
			if a := ask(tc.method, fmt.Sprintf(tc.params, other)); a.Get("error.code").Int() != -32602 {
				t.Errorf("%s %s with %s: %s", tc.method, tc.params, other, a.Raw)
			}
		}
	}
	for args, want := range map[string]string{"[]": "", "[ ]": "", "null": "", "{}": "{}", "[1]": "[1]", `"x"`: `"x"`} {
		if got := ask("tools/call", `{"name":"echo","arguments":`+args+"}").Get("result.content.0.text").Str; got != want {
			t.Errorf("arguments %s: the tool got %q, want %q", args, got, want)
		}
	}
	p.rest()
}

func TestWhatIsEchoedIsCut(t *testing.T) {
	p := serve(t)
	long := strings.Repeat("é", 100_000)
	for name, line := range map[string]string{
		"method":  `{"jsonrpc":"2.0","id":1,"method":"` + long + `"}`,
		"tool":    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + long + `"}}`,
		"cursor":  `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"` + long + `"}}`,
		"version": `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"` + long + `"}}}`,
	} {
		p.send(line)
		a := p.next()
		if n := strings.Count(a.Raw, "é"); !a.Get("error").Exists() || n > 200 || len(a.Raw) > 1000 {
			t.Errorf("%s: %d characters are echoed in %d bytes", name, n, len(a.Raw))
		}
	}
	for method, want := range map[string]string{strings.Repeat("é", 100): strings.Repeat("é", 100), strings.Repeat("é", 101): strings.Repeat("é", 99) + "…"} {
		p.send(`{"jsonrpc":"2.0","id":1,"method":"` + method + `"}`)
		if got := p.next().Get("error.message").Str; got != fmt.Sprintf("there is no method %q", want) {
			t.Errorf("a method of %d bytes: %s", len(method), got)
		}
	}
	p.rest()
}

func TestAnUnknownToolsErrorNamesTheTools(t *testing.T) {
	p := serve(t)
	p.send(call("1", "runs__echo"))
	if a := p.next(); a.Get("error.message").Str != `there is no tool "runs__echo"; the tools are: echo` || a.Get("error.code").Int() != -32602 {
		t.Error(a.Raw)
	}
	p.rest()
}

func TestModernListsHaveCacheHints(t *testing.T) {
	p := serve(t)
	for method, member := range map[string]string{"tools/list": "tools", "resources/list": "resources", "resources/templates/list": "resourceTemplates", "prompts/list": "prompts"} {
		p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, method, modernMeta))
		r := p.next().Get("result")
		if !r.Get(member).IsArray() || r.Get("ttlMs").Raw != "0" || r.Get("cacheScope").Str != "private" || r.Get("resultType").Str != "complete" {
			t.Errorf("%s: %s", method, r.Raw)
		}
	}
	p.rest()
}

func TestTheNameOfAToolIsAString(t *testing.T) {
	p := serve(t)
	for _, params := range []string{`{}`, `{"name":null}`, `{"name":1}`, `{"name":["echo"]}`, `{"name":{}}`} {
		p.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + params + `}`)
		if e := p.next().Get("error"); e.Get("code").Int() != -32602 || !strings.Contains(e.Get("message").Str, `"params.name" must be a string`) {
			t.Errorf("%s: %s", params, e.Raw)
		}
	}
	p.rest()
}
