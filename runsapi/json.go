package runsapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// normalize checks that body is one JSON value, and returns it without a byte order
// mark and without the white space between tokens. It replaces what some clients
// cannot read: invalid UTF-8 and unpaired surrogates become U+FFFD; U+0085, U+2028 and
// U+2029, which some take for the end of a line, are escaped. All other bytes stay as
// they were. The result shares body's memory. depth is how deep objects and arrays are
// nested.
func normalize(body []byte) (text []byte, depth int, ok bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) {
		body = bytes.Map(func(r rune) rune { return r }, body) // U+FFFD for each invalid byte
	}
	if !valid(body) {
		return nil, 0, false
	}
	body, depth = compact(body)
	if bytes.Contains(body, []byte(`\ud`)) || bytes.Contains(body, []byte(`\uD`)) {
		body = replaceHalfPairs(body)
	}
	for _, r := range []string{"\u0085", "\u2028", "\u2029"} {
		if bytes.Contains(body, []byte(r)) {
			body = bytes.ReplaceAll(body, []byte(r), fmt.Appendf(nil, `\u%04x`, []rune(r)[0]))
		}
	}
	return body, depth, true
}

// replaceHalfPairs replaces each escape of an unpaired surrogate by U+FFFD, in place.
func replaceHalfPairs(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); {
		if b[i] != '\\' {
			out = append(out, b[i])
			i++
			continue
		}
		n := 2 // the length of the escape
		if first := escapedUnit(b[i:]); first >= 0 {
			n = 6
			if utf16.IsSurrogate(first) {
				if utf16.DecodeRune(first, escapedUnit(b[i+6:])) == unicode.ReplacementChar {
					out = append(out, "\ufffd"...)
					i += n
					continue
				}
				n = 12
			}
		}
		out = append(out, b[i:i+n]...)
		i += n
	}
	return out
}

// escapedUnit returns the UTF-16 code unit of the \uXXXX escape that b begins with, or
// -1 if b begins with something else.
func escapedUnit(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// valid reports whether b is valid JSON, as json.Valid does but faster. It leaves what
// may be nested deeply to encoding/json, which limits the depth, because gjson recurses
// and would exhaust the stack. Package stdio has the same function: neither of the two
// packages imports the other.
func valid(b []byte) bool {
	const deep = 10_000
	if bytes.Count(b, []byte{'['})+bytes.Count(b, []byte{'{'}) > deep {
		return json.Valid(b)
	}
	return gjson.ValidBytes(b)
}

// compact removes the white space from valid JSON, in place, and returns how deep the
// JSON is nested, which the library function for this, pretty.UglyInPlace, does not tell.
// (Up to 1.2.0 that corrupted strings, too.)
func compact(b []byte) (out []byte, depth int) {
	out = b[:0]
	open := 0
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '"':
			end := i + 1
			for {
				end += bytes.IndexByte(b[end:], '"') + 1
				escapes := 0
				for b[end-2-escapes] == '\\' {
					escapes++
				}
				if escapes%2 == 0 {
					break
				}
			}
			out = append(out, b[i:end]...)
			i = end
		case c <= ' ':
			i++
		default:
			switch c {
			case '{', '[':
				open++
				depth = max(depth, open)
			case '}', ']':
				open--
			}
			out = append(out, c)
			i++
		}
	}
	return out, depth
}

// Depth returns how deep objects and arrays are nested in valid JSON: 0 for a string,
// 1 for [], 2 for [{}].
func Depth(value string) int {
	depth, _ := nesting(value)
	return depth
}

// endsEarly reports whether body is the beginning of a JSON object or array whose end
// is missing.
func endsEarly(body []byte) bool {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' && body[0] != '[' {
		return false
	}
	_, unclosed := nesting(body)
	return unclosed
}

// nesting returns how deep objects and arrays are nested in JSON, which need not be
// complete, and whether a string, an object or an array in it is still open at its end.
func nesting[T string | []byte](value T) (depth int, unclosed bool) {
	open, inString := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{', c == '[':
			open++
			depth = max(depth, open)
		case c == '}', c == ']':
			open--
		}
	}
	return depth, open > 0 || inString
}

// Member is a member of a JSON object.
type Member struct {
	Name  string // decoded
	Value string // JSON
	Raw   string // the name and the value as they stand in the object
}

// Members yields the members of a JSON object in their order. The JSON must be valid
// and compact, as RawJSON returns it. Members yields nothing for other JSON values.
func Members(object string) iter.Seq[Member] {
	return func(yield func(Member) bool) {
		for i := 0; ; {
			name, value := nextMember(object, i)
			if value < 0 {
				return
			}
			end := skip(object, value)
			if !yield(Member{name, object[value:end], object[i+1 : end]}) {
				return
			}
			i = end
		}
	}
}

// nextMember returns the name of a member of a JSON object, decoded, and where the value
// begins, or -1 if there is no member. i is where the object begins or the member before
// ended. It lets a caller read a large object in one pass.
func nextMember(object string, i int) (name string, value int) {
	if i == len(object) || object[i] != '{' && object[i] != ',' || object[i+1] == '}' {
		return "", -1
	}
	colon := skip(object, i+1)
	name, _ = stringValue(object[i+1 : colon])
	return name, colon + 1
}

// skip returns where the value that begins at i in compact JSON ends.
func skip(s string, i int) int {
	for depth := 0; ; {
		switch s[i] {
		case '"':
			for escapes := 1; escapes%2 == 1; {
				i += strings.IndexByte(s[i+1:], '"') + 1
				for escapes = 0; s[i-1-escapes] == '\\'; {
					escapes++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		default: // a number or a word
			for depth == 0 && i+1 < len(s) && s[i+1] != ',' && s[i+1] != '}' && s[i+1] != ']' {
				i++
			}
		}
		i++
		if depth == 0 {
			return i
		}
	}
}

// stringValue decodes a JSON value that is a string, and reports whether it is one.
func stringValue(value string) (s string, ok bool) {
	if value == "" || value[0] != '"' {
		return "", false
	}
	if strings.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	return gjson.Parse(value).Str, true
}

// JSONString returns s as a JSON string.
func JSONString(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
