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

// message is a JSON-RPC message.
type message struct {
	method string
	id     string                   // JSON; "" for a notification, and if there is no valid id
	key    string                   // the same for all spellings of the id; "" without an id
	params string                   // JSON; "" if there are none
	fault  *mcp.JSONRPCErrorDetails // the answer, if the message cannot be served
}

// parse parses a line. The fault is the answer to a line that cannot be served.
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
	gjson.ParseBytes(line).ForEach(func(name, value gjson.Result) bool { // of two members with the same name the last counts
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
		return message{}, nil // it is ignored, as the server sends no requests
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

// valid reports whether line is valid JSON, as json.Valid does but faster. It leaves what may
// be nested deeply to encoding/json, which limits the depth, because gjson recurses and would
// exhaust the stack. Package runsapi has the same function: neither of the two packages imports
// the other.
func valid(line []byte) bool {
	const deep = 10_000
	if bytes.Count(line, []byte{'['})+bytes.Count(line, []byte{'{'}) > deep {
		return json.Valid(line)
	}
	return gjson.ValidBytes(line)
}

// integer also matches 1.0, because some clients write integers like that.
var integer = regexp.MustCompile(`^-?\d+(\.0+)?$`)

// key returns a text that is the same for all spellings of an id: 1 and 1.0 are the same id,
// and so are "a" and "\u0061", but 1 and "1" are not. It returns "" for an id that is neither a
// string nor an integer.
func key(id gjson.Result) string {
	switch {
	case id.Type == gjson.String && strings.ContainsRune(id.Str, utf8.RuneError):
		return "raw" + id.Raw // gjson decodes all unpaired surrogates to U+FFFD
	case id.Type == gjson.String:
		return `"` + id.Str
	case id.Type == gjson.Number && integer.MatchString(id.Raw):
		whole, _, _ := strings.Cut(id.Raw, ".")
		return whole
	}
	return ""
}

// params has the parameters of a request that the server reads.
type params struct {
	name, arguments, uri, cursor, protocolVersion, capabilities, requestID, taskID, notifications gjson.Result
	// These are members of _meta:
	meta, progressToken, metaVersion, clientCapabilities gjson.Result
}

// readParams parses the parameters of a request, which are a JSON object or absent.
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

// isEmpty reports whether v is absent, null, or [], as PHP encodes an empty object.
func isEmpty(v gjson.Result) bool {
	return v.Type == gjson.Null || v.IsArray() && strings.TrimSpace(v.Raw[1:len(v.Raw)-1]) == ""
}

// isObject reports whether v is an object, or [], which stands for an empty one.
func isObject(v gjson.Result) bool {
	return v.IsObject() || v.IsArray() && isEmpty(v)
}

// refuse returns an error to be sent as the answer to a request.
func refuse(code int, text string) *mcp.JSONRPCErrorDetails {
	return &mcp.JSONRPCErrorDetails{Code: code, Message: text}
}
