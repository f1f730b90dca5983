package schema

import (
	"math"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// coerce returns what was given in the type that the schema asks for, if it can
// mean that only, and otherwise as it is. It returns nil for an absent argument.
func (p property) coerce(given gjson.Result) any {
	text := strings.TrimSpace(given.Str)
	isText := given.Type == gjson.String
	isFree := p.Type == "string" && len(p.Enum) == 0 // any text is a value
	switch {
	case isText && !p.required && (text == "" || !isFree && strings.EqualFold(text, "null")):
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

// coerceArray reads an array that came as a text as JSON, or as a list with
// commas, with or without brackets and quotes. An item with commas is several:
// no name or status holds one.
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

// splitList appends the items of a list with commas to list.
func (p property) splitList(list []any, text string) []any {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.Trim(item, " \t\r\n'\""); item != "" {
			list = append(list, p.spelled(item))
		}
	}
	return list
}

// spelled returns the value of the enum that text is another spelling of, or
// text if there is none.
func (p property) spelled(text string) string {
	if value, ok := p.spellings[Fold(text)]; ok {
		return value
	}
	return text
}

// Fold returns name without what its writers vary: letter case, separators, and
// whether a letter is doubled. Names that fold to the same text are spellings of
// one name, such as cancelled_at, cancelledAt and Canceled-At.
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

// jsonValue returns a JSON value as Go has it, null as nil and a number that is
// too large for a float64 as the largest. What is in an object does not matter,
// as no schema asks for one.
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

// parseJSON returns the JSON value that text is, or null if it is none. The
// caller has checked that it is not too deep.
func parseJSON(text string) gjson.Result {
	if !gjson.Valid(text) {
		return gjson.Result{}
	}
	return gjson.Parse(text)
}

// tooDeep reports whether text, as JSON, is nested over maxDepth deep. It holds
// for the part that is read of a text that is not JSON, too.
func tooDeep(text string) bool {
	depth := 0
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[', c == '{':
			if depth++; depth > maxDepth {
				return true
			}
		case c == ']', c == '}':
			depth--
		}
	}
	return false
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
