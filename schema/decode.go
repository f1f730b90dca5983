package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/google/jsonschema-go/jsonschema"
	invopop "github.com/invopop/jsonschema"
	"github.com/tidwall/gjson"
)

// Faults are the arguments that do not fit, a line each: which argument, what
// was given, what is allowed.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

// property is a property of the schema, with what validates a value of it.
type property struct {
	name     string
	field    []int // of the struct
	required bool
	*invopop.Schema
	value *jsonschema.Resolved
	item  *jsonschema.Resolved // of an array, else nil
}

type properties []property

func compile(t reflect.Type, s *invopop.Schema) (properties, error) {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = f.Index
	}
	var all properties
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		value, err := resolve(p.Value)
		if err != nil {
			return nil, err
		}
		item, err := resolve(p.Value.Items)
		if err != nil {
			return nil, err
		}
		all = append(all, property{p.Key, fields[p.Key], slices.Contains(s.Required, p.Key), p.Value, value, item})
	}
	return all, nil
}

func resolve(s *invopop.Schema) (*jsonschema.Resolved, error) {
	if s == nil {
		return nil, nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var same jsonschema.Schema
	if err := json.Unmarshal(raw, &same); err != nil {
		return nil, err
	}
	return same.Resolve(nil)
}

// maxArguments is far beyond what a model would write, and keeps what a call may
// cost within bounds.
const maxArguments = 64 << 10

// Decode reads a call's arguments; absent or null ones are {}. What models and
// hosts often send in another shape is taken where it can mean one thing only:
// "20" for 20, "true" for true, "a,b", "a" or "[\"a\"]" for an array, null for
// absent, the whole object as a string. Anything else that does not fit the
// schema is a [Faults].
func (s Input[T]) Decode(args string) (T, error) {
	decoded := s.defaults
	known, err := s.compile()
	if err != nil {
		return decoded, err
	}
	if len(args) > maxArguments {
		return decoded, Faults{fmt.Sprintf("arguments: got %d bytes, at most %d are allowed", len(args), maxArguments)}
	}
	given, ok := members(args)
	if !ok {
		return decoded, Faults{fmt.Sprintf("arguments: got %s, wants an object with %s", short([]byte(args)), known.names())}
	}
	var faults Faults
	for _, a := range given {
		if !slices.ContainsFunc(known, func(p property) bool { return p.name == a.name }) && len(faults) < 20 {
			faults = append(faults, fmt.Sprintf("%s: unknown argument, did you mean %s? this tool takes %s", short([]byte(a.name)), known.nearest(a.name), known.names()))
		}
	}
	into := reflect.ValueOf(&decoded).Elem()
	for _, p := range known {
		var raw gjson.Result
		for _, a := range given { // of a name that comes twice the last counts
			if a.name == p.name {
				raw = a.value
			}
		}
		value := coerce(p.Schema, plain(raw))
		if value == nil {
			if p.required {
				faults = append(faults, fmt.Sprintf("%s: missing, wants %s", p.name, wants(p.Schema)))
			}
			continue
		}
		if wrong := p.check(value, raw.Raw); wrong != nil {
			faults = append(faults, wrong...)
			continue
		}
		set(into.FieldByIndex(p.field), value)
	}
	if faults != nil {
		return s.defaults, faults
	}
	return decoded, nil
}

// set sets a field to a value that the schema of its type allows.
func set(field reflect.Value, value any) {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	switch value := value.(type) {
	case string:
		field.SetString(value)
	case int64:
		field.SetInt(value)
	case bool:
		field.SetBool(value)
	case []any:
		texts := make([]string, len(value))
		for i := range value {
			texts[i] = value[i].(string)
		}
		field.Set(reflect.ValueOf(texts))
	}
}

// check tells what is wrong with value, which was given as raw.
func (p property) check(value any, raw string) (faults Faults) {
	if p.value.Validate(value) == nil {
		return nil
	}
	items, _ := value.([]any)
	for i, item := range items {
		if len(faults) == 10 {
			break
		}
		if p.item != nil && p.item.Validate(item) != nil {
			got, _ := json.Marshal(item)
			faults = append(faults, fmt.Sprintf("%s[%d]: got %s, wants %s", p.name, i, short(got), wants(p.Items)))
		}
	}
	if faults == nil {
		faults = Faults{fmt.Sprintf("%s: got %s, wants %s", p.name, short([]byte(raw)), wants(p.Schema))}
	}
	return faults
}

// argument is one that was given.
type argument struct {
	name  string
	value gjson.Result
}

// members are the arguments that were given; null is none.
func members(args string) (given []argument, ok bool) {
	v := gjson.Parse(args)
	if v.Type == gjson.String && gjson.Valid(v.Str) {
		if v = gjson.Parse(v.Str); !v.IsObject() {
			return nil, false
		}
	}
	if !v.Exists() || v.Type == gjson.Null {
		return nil, true
	}
	given = make([]argument, 0, 8)
	v.ForEach(func(name, value gjson.Result) bool {
		given = append(given, argument{name.Str, value})
		return true
	})
	return given, v.IsObject()
}

// plain is a JSON value as Go has it. Numbers without a fraction are int64;
// others float64, within its bounds.
func plain(v gjson.Result) any {
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
		for _, item := range v.Array() {
			list = append(list, plain(item))
		}
		return list
	case v.IsObject():
		return map[string]any{}
	}
	return v.Bool()
}

// read is plain for text, if that is JSON.
func read(text string) (value any, ok bool) {
	if !gjson.Valid(text) {
		return nil, false
	}
	return plain(gjson.Parse(text)), true
}

// coerce gives value the type that s asks for, if it can mean that only.
func coerce(s *invopop.Schema, value any) any {
	text, isText := value.(string)
	text = strings.TrimSpace(text)
	switch {
	case s.Type == "array":
		if isText {
			value = items(text)
		}
		if list, ok := value.([]any); ok {
			return coerceItems(s.Items, list)
		}
	case !isText:
	case s.Type == "integer", s.Type == "boolean":
		if v, ok := read(strings.ToLower(text)); ok { // Python writes True
			switch v.(type) {
			case int64, bool, nil:
				return v
			}
		}
	case len(s.Enum) > 0:
		if lower := strings.ToLower(text); slices.Contains(s.Enum, any(lower)) {
			return lower
		}
	}
	return value
}

// items reads an array that came as a text: as JSON, or a list with commas,
// with or without brackets and quotes. "null" is none.
func items(text string) any {
	if v, ok := read(text); ok {
		switch v.(type) {
		case []any, nil:
			return v
		}
	}
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text = text[1 : len(text)-1]
	}
	return []any{text}
}

// coerceItems coerces each item, of which one with commas is several: neither a
// field nor a status has a comma in its name.
func coerceItems(s *invopop.Schema, list []any) []any {
	coerced := []any{}
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			coerced = append(coerced, item)
			continue
		}
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.Trim(part, " \t\r\n'\""); part != "" {
				coerced = append(coerced, coerce(s, part))
			}
		}
	}
	return coerced
}

func (all properties) names() string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// wants says what s allows.
func wants(s *invopop.Schema) string {
	switch {
	case len(s.Enum) > 0:
		return "one of " + list(s.Enum)
	case s.Type == "integer":
		return fmt.Sprintf("an integer from %s to %s", s.Minimum, s.Maximum)
	case s.Type == "boolean":
		return "true or false"
	case s.Type == "array":
		if len(s.Items.Enum) > 0 {
			return "an array with any of " + list(s.Items.Enum)
		}
		return "an array of strings"
	}
	return "a string"
}

func list(enum []any) string {
	quoted := make([]string, len(enum))
	for i, v := range enum {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return strings.Join(quoted, ", ")
}

// short is what was given, on one line of an error text.
func short(raw []byte) string {
	runes := []rune(string(bytes.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, raw)))
	if len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return string(runes)
}

// nearest names the argument that was probably meant.
func (all properties) nearest(name string) string {
	best, least := "", math.Inf(1)
	for _, p := range all {
		if d := float64(distance(name, p.name)) / float64(max(len(name), len(p.name))); d < least {
			best, least = p.name, d
		}
	}
	return best
}

// distance is Levenshtein's, with letters compared in any case and without
// underscores, so that threadId is next to thread_id.
func distance(a, b string) int {
	fold := strings.NewReplacer("_", "", "-", "")
	a, b = strings.ToLower(fold.Replace(short([]byte(a)))), strings.ToLower(fold.Replace(b))
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, diagonal+1, change)
		}
	}
	return row[len(b)]
}
