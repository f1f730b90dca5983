package stdio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"runs-mcp/tools/stdio"
)

var integer = regexp.MustCompile(`^-?[0-9]+(\.0+)?$`)

// Whatever a line is, what comes out is JSON-RPC; a request gets one answer,
// under its own id; and the next line is served.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		ping("1"), ping(`"1"`), ping("null"), ping("1.0"), ping("9007199254740993"), call("1", "echo"), call("1", "no_such"), cancel("1"),
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","task":5,"_meta":{"progressToken":{}}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}`, `{"jsonrpc":"2.0","result":{}}`, `[` + ping("1") + `]`, "\xff", "\ufeff" + ping("1"), "{}", "null", `{"id":1,"id":"x","jsonrpc":"2.0","method":"ping"}`,
	} {
		f.Add([]byte(s))
	}
	s := offer(nil)
	s.CallTool = func(_ context.Context, c stdio.Call) *stdio.Result {
		c.Progress(1, c.Name)
		return text(c.Args)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.ReplaceAll(line, []byte("\n"), nil)
		var out bytes.Buffer
		in := io.MultiReader(bytes.NewReader(line), strings.NewReader("\n"+ping(`"the next line"`)))
		if err := stdio.Serve(t.Context(), s, in, &out); err != nil {
			t.Fatal(err)
		}
		var answers []map[string]json.RawMessage
		next := 0
		for answer := range bytes.Lines(out.Bytes()) {
			var m map[string]json.RawMessage
			if !utf8.Valid(answer) || json.Unmarshal(answer, &m) != nil || string(m["jsonrpc"]) != `"2.0"` {
				t.Fatalf("%q: wrote %q", line, answer)
			}
			switch {
			case string(m["id"]) == `"the next line"` && next == 0:
				next++
			case m["method"] == nil:
				answers = append(answers, m)
			}
		}
		if next != 1 {
			t.Errorf("%q: the next line was not served: %q", line, out.Bytes())
		}

		var m map[string]json.RawMessage
		line = bytes.Trim(bytes.TrimPrefix(line, []byte("\ufeff")), " \t\r")
		var method, id string
		isObject := utf8.Valid(line) && json.Unmarshal(line, &m) == nil && m != nil
		goodMethod := json.Unmarshal(m["method"], &method) == nil && m["method"] != nil && string(m["method"]) != "null"
		goodID := integer.Match(m["id"]) || json.Unmarshal(m["id"], &id) == nil && m["id"] != nil && string(m["id"]) != "null"
		want := 1
		switch {
		case len(line) == 0:
			want = 0
		case isObject && m["method"] == nil && (m["result"] != nil || m["error"] != nil):
			want = 0
		case isObject && goodMethod && string(m["jsonrpc"]) == `"2.0"` && m["id"] == nil:
			want = 0
		case isObject && goodID:
			if len(answers) == 1 && string(answers[0]["id"]) != string(m["id"]) {
				t.Errorf("%q: answered as %s", line, answers[0]["id"])
			}
		default:
			if len(answers) == 1 && (string(answers[0]["id"]) != "null" || answers[0]["error"] == nil) {
				t.Errorf("%q: answered %q", line, out.Bytes())
			}
		}
		if len(answers) != want && !bytes.Contains(m["jsonrpc"], []byte(`\u`)) {
			t.Errorf("%q: %d answers, want %d: %q", line, len(answers), want, out.Bytes())
		}
	})
}
