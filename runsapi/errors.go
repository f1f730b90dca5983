package runsapi

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Error is a call that brought no Run: the API answered with an error, with
// something else than the Runs API would, or not at all. No configured secret
// is in any of its fields.
type Error struct {
	Method, Path    string // Path is the whole escaped path, without the query
	ThreadID, RunID string // what was asked for; RunID is empty for a list
	Status          int    // of the last answer; 0 if none came, or none that could be read
	// Message, Type, Code and Param are the API's, empty where it gave none.
	// Without an answer, Message says what went wrong.
	Message, Type, Code, Param string
	// Challenge is the reason that WWW-Authenticate or Proxy-Authenticate gives.
	Challenge    string
	RequestID    string
	RetryAfter   time.Duration // what the API asked to wait; 0 if it did not
	Attempts     int           // how many requests were sent
	ExpiredToken bool          // the API answered 401, and the key is a JWT that has expired
	bodyStatus   int           // the HTTP status that the error in the body of a 2xx stands for
	askedToWait  bool          // for however short
	retryable    bool          // the same request may do better a moment later
	acknowledges bool          // a 2xx without a Run that says no more than yes
	err          error
}

func (e *Error) Error() string {
	switch {
	case e.Method == "":
		return e.Message
	case e.Status == 0:
		return fmt.Sprintf("%s %s: %s", e.Method, e.Path, e.Message)
	}
	return fmt.Sprintf("%s %s: HTTP %d: %s", e.Method, e.Path, e.Status, e.Message)
}

// Unwrap gives the kind of failure, such as [ErrNotRuns] or [ErrProxy], where it
// is known, or the cause of the end of a context that ended the call.
func (e *Error) Unwrap() error { return e.err }

// What may be wrong with a 2xx answer.
var (
	ErrNotRuns = errors.New("not a Runs API response")
	ErrInBody  = errors.New("the API answered with success, but with an error in the body")
	ErrTooDeep = errors.New("the answer is nested too deeply")
)

// TooDeep is the error of an answer that is nested too deeply in a top-level field
// of a Run.
func TooDeep(field string) *Error {
	return &Error{Message: ErrTooDeep.Error(), Param: Shorten(field, maxDetail), err: ErrTooDeep}
}

// EffectiveStatus is the HTTP status that the error stands for: that of the
// answer, or what the error in the body of a 2xx says, 0 if it says nothing.
func (e *Error) EffectiveStatus() int {
	if success(e.Status) {
		return e.bodyStatus
	}
	return e.Status
}

// Retryable reports whether err is one of a request that may do better a moment
// later: a network error, 408, 409, 429 or 5xx.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.retryable
}

// QuotaSpent reports whether the API says that a quota is used up, so that no
// waiting helps. A quota with a Retry-After is one per minute or the like.
func (e *Error) QuotaSpent() bool {
	if e.Code == "insufficient_quota" || e.Type == "insufficient_quota" {
		return true
	}
	return !e.askedToWait && quotaWord.MatchString(e.Message)
}

// A whole word: Azure's rate limit texts link to …/quotaincrease.
var quotaWord = regexp.MustCompile(`(?i)\bquota\b`)

// apiError is the Error of an answer that is no success.
func (c *Client) apiError(a *answer) *Error {
	defer a.body.Close()
	var e Error
	switch v, isJSON := parseJSON(a.body.Bytes()); {
	case isJSON:
		e = jsonError(v)
	case foreignEncoding(a.header) != "":
		e.Message = fmt.Sprintf("%s (what it says cannot be read: its Content-Encoding is %s)", http.StatusText(a.status), foreignEncoding(a.header))
	default:
		e.Message = c.textBody(beginning(a.body.Bytes()))
	}
	e.Message = cmp.Or(e.Message, http.StatusText(a.status), "no message")
	if location := a.header.Get("Location"); a.status >= 300 && a.status < 400 && location != "" {
		if to, err := c.base.Parse(c.Redact(location)); err == nil { // a secret may be torn apart by what looks like a query
			e.Message = fmt.Sprintf("redirected to %s://%s%s; redirects are not followed", to.Scheme, to.Host, to.EscapedPath())
		}
	}
	switch a.status {
	case http.StatusProxyAuthRequired:
		e.err = ErrProxy
		e.Challenge = challenge(a.header.Values("Proxy-Authenticate"))
	case http.StatusUnauthorized:
		e.ExpiredToken = expired(c.header.Get("Authorization"), c.header.Get("Api-Key"))
	}
	e.Challenge = cmp.Or(e.Challenge, challenge(a.header.Values("Www-Authenticate")))
	return c.complete(&e, a)
}

// unexpected is the Error of a 2xx answer whose body is not what was expected: an
// error in spite of the status, a part of an answer, or something else.
func (c *Client) unexpected(a *answer, d document, expected string) *Error {
	encoding := foreignEncoding(a.header)
	var e Error
	switch inBody, isError := errorBody(d); {
	case isError:
		e, e.err = inBody, ErrInBody
	case !d.isJSON && encoding != "":
		e = Error{Message: fmt.Sprintf("%s: %s", ErrEncoding, encoding), err: ErrEncoding}
	case d.cutShort:
		e = Error{Message: fmt.Sprintf("%s: its JSON ends too early, after %d bytes", ErrTruncated, d.size), err: ErrTruncated}
	default:
		e = Error{Message: fmt.Sprintf("%s: %s was expected, but the body is %s", ErrNotRuns, expected, c.describe(d)), err: ErrNotRuns, acknowledges: acknowledges(d)}
	}
	return c.complete(&e, a)
}

// networkError is the Error of a call to which no answer came, or none that could
// be read.
func (c *Client) networkError(a *answer, err error) *Error {
	message, kind := classify(err)
	return c.complete(&Error{Message: message, err: kind}, a)
}

// textBody is what a person would read in a body that is not JSON. The secrets
// are replaced before anything is cut or joined.
func (c *Client) textBody(body string) string { return plainText(c.Redact(body)) }

// complete adds what a tells of the call, and replaces the secrets.
func (c *Client) complete(e *Error, a *answer) *Error {
	e.Method, e.Path, e.ThreadID, e.RunID = a.method, a.path, a.threadID, a.runID
	e.Status, e.Attempts, e.retryable = a.status, a.tries, a.retryable
	for _, name := range []string{"X-Request-Id", "Apim-Request-Id", "X-Ms-Request-Id", "Request-Id"} {
		e.RequestID = cmp.Or(a.header.Get(name), e.RequestID)
	}
	e.setRetryAfter(a.header)
	tidy := func(s string, most int) string { return Shorten(oneLine(c.Redact(s)), most) } // in this order: half a secret would not be found
	e.Message = tidy(e.Message, maxMessage)
	e.Challenge = tidy(e.Challenge, 2*maxDetail)
	e.Type, e.Code, e.Param, e.RequestID = tidy(e.Type, maxDetail), tidy(e.Code, maxDetail), tidy(e.Param, maxDetail), tidy(e.RequestID, maxDetail)
	return e
}

func (e *Error) setRetryAfter(h http.Header) {
	e.RetryAfter = retryAfter(h, time.Now())
	e.askedToWait = h.Get("Retry-After") != "" || e.RetryAfter > 0
}

// How much of an API's message, and of each detail, is kept, in characters.
const (
	maxMessage = 1000
	maxDetail  = 100
)

// Shorten cuts s to so many characters, the last of which is … if anything is
// missing.
func Shorten(s string, most int) string {
	last := 0 // where the last character that is kept begins
	n := 0
	for i := range s {
		if n == most-1 {
			last = i
		}
		if n++; n > most {
			return s[:last] + "…"
		}
	}
	return s
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), isSpaceOrControl), " ")
}

// challenge is the reason for a refusal that the values of a WWW-Authenticate or
// Proxy-Authenticate header give: the error and its description, else all there is.
func challenge(values []string) string {
	all := strings.Join(values, ", ")
	all = all[:min(len(all), 4<<10)]
	var reasons []string
	for _, m := range challengeReason.FindAllStringSubmatch(all, 10) {
		reasons = append(reasons, cmp.Or(m[1], m[2]))
	}
	return cmp.Or(strings.Join(reasons, ": "), all)
}

var challengeReason = regexp.MustCompile(`(?i)\berror(?:_description)?\s*=\s*(?:"([^"]*)"|([^\s,"]+))`)

// expired reports whether one of the credentials, with or without "Bearer" before
// it, is a JWT whose time is over. Its signature is not checked.
func expired(credentials ...string) bool {
	for _, token := range credentials {
		parts := strings.Split(token[strings.LastIndexByte(token, ' ')+1:], ".")
		if len(parts) != 3 {
			continue
		}
		claims, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
		if exp := gjson.GetBytes(claims, "exp"); exp.Type == gjson.Number && time.Now().After(time.Unix(exp.Int(), 0)) {
			return true
		}
	}
	return false
}

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
