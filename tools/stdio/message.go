package stdio

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/tidwall/gjson"
)

// message is what is read of a JSON-RPC message. Method, id and params are as
// they came.
type message struct {
	method string
	id     string // "" for a notification, or if there is none to echo
	key    string // the same for all spellings of the id; "" without one
	params string
	fault  *mcp.JSONRPCErrorDetails // the answer to a message that cannot be served
}

// parse reads line. A fault is the answer to one that cannot be served.
func parse(line []byte) (m message, fault *mcp.JSONRPCErrorDetails) {
	switch {
	case !utf8.Valid(line):
		return m, refuse(mcp.PARSE_ERROR, "the message is not valid UTF-8")
	case !valid(line):
		return m, refuse(mcp.PARSE_ERROR, "the message is not valid JSON")
	case line[0] == '[':
		return m, refuse(mcp.INVALID_REQUEST, "batches are not served: send one message a line")
	case line[0] != '{':
		return m, refuse(mcp.INVALID_REQUEST, "the message is not a JSON-RPC object")
	}
	var version, method, id gjson.Result
	answer := false
	gjson.ParseBytes(line).ForEach(func(name, value gjson.Result) bool { // of a name that comes twice the last counts
		switch name.Str {
		case "jsonrpc":
			version = value
		case "method":
			method = value
		case "id":
			id = value
		case "params":
			m.params = value.Raw
		case "result", "error":
			answer = true
		}
		return true
	})
	if answer && !method.Exists() {
		return message{}, nil // to something that was never asked
	}
	if id.Exists() {
		if m.key = key(id); m.key == "" {
			return m, refuse(mcp.INVALID_REQUEST, "the id must be a string or an integer")
		}
		m.id = id.Raw
	}
	switch {
	case version.Type != gjson.String || version.Str != mcp.JSONRPC_VERSION:
		return m, refuse(mcp.INVALID_REQUEST, `"jsonrpc" must be "2.0"`)
	case method.Type != gjson.String:
		return m, refuse(mcp.INVALID_REQUEST, `"method" must be a string`)
	}
	m.method = method.Str
	return m, nil
}

// valid is json.Valid, but faster. Deeply nested JSON is left to encoding/json,
// which limits the depth where gjson would exhaust the stack.
func valid(line []byte) bool {
	if bytes.Count(line, []byte{'['})+bytes.Count(line, []byte{'{'}) > 10_000 {
		return json.Valid(line)
	}
	return gjson.ValidBytes(line)
}

// 1.0 is an integer too, and some clients write it so.
var integer = regexp.MustCompile(`^-?\d+(\.0+)?$`)

// key returns what all spellings of an id have in common: 1 and 1.0 are one id,
// "a" and "\u0061" are, but 1 and "1" are two. It is "" for what is neither a
// string nor an integer.
func key(id gjson.Result) string {
	switch {
	case id.Type == gjson.String && strings.ContainsRune(id.Str, utf8.RuneError):
		return "raw" + id.Raw // gjson reads every half of a surrogate pair as U+FFFD
	case id.Type == gjson.String:
		return `"` + id.Str
	case id.Type == gjson.Number && integer.MatchString(id.Raw):
		whole, _, _ := strings.Cut(id.Raw, ".")
		return whole
	}
	return ""
}

// params is what is read of the parameters of a request.
type params struct {
	name, arguments, uri, cursor, protocolVersion, capabilities, requestID, taskID, notifications gjson.Result
	// These are members of _meta:
	meta, progressToken, metaVersion, clientCapabilities gjson.Result
}

func readParams(raw string) (p params) {
	gjson.Parse(raw).ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "name":
			p.name = value
		case "arguments":
			p.arguments = value
		case "uri":
			p.uri = value
		case "cursor":
			p.cursor = value
		case "protocolVersion":
			p.protocolVersion = value
		case "capabilities":
			p.capabilities = value
		case "requestId":
			p.requestID = value
		case "taskId":
			p.taskID = value
		case "notifications":
			p.notifications = value
		case "_meta":
			p.meta = value
		}
		return true
	})
	p.meta.ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "progressToken":
			p.progressToken = value
		case mcp.MetaKeyProtocolVersion:
			p.metaVersion = value
		case mcp.MetaKeyClientCapabilities:
			p.clientCapabilities = value
		}
		return true
	})
	return p
}

// isEmpty reports whether v is absent, null, or the empty list that PHP makes of
// an empty object.
func isEmpty(v gjson.Result) bool {
	return v.Type == gjson.Null || v.IsArray() && strings.TrimSpace(v.Raw[1:len(v.Raw)-1]) == ""
}

// isObject reports whether v is an object, or the empty list that stands for one.
func isObject(v gjson.Result) bool {
	return v.IsObject() || v.IsArray() && isEmpty(v)
}

func refuse(code int, text string) *mcp.JSONRPCErrorDetails {
	return &mcp.JSONRPCErrorDetails{Code: code, Message: text}
}
