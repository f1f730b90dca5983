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

// normalize checks that body is one JSON value and returns it without the white
// space between its tokens and without a byte order mark. What some clients
// cannot read is changed: invalid UTF-8 and halves of surrogate pairs become
// U+FFFD; U+0085, U+2028 and U+2029, which end a line for some, are escaped.
// Everything else is as it was, to the byte. The result shares body's memory.
// depth is how deep its objects and arrays are nested.
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

// replaceHalfPairs replaces the escape of half a surrogate pair by U+FFFD, in
// place.
func replaceHalfPairs(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); {
		if b[i] != '\\' {
			out = append(out, b[i])
			i++
			continue
		}
		n := 2 // bytes of the escape
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

// escapedUnit returns the UTF-16 code unit that the \uXXXX at the beginning of b
// stands for, or -1 if b begins with something else.
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

// valid leaves what is nested without bounds to encoding/json: it counts, where
// gjson's recursion would exhaust the stack.
func valid(b []byte) bool {
	const deep = 10_000
	if bytes.Count(b, []byte{'['})+bytes.Count(b, []byte{'{'}) > deep {
		return json.Valid(b)
	}
	return gjson.ValidBytes(b)
}

// compact takes the white space out of valid JSON, in place, and tells how deep
// it is nested. (pretty.UglyInPlace would be the library for it, but corrupts
// strings: it reads bytes that it has overwritten.)
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

// Depth is how deep the objects and arrays of compact JSON are nested.
func Depth(json string) (depth int) {
	open, inString := 0, false
	for i := 0; i < len(json); i++ {
		switch c := json[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			open++
			depth = max(depth, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return depth
}

// Member is a member of a JSON object: its name, its value as JSON, and both as
// they stand in the object.
type Member struct{ Name, Value, Raw string }

// Members yields the members of an object in compact JSON, such as RawJSON
// returns, in their order. It yields none for another value.
func Members(object string) iter.Seq[Member] {
	return func(yield func(Member) bool) {
		if object == "" || object[0] != '{' {
			return
		}
		for i := 1; object[i] != '}'; {
			if object[i] == ',' {
				i++
			}
			colon := skip(object, i)
			end := skip(object, colon+1)
			name, _ := stringValue(object[i:colon])
			if !yield(Member{name, object[colon+1 : end], object[i:end]}) {
				return
			}
			i = end
		}
	}
}

// arrayItems returns the items of an array in compact JSON.
func arrayItems(array string) (list []string) {
	for i := 1; array[i] != ']'; {
		if array[i] == ',' {
			i++
		}
		end := skip(array, i)
		list = append(list, array[i:end])
		i = end
	}
	return list
}

// skip returns where the value that begins at i of compact JSON ends.
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

// stringValue is the string that value is in JSON, and whether it is one.
func stringValue(value string) (s string, ok bool) {
	if value == "" || value[0] != '"' {
		return "", false
	}
	if strings.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	return gjson.Parse(value).Str, true
}

// JSONString is s as JSON.
func JSONString(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
