package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Faults are the arguments that do not fit, a line each: which argument, what
// was given, what is allowed.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

type validator struct {
	properties []property // in the schema's order
	schema     *jsonschema.Schema
}

type property struct {
	name string
	*invopop.Schema
}

func newValidator(s *invopop.Schema, raw json.RawMessage) (*validator, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("arguments.json", doc); err != nil {
		return nil, err
	}
	v := &validator{}
	if v.schema, err = c.Compile("arguments.json"); err != nil {
		return nil, err
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		v.properties = append(v.properties, property{p.Key, p.Value})
	}
	return v, nil
}

// Decode reads a call's arguments; absent or null ones are {}. What models and
// hosts often send in another shape is taken where it can mean one thing only:
// "20" for 20, "true" for true, "a,b", "a" or "[\"a\"]" for an array, null for
// absent, the whole object as a string. Anything else that does not fit the
// schema is a [Faults].
func (s Input[T]) Decode(args json.RawMessage) (T, error) {
	decoded := s.defaults
	v, err := s.compile()
	if err != nil {
		return decoded, err
	}
	given, err := members(args)
	if err != nil {
		return decoded, Faults{fmt.Sprintf("arguments: got %s, wants an object with %s", short(args), v.names())}
	}
	values := make(map[string]any, len(given))
	for name, raw := range given {
		value := read(raw)
		if p := v.property(name); p != nil {
			value = coerce(p.Schema, value)
		}
		if value != nil {
			values[name] = value
		}
	}
	var invalid *jsonschema.ValidationError
	switch err := v.schema.Validate(values); {
	case errors.As(err, &invalid):
		return decoded, v.faults(invalid, given, values)
	case err != nil:
		return decoded, err
	}
	clean, err := json.Marshal(values)
	if err == nil {
		err = json.Unmarshal(clean, &decoded)
	}
	return decoded, err
}

func members(args json.RawMessage) (map[string]json.RawMessage, error) {
	args = bytes.TrimSpace(args)
	if len(args) == 0 || string(args) == "null" {
		return nil, nil
	}
	var text string
	if json.Unmarshal(args, &text) == nil {
		args = json.RawMessage(text)
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(args, &given); err != nil || given == nil {
		return nil, errors.New("not an object")
	}
	return given, nil
}

// read decodes a value with its whole numbers as int64. Others become float64,
// within its bounds: the validator would otherwise compute 1e999999999 in full.
func read(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	d.Decode(&value) // raw is a part of valid JSON
	return plain(value)
}

func plain(value any) any {
	switch value := value.(type) {
	case json.Number:
		if i, err := value.Int64(); err == nil {
			return i
		}
		f, _ := value.Float64()
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f)
		}
		return max(-math.MaxFloat64, min(f, math.MaxFloat64))
	case []any:
		for i := range value {
			value[i] = plain(value[i])
		}
	case map[string]any:
		for k := range value {
			value[k] = plain(value[k])
		}
	}
	return value
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
		switch v := read(json.RawMessage(strings.ToLower(text))).(type) { // Python writes True
		case int64, bool, nil:
			if json.Valid([]byte(strings.ToLower(text))) {
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
	if json.Valid([]byte(text)) {
		switch v := read(json.RawMessage(text)).(type) {
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

func (v *validator) property(name string) *property {
	for i := range v.properties {
		if v.properties[i].name == name {
			return &v.properties[i]
		}
	}
	return nil
}

func (v *validator) names() string {
	names := make([]string, len(v.properties))
	for i, p := range v.properties {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// faults puts what the validator found into words, in the order of the schema,
// unknown arguments first.
func (v *validator) faults(e *jsonschema.ValidationError, given map[string]json.RawMessage, values map[string]any) Faults {
	lines := map[string]string{} // by where the fault is
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		at := e.InstanceLocation
		switch k := e.ErrorKind.(type) {
		case *kind.Required:
			for _, name := range k.Missing {
				lines[name] = fmt.Sprintf("%s: missing, wants %s", name, wants(v.property(name).Schema))
			}
		case *kind.AdditionalProperties:
			for _, name := range k.Properties {
				lines[name] = fmt.Sprintf("%s: unknown argument%s this tool takes %s", cutOff(name), v.nearest(name), v.names())
			}
		default:
			if len(e.Causes) > 0 || len(at) == 0 {
				return
			}
			p := v.property(at[0])
			where, got, want := at[0], given[at[0]], p.Schema
			if len(at) > 1 {
				where, want = fmt.Sprintf("%s[%s]", at[0], at[1]), p.Items
				if i, err := strconv.Atoi(at[1]); err == nil {
					got, _ = json.Marshal(values[at[0]].([]any)[i])
				}
			}
			lines[where] = fmt.Sprintf("%s: got %s, wants %s", where, short(got), wants(want))
		}
	}
	walk(e)
	var sorted Faults
	rank := func(name string) int {
		name, _, _ = strings.Cut(name, "[")
		return slices.IndexFunc(v.properties, func(p property) bool { return p.name == name })
	}
	names := make([]string, 0, len(lines))
	for name := range lines {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	for _, name := range names[:min(len(names), 20)] {
		sorted = append(sorted, lines[name])
	}
	return sorted
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

// short is raw for an error text.
func short(raw json.RawMessage) string { return cutOff(string(raw)) }

func cutOff(s string) string {
	if runes := []rune(s); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return s
}

// nearest names the argument that was probably meant.
func (v *validator) nearest(name string) string {
	best, least := "", math.Inf(1)
	for _, p := range v.properties {
		if d := float64(distance(name, p.name)) / float64(max(len(name), len(p.name))); d < least {
			best, least = p.name, d
		}
	}
	return ", did you mean " + best + "?"
}

// distance is Levenshtein's, with letters compared in any case and without
// underscores, so that threadId is next to thread_id.
func distance(a, b string) int {
	fold := strings.NewReplacer("_", "", "-", "")
	a, b = strings.ToLower(fold.Replace(cutOff(a))), strings.ToLower(fold.Replace(b))
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
