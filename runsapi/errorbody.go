package runsapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// decodeError reads an error body in any of the forms that servers of the Runs API
// send: OpenAI's {"error":{…}}, the same with a string or a list as the error, the
// {"message":…} of Portkey and Azure gateways, FastAPI's {"detail":…}, HTML, and plain
// text. It reads the first 64 KiB of HTML and plain text.
func decodeError(body []byte) Error {
	if v, ok := parseJSON(body); ok {
		return jsonError(v)
	}
	return Error{Message: plainText(beginning(body))}
}

// parseJSON parses a body, which may begin with a byte order mark. It reports whether
// the body is valid JSON.
func parseJSON(body []byte) (v gjson.Result, ok bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !valid(body) {
		return v, false
	}
	return gjson.ParseBytes(body), true
}

// beginning returns the part that is read of a body that is not JSON.
func beginning(body []byte) string { return string(body[:min(len(body), maxText+margin)]) }

// errorBody reads the body of a 2xx answer that is neither a Run nor a list as an
// error, and reports whether it is one.
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
	for _, name := range []string{"message", "detail", "msg"} { // as gateways and FastAPI write it
		isError = isError || fieldText(v.Get(name)) != "" && !v.Get("id").Exists() && !v.Get("data").Exists()
	}
	if !v.IsObject() || !isError || isLangGraph(v) {
		return Error{}, false
	}
	e := jsonError(v)
	e.Message = cmp.Or(e.Message, "an error without a message")
	e.bodyStatus = statusOf(e.Code, e.Type, v.Get("error.status").String(), status.String(), v.Get("code").String(), v.Get("error").Str)
	return e, true
}

// first returns the first item of an array, because some gateways wrap an error in
// one, or any other v itself.
func first(v gjson.Result) gjson.Result {
	if item := v.Get("0"); v.IsArray() && item.Exists() {
		return item
	}
	return v
}

// present reports whether v has content: it is not absent, null, false or empty.
func present(v gjson.Result) bool {
	return v.Exists() && v.Type != gjson.Null && v.Type != gjson.False && v.Raw != `""` && v.Raw != "{}" && v.Raw != "[]"
}

// jsonError reads an error body that is JSON.
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

// firstText returns the first of the named members of v that has text, as text.
func firstText(v gjson.Result, names ...string) string {
	for _, name := range names {
		if t := fieldText(v.Get(name)); t != "" {
			return t
		}
	}
	return ""
}

// fieldText returns a field as text. That is "" if the field is absent, null, or the
// string "None" or "null", which Python gateways send instead. The first ten items of
// FastAPI's list of faults are joined on one line.
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

// readable returns JSON with as few escapes as possible. JSON that is too long for an
// error message anyway is returned as it is.
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

// statusOf returns the HTTP status that the first known one of names stands for, or 0
// if none is known. A name is a number, or a word such as rate_limit_exceeded.
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
