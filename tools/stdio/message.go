package stdio

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/tidwall/gjson"
)

// message is what the transport reads of a JSON-RPC message.
type message struct {
	method  string
	id      json.RawMessage // as it came; nil for a notification, or if there is none to echo
	key     string          // the id in one spelling; "" without one
	token   json.RawMessage // the progress token as it came, if there is one
	cancels string          // of notifications/cancelled: the key of the request it names
}

func (m message) isRequest() bool { return m.id != nil }

// parse reads line. A refusal is the answer to one that cannot be served.
func parse(line []byte) (m message, refusal *mcp.JSONRPCErrorDetails) {
	if !utf8.Valid(line) {
		return m, refuse(mcp.PARSE_ERROR, "the message is not valid UTF-8")
	}
	if !valid(line) {
		return m, refuse(mcp.PARSE_ERROR, "the message is not valid JSON")
	}
	root := gjson.ParseBytes(line)
	if root.IsArray() {
		return m, refuse(mcp.INVALID_REQUEST, "batches are not served: send one message a line")
	}
	if !root.IsObject() {
		return m, refuse(mcp.INVALID_REQUEST, "the message is not a JSON-RPC object")
	}
	fields := map[string]gjson.Result{}
	root.ForEach(func(name, value gjson.Result) bool {
		fields[name.String()] = value
		return true
	})
	method, params, id := fields["method"], fields["params"], fields["id"]
	if !method.Exists() && (fields["result"].Exists() || fields["error"].Exists()) {
		return m, nil // an answer to something that was never asked
	}
	if id.Exists() {
		if m.key = key(id); m.key == "" {
			return m, refuse(mcp.INVALID_REQUEST, "the id must be a string or an integer")
		}
		m.id = json.RawMessage(id.Raw)
	}
	switch {
	case fields["jsonrpc"].Type != gjson.String || fields["jsonrpc"].Str != mcp.JSONRPC_VERSION:
		return m, refuse(mcp.INVALID_REQUEST, `"jsonrpc" must be "2.0"`)
	case method.Type != gjson.String:
		return m, refuse(mcp.INVALID_REQUEST, `"method" must be a string`)
	}
	m.method = method.Str
	if m.isRequest() {
		return m, m.readParams(params)
	}
	m.cancels = key(params.Get("requestId"))
	return m, nil
}

// readParams checks what mcp-go would answer with Go's own words, or not at all.
func (m *message) readParams(params gjson.Result) *mcp.JSONRPCErrorDetails {
	if params.Exists() && params.Type != gjson.Null && !params.IsObject() {
		return refuse(mcp.INVALID_PARAMS, `"params" must be an object`)
	}
	if name := params.Get("name"); m.method == string(mcp.MethodToolsCall) && name.Type != gjson.String {
		return refuse(mcp.INVALID_PARAMS, `"params.name" must be a string, the name of a tool`)
	}
	meta := params.Get("_meta")
	if !meta.Exists() || meta.Type == gjson.Null {
		return nil
	}
	if !meta.IsObject() {
		return refuse(mcp.INVALID_PARAMS, `"params._meta" must be an object`)
	}
	if token := meta.Get("progressToken"); token.Type == gjson.String || token.Type == gjson.Number {
		m.token = json.RawMessage(token.Raw)
	}
	version := meta.Get(strings.ReplaceAll(mcp.MetaKeyProtocolVersion, ".", `\.`))
	if version.Exists() && !slices.Contains(mcp.ValidProtocolVersions, version.String()) {
		e := mcp.UnsupportedProtocolVersionError{Version: version.String(), Supported: mcp.ValidProtocolVersions}.JSONRPCError().Error
		return &e
	}
	return nil
}

// valid is json.Valid, faster. What is nested deeply is left to encoding/json,
// which counts where gjson would exhaust the stack.
func valid(line []byte) bool {
	if bytes.Count(line, []byte{'['})+bytes.Count(line, []byte{'{'}) > 10_000 {
		return json.Valid(line)
	}
	return gjson.ValidBytes(line)
}

// key is the one spelling of an id by which 1 and "1" are two and "a" and
// "\u0061" are one; "" for what is neither a string nor an integer.
func key(id gjson.Result) string {
	switch {
	case id.Type == gjson.String:
		return `"` + id.Str
	case id.Type == gjson.Number && !strings.ContainsAny(id.Raw, ".eE"):
		return id.Raw
	}
	return ""
}

func refuse(code int, text string) *mcp.JSONRPCErrorDetails {
	return &mcp.JSONRPCErrorDetails{Code: code, Message: text}
}
