package runsapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// decodeError reads whatever error body servers of the Runs API send: OpenAI's
// {"error":{…}}, the same with an error that is a string or a list, Portkey's and
// Azure gateways' {"message":…}, FastAPI's {"detail":…}, HTML, and plain text. Of
// HTML and text it reads 64 KiB.
func decodeError(body []byte) Error {
	if v, ok := parseJSON(body); ok {
		return jsonError(v)
	}
	return Error{Message: plainText(beginning(body))}
}

func parseJSON(body []byte) (v gjson.Result, ok bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !valid(body) {
		return v, false
	}
	return gjson.ParseBytes(body), true
}

// beginning is as much of a body as is read of one that is not JSON.
func beginning(body []byte) string { return string(body[:min(len(body), maxText+margin)]) }

// errorBody reads the body of a 2xx answer, which is neither a Run nor a list, as
// an error, and reports whether it is one.
func errorBody(d document) (Error, bool) {
	if !d.isJSON {
		return Error{}, false
	}
	v := first(gjson.Parse(d.text))
	status := v.Get("statusCode")
	if !status.Exists() {
		status = v.Get("status")
	}
	isError := present(v.Get("error")) || present(v.Get("errors")) || v.Get("success").Type == gjson.False ||
		v.Get("object").Str == "error" || status.Str == "failure" || status.Str == "error" || status.Type == gjson.Number && status.Num >= 400
	if !v.IsObject() || !isError {
		return Error{}, false
	}
	e := jsonError(v)
	e.Message = cmp.Or(e.Message, "an error without a message")
	e.bodyStatus = statusOf(e.Code, e.Type, v.Get("error.status").String(), status.String(), v.Get("code").String(), v.Get("error").Str)
	return e, true
}

// acknowledges reports whether the body of a 2xx, which is no Run and no error,
// says no more than yes: nothing, "OK", {} or {"success":true}.
func acknowledges(d document) bool {
	const longest = 100
	text := strings.TrimSpace(d.text)
	if d.isJSON {
		return text[0] != '[' && len(text) <= longest && !gjson.Get(text, "run_id").Exists()
	}
	return len(text) <= longest && !looksLikeHTML(text) && !d.cutShort
}

// first is the first item of an array, which some gateways wrap an error in, else
// v itself.
func first(v gjson.Result) gjson.Result {
	if item := v.Get("0"); v.IsArray() && item.Exists() {
		return item
	}
	return v
}

// present reports whether v says anything.
func present(v gjson.Result) bool {
	return v.Exists() && v.Type != gjson.Null && v.Type != gjson.False && v.Raw != `""` && v.Raw != "{}" && v.Raw != "[]"
}

func jsonError(v gjson.Result) Error {
	v = first(v)
	inner := v
	for _, name := range []string{"error", "errors"} {
		if e := first(v.Get(name)); e.IsObject() {
			inner = e
			break
		}
	}
	e := Error{
		Message:   firstText(inner, "message", "Message", "msg", "detail", "error_description", "error", "title"),
		Type:      fieldText(inner.Get("type")),
		Code:      fieldText(inner.Get("code")),
		Param:     fieldText(inner.Get("param")),
		RequestID: fieldText(v.Get("request_id")),
	}
	if strings.Contains(e.Type, " ") && e.Message != "" && !strings.Contains(e.Message, " ") { // some servers swap the two
		e.Type, e.Message = e.Message, e.Type
	}
	e.Message = cmp.Or(e.Message, firstText(v, "message", "detail", "error_description", "errors"))
	if e.Message == "" && v.Type == gjson.String {
		e.Message = v.Str
	}
	if e.Message == "" && v.Raw != "{}" && v.Raw != "null" && v.Raw != "[]" {
		e.Message = readable(v.Raw)
	}
	return e
}

func firstText(v gjson.Result, names ...string) string {
	for _, name := range names {
		if t := fieldText(v.Get(name)); t != "" {
			return t
		}
	}
	return ""
}

// fieldText is a field as text: "" if it is absent or null, or the literal "None"
// or "null" that Python gateways send in its place. FastAPI's list of faults
// becomes one line of its first ten.
func fieldText(v gjson.Result) string {
	switch {
	case v.Type == gjson.Null:
		return ""
	case v.IsObject():
		return readable(v.Raw)
	case v.IsArray():
		var faults []string
		v.ForEach(func(_, f gjson.Result) bool {
			fault := f.String()
			if f.IsObject() {
				fault = cmp.Or(f.Get("msg").String(), f.Get("message").String(), readable(f.Raw))
				if where := f.Get("loc").Array(); len(where) > 0 {
					fault = where[len(where)-1].String() + ": " + fault
				}
			}
			faults = append(faults, fault)
			return len(faults) < 10
		})
		return strings.Join(faults, "; ")
	case v.String() == "None" || v.String() == "null":
		return ""
	}
	return v.String()
}

// readable is JSON with as few escapes as can be, if it is short enough for
// anybody to read it.
func readable(raw string) string {
	var value any
	if len(raw) > maxMessage || json.Unmarshal([]byte(raw), &value) != nil {
		return raw
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(value)
	return strings.TrimSuffix(b.String(), "\n")
}

// statusOf is the HTTP status that the first of names that is known stands for, 0
// if none is. Names are numbers, or words such as rate_limit_exceeded.
func statusOf(names ...string) int {
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil && n >= 400 && n <= 599 {
			return n
		}
		word := strings.Map(func(r rune) rune {
			if r == '_' || r == '-' || r == ' ' {
				return -1
			}
			return r
		}, strings.ToLower(name))
		switch word {
		case "ratelimitexceeded", "ratelimiterror", "ratelimit", "toomanyrequests", "resourceexhausted", "insufficientquota", "throttled":
			return http.StatusTooManyRequests
		case "invalidapikey", "unauthorized", "unauthenticated", "authenticationerror", "invalidtoken":
			return http.StatusUnauthorized
		case "forbidden", "permissiondenied", "permissionerror", "accessdenied":
			return http.StatusForbidden
		case "notfound", "notfounderror", "threadnotfound", "runnotfound", "resourcenotfound":
			return http.StatusNotFound
		case "servererror", "internalservererror", "internalerror", "internal", "unavailable", "serviceunavailable", "overloaded", "overloadederror":
			return http.StatusInternalServerError
		case "timeout", "gatewaytimeout", "deadlineexceeded":
			return http.StatusGatewayTimeout
		case "invalidrequest", "invalidrequesterror", "badrequest", "invalidargument":
			return http.StatusBadRequest
		}
	}
	return 0
}

// describe says what a body is that is not what was expected.
func (c *Client) describe(d document) string {
	if !d.isJSON {
		text := c.textBody(d.text)
		switch {
		case text == "":
			return "empty"
		case looksLikeHTML(d.text):
			return "an HTML page: " + text
		}
		return "not JSON: " + text
	}
	v := gjson.Parse(d.text)
	switch {
	case isLangGraph(first(v)):
		return "a run of a LangGraph server (run_id, multitask_strategy), which has another API under the same paths"
	case v.IsArray():
		return "a JSON array"
	case !v.IsObject():
		return "a bare JSON value"
	}
	var members []string
	for m := range Members(d.text) {
		if len(members) == 20 {
			break
		}
		members = append(members, Shorten(c.Redact(m.Name), 100)+" ("+kindOf(m.Value)+")")
	}
	return "an object with " + cmp.Or(strings.Join(members, ", "), "nothing in it")
}

// kindOf names the type of a JSON value.
func kindOf(value string) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// endsEarly reports whether body is the beginning of a JSON object or array.
func endsEarly(body []byte) bool {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' && body[0] != '[' {
		return false
	}
	open, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{', c == '[':
			open++
		case c == '}', c == ']':
			open--
		}
	}
	return open > 0 || inString
}

// isLangGraph reports whether v is a run of a LangGraph server.
func isLangGraph(v gjson.Result) bool {
	return v.Get("run_id").Type == gjson.String && (v.Get("multitask_strategy").Exists() || v.Get("kwargs").Exists())
}

var (
	htmlUnread = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->`)
	htmlTag    = regexp.MustCompile(`(?s)<[^>]*>`)
)

// plainText is what a person would read in an HTML page, or the text itself.
func plainText(s string) string {
	if looksLikeHTML(s) {
		s = html.UnescapeString(htmlTag.ReplaceAllString(htmlUnread.ReplaceAllString(s, " "), " "))
	}
	return oneLine(s)
}

func looksLikeHTML(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), "<") }
