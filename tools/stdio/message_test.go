package stdio_test

import (
	"strings"
	"testing"
)

func TestBadInput(t *testing.T) {
	long := func(n int) string { return ping(`"long"`) + strings.Repeat(" ", n-len(ping(`"long"`))) }
	deep := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `}}`
	for _, tc := range []struct {
		line, id string // the raw id of the answer; "" is no answer
		code     int64
	}{
		{`{"jsonrpc":"2.0","id":1,"method":}`, "null", -32700},
		{`{"jsonrpc":"2.0","id":1,"method":`, "null", -32700},
		{`hello`, "null", -32700},
		{"\xff\xfe", "null", -32700},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","x":"` + "\xff" + `"}`, "null", -32700},
		{deep, "null", -32700},
		{`[` + ping("1") + `,` + ping("2") + `]`, "null", -32600},
		{`[]`, "null", -32600},
		{`5`, "null", -32600},
		{`"ping"`, "null", -32600},
		{`null`, "null", -32600},
		{`{}`, "null", -32600},
		{`{"id":1,"method":"ping"}`, "1", -32600},
		{`{"jsonrpc":"1.0","id":"x","method":"ping"}`, `"x"`, -32600},
		{`{"jsonrpc":2.0,"id":"x","method":"ping"}`, `"x"`, -32600},
		{`{"jsonrpc":"2.0","id":1}`, "1", -32600},
		{`{"jsonrpc":"2.0","id":1,"method":7}`, "1", -32600},
		{`{"jsonrpc":"2.0"}`, "null", -32600},
		{`{"method":"notifications/initialized"}`, "null", -32600},
		{ping("null"), "null", -32600},
		{ping("1.5"), "null", -32600},
		{ping("1.0"), "1.0", 0},
		{ping("-7.00"), "-7.00", 0},
		{ping("1e3"), "null", -32600},
		{ping("true"), "null", -32600},
		{ping("{}"), "null", -32600},
		{ping("[1]"), "null", -32600},
		{`{"jsonrpc":"2.0","id":1,"method":"no/such"}`, "1", -32601},
		{call("1", "no_such"), "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}`, "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"x"}`, "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}`, "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":5}}`, "1", -32602},
		{long(4<<20 + 1), "null", -32600},
		{long(20 << 20), "null", -32600},
		{long(4 << 20), `"long"`, 0},
		{"\ufeff" + ping("1"), "1", 0},
		{ping("1") + "\r", "1", 0},
		{" \t" + ping("1") + " ", "1", 0},
		{"", "", 0},
		{" \t\r", "", 0},
		{`{"jsonrpc":"2.0","id":7,"result":{}}`, "", 0},
		{`{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}`, "", 0},
		{`{"id":null,"error":{}}`, "", 0},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, "", 0},
		{`{"jsonrpc":"2.0","method":"notifications/whatever","params":5}`, "", 0},
		{`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"panic"}}`, "", 0},
	} {
		p := serve(t)
		p.send(tc.line)
		if tc.id != "" {
			a := p.next()
			if a.Get("id").Raw != tc.id || a.Get("error.code").Int() != tc.code || strings.Contains(a.Raw, "Go ") {
				t.Errorf("%.100q: %s, want id %s and code %d", tc.line, a.Raw, tc.id, tc.code)
			}
		}
		p.send(ping(`"next"`))
		if a := p.next(); a.Get("id").Str != "next" || !a.Get("result").Exists() {
			t.Errorf("%.100q: then %s", tc.line, a.Raw)
		}
		if answers := p.rest(); len(answers) != 0 {
			t.Errorf("%.100q: more than one answer: %v", tc.line, answers)
		}
	}
}
