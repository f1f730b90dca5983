package runsapi

import (
	"bytes"
	"encoding/json"
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
		body = []byte(string([]rune(string(body)))) // each invalid byte becomes U+FFFD
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
			for b[end] != '"' {
				if b[end] == '\\' {
					end++
				}
				end++
			}
			out = append(out, b[i:end+1]...)
			i = end + 1
		case c <= ' ':
			i++
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
