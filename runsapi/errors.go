package runsapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// Error is a call that brought no Run: the API answered with an error, with
// something else than the Runs API would, or not at all. No configured secret
// is in any of its fields.
type Error struct {
	Method, Path string // Path is the whole escaped path, without the query
	Status       int    // of the last answer; 0 if none came
	// Message, Type, Code and Param are the API's, empty where it gave none.
	// Without an answer, Message says what went wrong.
	Message, Type, Code, Param string
	RequestID                  string
	RetryAfter                 time.Duration // what the API asked to wait; 0 if it did not
	Attempts                   int           // how many requests were sent
	passes                     bool          // the same request may do better a moment later
	err                        error
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s %s: %s", e.Method, e.Path, e.Message)
	}
	return fmt.Sprintf("%s %s: HTTP %d: %s", e.Method, e.Path, e.Status, e.Message)
}

// Unwrap gives [ErrNotRuns] for an answer that is not the Runs API's, and the
// cause of the end of a context that ended the call.
func (e *Error) Unwrap() error { return e.err }

// QuotaSpent reports whether the API says that a quota is used up, so that no
// waiting helps.
func (e *Error) QuotaSpent() bool {
	return e.Code == "insufficient_quota" || e.Type == "insufficient_quota" || quotaWord.MatchString(e.Message)
}

// A whole word: Azure's rate limit texts link to …/quotaincrease.
var quotaWord = regexp.MustCompile(`(?i)\bquota\b`)

// ErrNotRuns is wrapped by the [*Error] of a 2xx answer that holds no Run, or no
// list of them.
var ErrNotRuns = errors.New("not a Runs API response")

// apiError is the Error of an answer that is no success.
func (c *Client) apiError(a *answer) *Error {
	defer a.body.Close()
	body := a.body.Bytes()
	if len(body) > maxErrorBody { // it was cut further behind, where a secret may be halved
		body = []byte(c.redact(string(body)))
		body = body[:min(len(body), maxErrorBody)]
	}
	e := decodeError(body)
	e.Message = cmp.Or(e.Message, http.StatusText(a.status), "no message")
	if location := a.header.Get("Location"); a.status >= 300 && a.status < 400 && location != "" {
		e.Message = "redirected; redirects are not followed"
		if to, err := c.base.Parse(location); err == nil {
			e.Message = fmt.Sprintf("redirected to %s://%s%s; redirects are not followed", to.Scheme, to.Host, to.EscapedPath())
		}
	}
	e.RetryAfter = retryAfter(a.header, time.Now())
	return c.complete(&e, a)
}

// notRuns is the Error of a 2xx answer whose body is found to be what.
func (c *Client) notRuns(a *answer, what string) *Error {
	return c.complete(&Error{Message: ErrNotRuns.Error() + ": " + what, err: ErrNotRuns}, a)
}

// networkError is the Error of a call that no answer came to.
func (c *Client) networkError(a *answer, err error) *Error {
	var u *url.Error
	if errors.As(err, &u) { // its text holds the URL, query and all
		err = u.Err
	}
	return c.complete(&Error{Message: err.Error()}, a)
}

// complete adds what a tells of the call, and takes the secrets out.
func (c *Client) complete(e *Error, a *answer) *Error {
	e.Method, e.Path, e.Status, e.Attempts, e.passes = a.method, a.path, a.status, a.tries, a.passes
	for _, name := range []string{"X-Request-Id", "Apim-Request-Id", "X-Ms-Request-Id", "Request-Id"} {
		e.RequestID = cmp.Or(e.RequestID, a.header.Get(name))
	}
	for s, most := range map[*string]int{&e.Message: maxMessage, &e.Type: 100, &e.Code: 100, &e.Param: 100, &e.RequestID: 100} {
		*s = cut(c.redact(oneLine(*s)), most) // in this order: half a secret would not be found
	}
	return e
}

// maxMessage is how much of an API's message is kept, in characters.
const maxMessage = 1000

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	runes := []rune(s[:min(len(s), (most+1)*utf8.UTFMax)])
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), isSpaceOrControl), " ")
}

// decodeError reads whatever error body servers of the Runs API send: OpenAI's
// {"error":{…}}, the same with an error that is a string, Portkey's and Azure
// gateways' {"message":…}, FastAPI's {"detail":…}, HTML, and plain text.
func decodeError(body []byte) Error {
	b, _, ok := normalize(append([]byte(nil), body...))
	s := string(b)
	if !ok {
		return Error{Message: plainText(string(body))}
	}
	v := gjson.Parse(s)
	if first := v.Get("0"); v.IsArray() && first.Exists() { // some gateways wrap it in an array
		v = first
	}
	inner := v
	for _, name := range []string{"error", "errors.0"} {
		if e := v.Get(name); e.IsObject() {
			inner = e
			break
		}
	}
	e := Error{
		Message: firstText(inner, "message", "Message", "msg", "detail", "error_description", "error", "title"),
		Type:    said(inner.Get("type")),
		Code:    said(inner.Get("code")),
		Param:   said(inner.Get("param")),
	}
	e.Message = cmp.Or(e.Message, firstText(v, "message", "detail", "error_description"))
	if e.Message == "" && v.Type == gjson.String {
		e.Message = v.Str
	}
	if e.Message == "" && s != "{}" && s != "null" && s != "[]" {
		e.Message = plainJSON(s)
	}
	return e
}

// plainJSON leaves of the many ways to write a character in JSON the one that
// redact knows.
func plainJSON(raw string) string {
	var value any
	if json.Unmarshal([]byte(raw), &value) != nil {
		return raw
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(value)
	return b.String()
}

func firstText(v gjson.Result, names ...string) string {
	for _, name := range names {
		if t := said(v.Get(name)); t != "" {
			return t
		}
	}
	return ""
}

// said is what a field says: "" for null, for what is absent, and for the
// literal "None" and "null" that Python gateways send in its place. FastAPI's
// list of faults becomes one line, of the first of them.
func said(v gjson.Result) string {
	switch {
	case v.Type == gjson.Null:
		return ""
	case v.IsArray():
		var faults []string
		v.ForEach(func(_, f gjson.Result) bool {
			fault := f.String()
			if f.IsObject() {
				fault = cmp.Or(f.Get("msg").String(), f.Get("message").String(), plainJSON(f.Raw))
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

// NotCancelledError is a cancel that came to nothing, and the run as it was read
// afterwards.
type NotCancelledError struct {
	Run Run
	Err error // what the API answered to the cancel
}

func (e *NotCancelledError) Error() string {
	return fmt.Sprintf("run %s was not cancelled, its status is %s: %s", e.Run.ID, e.Run.Status, e.Err)
}

// Unwrap gives what the API answered to the cancel.
func (e *NotCancelledError) Unwrap() error { return e.Err }

// AfterCancelError is what went wrong after the API had accepted a cancel.
type AfterCancelError struct{ Err error }

func (e *AfterCancelError) Error() string { return "cancel was requested, but " + e.Err.Error() }

// Unwrap gives the error of the call that failed.
func (e *AfterCancelError) Unwrap() error { return e.Err }
