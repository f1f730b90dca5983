package stdio

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// toolResult appends r as the result of a call. extra has the members that the protocol
// version adds, with a comma before them.
func (w *writer) toolResult(r *Result, extra string) {
	w.json(`{"content":[{"type":"text","text":"`)
	if r.JSON != nil {
		for _, piece := range r.JSON {
			w.text(piece)
		}
	} else {
		w.text(r.Text)
	}
	w.json(`"}]`)
	if r.JSON != nil && !r.TextOnly {
		w.json(`,"structuredContent":`)
		for _, piece := range r.JSON {
			w.json(piece)
		}
	}
	if r.IsError {
		w.json(`,"isError":true`)
	}
	w.json(extra + "}")
}

// marshal is json.Marshal without escaping <, > and &. It panics if v cannot be encoded,
// which would be a bug and not a fault of the input.
func marshal(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// text appends s, which is valid UTF-8, as the inside of a JSON string.
func (w *writer) text(s string) {
	for len(s) > 0 {
		part := firstPart(s)
		s = s[len(part):]
		w.buf = appendEscaped(w.buf, part, &inText)
		w.flushIfFull()
	}
}

// json appends JSON, with only the line separators in its strings escaped.
func (w *writer) json(s string) {
	for len(s) > 0 {
		part := firstPart(s)
		s = s[len(part):]
		if strings.IndexByte(part, nelByte) < 0 && strings.IndexByte(part, separatorByte) < 0 {
			w.buf = append(w.buf, part...)
		} else {
			w.buf = appendEscaped(w.buf, part, &inJSON)
		}
		w.flushIfFull()
	}
}

// firstPart returns the beginning of s, up to 16 KiB, that ends with a whole character.
func firstPart(s string) string {
	const size = 16 << 10
	if len(s) <= size {
		return s
	}
	for n := size; n > size-utf8.UTFMax; n-- {
		if utf8.RuneStart(s[n]) {
			return s[:n]
		}
	}
	return s[:size]
}

// Some clients take U+0085, U+2028 and U+2029 for the end of a line. These are the first
// bytes of their UTF-8 encoding.
const (
	nelByte       = 0xC2 // of U+0085
	separatorByte = 0xE2 // of U+2028 and U+2029
)

// These are the bytes at which a character that has to be escaped may begin: in a text that
// is to become a JSON string, and in JSON.
var inText, inJSON = escapable()

func escapable() (inText, inJSON [256]bool) {
	for c := range ' ' {
		inText[c] = true
	}
	inText['"'], inText['\\'] = true, true
	inText[nelByte], inText[separatorByte] = true, true
	inJSON[nelByte], inJSON[separatorByte] = true, true
	return inText, inJSON
}

// appendEscaped appends s to b. Among the characters that begin with a special byte, it
// escapes those that a JSON string on a line must not contain.
func appendEscaped(b []byte, s string, special *[256]bool) []byte {
	const hex = "0123456789abcdef"
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !special[c] {
			continue
		}
		var escaped string
		length := 1
		switch {
		case c == '"':
			escaped = `\"`
		case c == '\\':
			escaped = `\\`
		case c == '\n':
			escaped = `\n`
		case c < ' ':
			escaped = `\u00` + string(hex[c>>4]) + string(hex[c&15])
		case strings.HasPrefix(s[i:], "\u0085"):
			escaped, length = `\u0085`, len("\u0085")
		case strings.HasPrefix(s[i:], "\u2028"):
			escaped, length = `\u2028`, len("\u2028")
		case strings.HasPrefix(s[i:], "\u2029"):
			escaped, length = `\u2029`, len("\u2029")
		default:
			continue
		}
		b = append(b, s[start:i]...)
		b = append(b, escaped...)
		start = i + length
		i = start - 1
	}
	return append(b, s[start:]...)
}
