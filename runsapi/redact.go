package runsapi

import (
	"slices"
	"strings"
)

// maxText is how many bytes of a text are redacted and kept.
const maxText = 64 << 10

// redactor replaces secrets by *** in whatever may reach a client or a log.
type redactor struct{ secrets []secret }

// Redact replaces the secrets of c by *** in a text for a client or a log, and cuts
// the text to 64 KiB. Every key that c ever used is among the secrets.
func (c *Client) Redact(text string) string { return c.currentRedactor().replace(text) }

// currentRedactor returns the redactor for the configured secrets and for all keys
// used so far.
func (c *Client) currentRedactor() redactor {
	if c.keys == nil {
		return c.redactor
	}
	keys := c.keys.seen()
	r := c.withKeys.Load()
	if r == nil || !slices.Equal(r.keys, keys) {
		r = &keyedRedactor{keys, c.redactor.with(keys)}
		c.withKeys.Store(r)
	}
	return r.redactor
}

// keyedRedactor is the redactor for the configured secrets and for keys, the keys of
// a key file or key command.
type keyedRedactor struct {
	keys []string
	redactor
}

// replace replaces every secret in s, however its characters are spelled, and cuts
// the result to 64 KiB. It reads past the cut, so that a secret that straddles it is
// replaced whole.
func (r redactor) replace(s string) string {
	s = s[:min(len(s), maxText+margin)]
	var t spelledText
	t.read(s)
	s, _ = t.redact(r.secrets, min(len(s), maxText), false)
	return s
}

// replaceInJSON replaces every credential in the strings of body, the JSON of runs.
// The result is valid JSON again. The full search is slow, so a body without any
// trace of a credential, as nearly all are, is returned as it is.
func (r redactor) replaceInJSON(body string) string {
	if !slices.ContainsFunc(r.secrets, func(s secret) bool { return s.credential && strings.Contains(body, s.probe) }) && !spelledOddly(body) {
		return body
	}
	credentials := slices.DeleteFunc(slices.Clone(r.secrets), func(s secret) bool { return !s.credential })
	if len(credentials) == 0 {
		return body
	}
	var out strings.Builder
	var t spelledText
	for {
		begin := strings.IndexByte(body, '"') + 1
		if begin == 0 {
			break
		}
		out.WriteString(body[:begin])
		body = body[begin:]
		end := 0
		for body[end] != '"' {
			end += escapeLength(body, end)
		}
		for rest := body[:end]; rest != ""; {
			t.read(rest[:min(len(rest), maxText+margin)])
			redacted, read := t.redact(credentials, min(len(rest), maxText), true)
			out.WriteString(redacted)
			rest = rest[read:]
		}
		out.WriteByte('"')
		body = body[end+1:]
	}
	out.WriteString(body)
	return out.String()
}

// spelledOddly reports whether a letter, a digit, - or _ in body may be escaped.
// Ordinary programs do not escape them; where one does, a search for a secret's probe
// could miss it.
func spelledOddly(body string) bool {
	hex := func(after string) bool {
		if len(after) < 2 {
			return false
		}
		high, ok1 := hexDigit(after[0])
		low, ok2 := hexDigit(after[1])
		c := byte(high<<4 | low)
		return ok1 && ok2 && (isWord(c) || c == '%' || c == '\\' || c == '&' && startsEntity(after[2:]))
	}
	return anyAfter(body, `\u00`, hex) ||
		anyAfter(body, "%", func(after string) bool { return hex(after) || strings.IndexAny(after, `\&u`) == 0 }) ||
		anyAfter(body, "&", startsEntity) ||
		anyAfter(body, `\\`, func(after string) bool { return strings.IndexAny(after, "xU") == 0 || strings.HasPrefix(after, "u{") })
}

// anyAfter reports whether prefix occurs in s with something wanted after it.
func anyAfter(s, prefix string, wanted func(after string) bool) bool {
	for {
		_, after, found := strings.Cut(s, prefix)
		if !found || wanted(after) {
			return found
		}
		s = after
	}
}

// startsEntity reports whether s, which follows an &, continues an HTML entity that may
// stand for a letter, a digit, - or _, or for the introducer of another escape.
func startsEntity(s string) bool {
	for strings.HasPrefix(s, "amp;") || strings.HasPrefix(s, "AMP;") {
		s = s[len("amp;"):]
	}
	for _, prefix := range []string{"#", "num", "bsol", "percnt", "lowbar", "UnderBar", "fjlig", `\`, "%", "amp", "AMP"} {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}
