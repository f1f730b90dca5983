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

// Error describes a failed API call: the API answered with an error, or with something
// that the Runs API would not send, or not at all. None of its fields holds a configured
// secret.
type Error struct {
	Method, Path    string // Path is escaped, and has no query
	ThreadID, RunID string // of the request; RunID is empty for a list
	Status          int    // of the last answer; 0 if no answer came that could be read
	// Message, Type, Code and Param are those of the API's error, empty if it has none.
	// Without an answer, Message says what went wrong.
	Message, Type, Code, Param string
	// Challenge is the reason that WWW-Authenticate or Proxy-Authenticate gives.
	Challenge    string
	RequestID    string
	RetryAfter   time.Duration // how long the API asked to wait; 0 if it did not
	Attempts     int           // how many tries have failed in a row, this one included
	ExpiredToken bool          // whether the API answered 401, and the key is a JWT that has expired
	bodyStatus   int           // the HTTP status that the error in the body of a 2xx stands for; 0 if unknown
	askedToWait  bool          // whether the API asked to wait, even if for no time
	retryable    bool          // whether the same request may succeed a moment later
	acknowledges bool          // whether a 2xx without a Run only confirms the request
	err          error
}

// Error returns the method, the path, the status and the message, as far as they are
// known.
func (e *Error) Error() string {
	switch {
	case e.Method == "":
		return e.Message
	case e.Status == 0:
		return fmt.Sprintf("%s %s: %s", e.Method, e.Path, e.Message)
	}
	return fmt.Sprintf("%s %s: HTTP %d: %s", e.Method, e.Path, e.Status, e.Message)
}

// Unwrap returns the kind of failure, such as [ErrNotRuns] or [ErrProxy], if it is known.
// If the end of the context ended the call, it returns the context's cause.
func (e *Error) Unwrap() error { return e.err }

// An [*Error] for a 2xx answer wraps one of these, [ErrTruncated] or [ErrEncoding].
var (
	ErrNotRuns = errors.New("not a Runs API response")
	ErrInBody  = errors.New("the API answered with success, but with an error in the body")
	ErrTooDeep = errors.New("the answer is nested too deeply")
)

// TooDeep returns the error for an answer whose JSON is nested deeper than [MaxDepth] in
// the top-level field of a Run that is named.
func TooDeep(field string) *Error {
	return &Error{Message: ErrTooDeep.Error(), Param: Shorten(field, maxDetail), err: ErrTooDeep}
}

// EffectiveStatus returns the HTTP status that the error stands for. It is the status of
// the answer, unless that is 2xx: then it is the one that the error in the body implies,
// or 0 if it implies none.
func (e *Error) EffectiveStatus() int {
	if success(e.Status) {
		return e.bodyStatus
	}
	return e.Status
}

// Retryable reports whether err is an [*Error] of a request that may succeed a moment
// later: a network error, an answer that was cut short, 408, 409, 429, or 5xx but 501.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.retryable
}

// QuotaSpent reports whether the API says that a quota is used up and waiting will not
// help. An answer that has a Retry-After is about a quota per minute or the like.
func (e *Error) QuotaSpent() bool {
	if e.Code == "insufficient_quota" || e.Type == "insufficient_quota" {
		return true
	}
	return !e.askedToWait && quotaWord.MatchString(e.Message)
}

// quotaWord matches a whole word, because Azure's texts about rate limits have a link to
// …/quotaincrease.
var quotaWord = regexp.MustCompile(`(?i)\bquota\b`)

// apiError returns the Error for an answer whose status is not 2xx.
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
	if location := a.header.Get("Location"); a.status >= 300 && a.status < 400 && location != "" {
		if to, err := c.base.Parse(c.Redact(location)); err == nil { // redacted as a whole: parsing could split a secret
			e.Message = fmt.Sprintf("redirected to %s://%s%s; redirects are not followed", to.Scheme, to.Host, to.EscapedPath())
		}
	}
	switch a.status {
	case http.StatusProxyAuthRequired:
		e.err = ErrProxy
		e.Challenge = challenge(a.header.Values("Proxy-Authenticate"), c.Redact)
	case http.StatusUnauthorized:
		e.ExpiredToken = expired(c.header.Get("Authorization"), c.header.Get("Api-Key"))
	}
	e.Challenge = cmp.Or(e.Challenge, challenge(a.header.Values("Www-Authenticate"), c.Redact))
	return c.complete(&e, a)
}

// unexpected returns the Error for a 2xx answer whose body is not what was expected but
// an error, the beginning of an answer, or something else.
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
	c.complete(&e, a)
	e.retryable = errors.Is(&e, ErrTruncated) || statusMayPass(a.method, e.bodyStatus) && !e.QuotaSpent()
	return &e
}

// networkError returns the Error for a call that got no answer, or none that could be
// read.
func (c *Client) networkError(a *answer, err error) *Error {
	message, kind := classify(err)
	return c.complete(&Error{Message: message, err: kind}, a)
}

// textBody returns what a person would read in a body that is not JSON. Secrets are
// replaced first, because plainText may split them or join their parts.
func (c *Client) textBody(body string) string {
	return plainText(c.Redact(strings.TrimPrefix(body, "\ufeff")))
}

// complete fills in what a knows about the call. It replaces the secrets in e, and then
// shortens its texts.
func (c *Client) complete(e *Error, a *answer) *Error {
	e.Method, e.Path, e.ThreadID, e.RunID = a.method, c.Redact(a.path), c.Redact(a.threadID), c.Redact(a.runID)
	e.Status, e.Attempts, e.retryable = a.status, a.tries, a.retryable
	h := a.header
	e.RequestID = cmp.Or(h.Get("Request-Id"), h.Get("X-Ms-Request-Id"), h.Get("Apim-Request-Id"), h.Get("X-Request-Id"), e.RequestID)
	e.setRetryAfter(a.header)
	tidy := func(s string, most int) string { return Shorten(oneLine(c.Redact(s)), most) } // in this order, as half a secret would not be found
	e.Message = cmp.Or(tidy(e.Message, maxMessage), http.StatusText(a.status), "no message")
	e.Challenge = tidy(e.Challenge, 2*maxDetail)
	e.Type, e.Code, e.Param, e.RequestID = tidy(e.Type, maxDetail), tidy(e.Code, maxDetail), tidy(e.Param, maxDetail), tidy(e.RequestID, maxDetail)
	return e
}

// setRetryAfter sets what the headers of the answer say about waiting.
func (e *Error) setRetryAfter(h http.Header) {
	e.RetryAfter = retryAfter(h, time.Now())
	e.askedToWait = h.Get("Retry-After") != "" || e.RetryAfter > 0
}

// What the API says is shortened to these lengths, in characters.
const (
	maxMessage = 1000
	maxDetail  = 100 // of a type, a code, an id and the like
)

// Shorten returns s in at most so many characters. If it cuts s, the last of them is …
// The text must already be redacted, as half a secret could no longer be found.
func Shorten(s string, most int) string {
	last := 0 // where … goes if s is cut
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

// oneLine returns s with each sequence of white space and control characters replaced by
// one space, and with U+FFFD for invalid UTF-8.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), isSpaceOrControl), " ")
}

// challenge returns the reason for a refusal that the values of a WWW-Authenticate or
// Proxy-Authenticate header give: the error and its description or, without these, the
// whole value. It redacts the values before it takes them apart, because a part of a
// secret would not be recognised.
func challenge(values []string, redact func(string) string) string {
	const maxChallenge = 4 << 10 // how many bytes are searched
	all := redact(strings.Join(values, ", "))
	all = all[:min(len(all), maxChallenge)]
	var reasons []string
	for _, m := range challengeReason.FindAllStringSubmatch(all, 10) {
		reasons = append(reasons, cmp.Or(m[1], m[2]))
	}
	return cmp.Or(strings.Join(reasons, ": "), all)
}

var challengeReason = regexp.MustCompile(`(?i)\berror(?:_description)?\s*=\s*(?:"([^"]*)"|([^\s,"]+))`)

// expired reports whether one of the credentials, with or without "Bearer" before it, is
// a JWT that has expired. It does not check the signature.
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

// NotCancelledError is the error of a cancel that the API refused, or that had no effect.
type NotCancelledError struct {
	Run Run   // as it was read after the cancel
	Err error // the API's answer to the cancel; nil if that was a success
}

func (e *NotCancelledError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("run %s was not cancelled, its status is %s", e.Run.ID, e.Run.Status)
	}
	return fmt.Sprintf("run %s was not cancelled, its status is %s: %s", e.Run.ID, e.Run.Status, e.Err)
}

// Unwrap returns the API's answer to the cancel.
func (e *NotCancelledError) Unwrap() error { return e.Err }

// AfterCancelError is the error of a step that failed after the API had accepted a
// cancel. The run may or may not be cancelled in the end.
type AfterCancelError struct{ Err error }

func (e *AfterCancelError) Error() string { return "cancel was requested, but " + e.Err.Error() }

// Unwrap returns the error of the step that failed.
func (e *AfterCancelError) Unwrap() error { return e.Err }
