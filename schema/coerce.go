package schema

import (
	"math"
	"strconv"
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
	case p.Type != "string" && isText:
		if v, ok := parseJSON(strings.ToLower(text)); ok { // Python writes True
			switch v := jsonValue(v).(type) {
			case int64, bool:
				return v
			}
		}
	case p.Type == "string" && isDigits(given.Raw):
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
		v, ok := parseJSON(text)
		if !ok || !v.IsArray() {
			if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
				text = text[1 : len(text)-1]
			}
			return p.splitList([]any{}, text)
		}
		given = v
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
	if len(p.spellings) > 0 {
		if value, ok := p.spellings[Fold(text)]; ok {
			return value
		}
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

// jsonValue returns a JSON value as Go has it, null as nil. Numbers without a
// fraction are int64, others float64 within its bounds. What is in an object
// does not matter, as no schema asks for one.
func jsonValue(v gjson.Result) any {
	switch {
	case v.Type == gjson.Null:
		return nil
	case v.Type == gjson.Number:
		if i, err := strconv.ParseInt(v.Raw, 10, 64); err == nil {
			return i
		}
		f, _ := strconv.ParseFloat(v.Raw, 64)
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f)
		}
		return max(-math.MaxFloat64, min(f, math.MaxFloat64))
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

// parseJSON returns the JSON value that text is, if it is one. The caller has
// checked that it is not too deep.
func parseJSON(text string) (v gjson.Result, ok bool) {
	if !gjson.Valid(text) {
		return v, false
	}
	return gjson.Parse(text), true
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
