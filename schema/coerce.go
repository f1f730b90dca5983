package schema

import (
	"math"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// coerce returns the value given in the type that the schema asks for, if it can only mean
// that, and otherwise unchanged. It returns nil for an absent argument.
func (p property) coerce(given gjson.Result) any {
	text := strings.TrimSpace(given.Str)
	isText := given.Type == gjson.String
	switch {
	case isText && !p.required && (text == "" || !p.anyText() && strings.EqualFold(text, "null")):
		return nil
	case p.Type == "array":
		return p.coerceArray(given)
	case p.Type != "string":
		switch v := jsonValue(parseJSON(strings.ToLower(text))).(type) { // Python writes True
		case float64, bool:
			return v
		}
	case isDigits(given.Raw):
		return given.Raw
	case isText:
		return p.spelled(given.Str)
	}
	return jsonValue(given)
}

// anyText reports whether the schema allows any text.
func (p property) anyText() bool { return p.Type == "string" && len(p.Enum) == 0 }

// coerceArray reads an array, or a string that stands for one: JSON, or a list separated by
// commas, with or without brackets and quotes. An item with commas becomes several items,
// as no field name or status has a comma in it.
func (p property) coerceArray(given gjson.Result) any {
	if given.Type == gjson.String {
		text := strings.TrimSpace(given.Str)
		if given = parseJSON(text); !given.IsArray() {
			if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
				text = text[1 : len(text)-1]
			}
			return p.splitList([]any{}, text)
		}
	}
	if !given.IsArray() {
		return jsonValue(given)
	}
	list := []any{}
	given.ForEach(func(_, item gjson.Result) bool {
		if item.Type == gjson.String {
			list = p.splitList(list, item.Str)
		} else {
			list = append(list, jsonValue(item))
		}
		return true
	})
	return list
}

// splitList appends the items of text, a list separated by commas, to list.
func (p property) splitList(list []any, text string) []any {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.Trim(item, " \t\r\n'\""); item != "" {
			list = append(list, p.spelled(item))
		}
	}
	return list
}

// spelled returns the value of the enum of which text is a spelling, or text itself if
// there is none.
func (p property) spelled(text string) string {
	if len(p.spellings) == 0 {
		return text
	}
	if value, ok := p.spellings[Fold(text)]; ok {
		return value
	}
	return text
}

// Fold removes from name what varies between spellings: letter case, separators, and
// doubled letters. Names that fold to the same text are spellings of one name, such as
// cancelled_at, cancelledAt and Canceled-At.
func Fold(name string) string {
	var b strings.Builder
	last := '_'
	for _, r := range strings.ToLower(name) {
		if r == '_' || r == '-' || r == last || unicode.IsSpace(r) {
			continue
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

// jsonValue returns v as a Go value, as encoding/json does. A number that is too large for
// a float64 becomes the largest one. Objects become empty maps, because no schema has a
// property that is an object.
func jsonValue(v gjson.Result) any {
	switch {
	case v.Type == gjson.Null:
		return nil
	case v.Type == gjson.Number:
		return max(-math.MaxFloat64, min(v.Num, math.MaxFloat64))
	case v.Type == gjson.String:
		return v.Str
	case v.IsArray():
		list := []any{}
		v.ForEach(func(_, item gjson.Result) bool {
			list = append(list, jsonValue(item))
			return true
		})
		return list
	case v.IsObject():
		return map[string]any{}
	}
	return v.Bool()
}

// parseJSON parses text. It returns null if text is not valid JSON. The caller has checked
// that text is not nested too deep.
func parseJSON(text string) gjson.Result {
	if !gjson.Valid(text) {
		return gjson.Result{}
	}
	return gjson.Parse(text)
}

// tooDeep reports whether text is JSON that is nested deeper than maxDepth. Text that is not
// valid JSON counts as nested as deep as a parser would get before it fails.
func tooDeep(text string) bool {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{', c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}', c == ']':
			depth--
		}
	}
	return false
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
