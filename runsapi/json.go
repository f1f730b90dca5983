package runsapi

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// normalize checks that body is one JSON value and returns it without the white
// space between its tokens, a byte order mark, or invalid UTF-8. Everything
// else is as it was, to the byte. It writes over body.
func normalize(body []byte) (string, bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) {
		valid := make([]byte, 0, len(body)+len(body)/8)
		for len(body) > 0 {
			r, size := utf8.DecodeRune(body) // U+FFFD for each invalid byte
			valid = utf8.AppendRune(valid, r)
			body = body[size:]
		}
		body = valid
	}
	if !valid(body) {
		return "", false
	}
	return string(compact(body)), true
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

// compact takes the white space out of valid JSON, in place.
func compact(b []byte) []byte {
	out := b[:0]
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
			out = append(out, c)
			i++
		}
	}
	return out
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
			name, _ := text(object[i:colon])
			if !yield(Member{name, object[colon+1 : end], object[i:end]}) {
				return
			}
			i = end
		}
	}
}

// items returns the items of an array in compact JSON.
func items(array string) (list []string) {
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

// text is the string that value is in JSON, and whether it is one.
func text(value string) (s string, ok bool) {
	if value == "" || value[0] != '"' {
		return "", false
	}
	if strings.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	return gjson.Parse(value).Str, true
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
