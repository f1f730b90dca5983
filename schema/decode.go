package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	invopop "github.com/invopop/jsonschema"
	"github.com/tidwall/gjson"
)

// Both limits are far beyond what a model would write. Together they keep the time for a
// call in proportion to the length of its arguments, because a JSON value is read once for
// each level of its nesting.
const (
	maxArguments = 64 << 10 // bytes
	maxDepth     = 16
)

// property is a property of the schema, with what is needed to decode its value.
type property struct {
	name     string
	field    []int // the index of the struct's field
	required bool
	*invopop.Schema
	spellings map[string]string    // the values of the enum of the property or its items, by their folded form
	value     *jsonschema.Resolved // validates a value
	item      *jsonschema.Resolved // validates an item of an array
}

type properties []property

// compile returns the properties of s, the schema of the struct type t.
func compile(t reflect.Type, s *invopop.Schema) (known properties) {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = f.Index
	}
	for pair := s.Properties.Oldest(); pair != nil; pair = pair.Next() {
		p := property{name: pair.Key, field: fields[pair.Key], required: slices.Contains(s.Required, pair.Key), Schema: pair.Value, value: validator(pair.Value)}
		enum := p.Enum
		if p.Items != nil {
			enum, p.item = p.Items.Enum, validator(p.Items)
		}
		p.spellings = make(map[string]string, len(enum))
		for _, v := range enum {
			p.spellings[Fold(v.(string))] = v.(string)
		}
		known = append(known, p)
	}
	return known
}

// validator returns a validator for values of s.
func validator(s *invopop.Schema) *jsonschema.Resolved {
	var same jsonschema.Schema
	if err := json.Unmarshal(marshal(s), &same); err != nil {
		panic(err)
	}
	resolved, err := same.Resolve(nil)
	if err != nil {
		panic(err)
	}
	return resolved
}

// Decode decodes the arguments of a call, a JSON object; an empty args or null stands for
// {}. Decode also accepts what models and hosts often send instead, if it can mean only one
// thing:
//   - null or "" for an optional argument that is absent
//   - "20" for 20, "true" for true, 20 for the string "20"
//   - "a,b", "a" or "[\"a\"]" for an array
//   - a value of an enum with other letter case or separators, or with a letter doubled or not
//   - the whole object as a string, or [] for {}
//
// It ignores arguments that hosts are known to add. The error is a [Faults] if anything else
// does not match the schema; Decode then returns the defaults.
func (s Input[T]) Decode(args string) (T, error) {
	known := s.compile()
	given, faults := known.read(args)
	if given == nil {
		return s.defaults, faults
	}
	decoded := s.defaults
	into := reflect.ValueOf(&decoded).Elem()
	for i, p := range known {
		value, wrong := p.decode(given[i])
		if wrong != nil {
			faults = append(faults, wrong...)
		} else {
			set(into.FieldByIndex(p.field), value)
		}
	}
	if faults != nil {
		return s.defaults, faults
	}
	return decoded, nil
}

// read returns the values that args gives to the properties, in the order of the
// properties. The faults are the unknown arguments or, if given is nil, why args cannot be
// read at all.
func (known properties) read(args string) (given []gjson.Result, faults Faults) {
	if len(args) > maxArguments {
		return nil, Faults{fmt.Sprintf("arguments: got %d bytes, at most %d are allowed", len(args), maxArguments)}
	}
	if tooDeep(args) {
		return nil, Faults{nestedFault("arguments", args, known.expectation())}
	}
	object := gjson.Parse(args)
	if object.Type == gjson.String {
		text := strings.TrimSpace(object.Str)
		if tooDeep(text) {
			return nil, Faults{nestedFault("arguments", args, known.expectation())}
		}
		if text == "" || gjson.Valid(text) {
			object = gjson.Parse(text)
		}
	}
	given = make([]gjson.Result, len(known))
	switch {
	case object.Type == gjson.Null, object.IsArray() && object.Get("#").Int() == 0:
		return given, nil
	case !object.IsObject():
		return nil, Faults{fault("arguments", args, known.expectation())}
	}
	object.ForEach(func(name, value gjson.Result) bool {
		i := slices.IndexFunc(known, func(p property) bool { return p.name == name.Str })
		if i >= 0 {
			given[i] = value // of two values for one name, the last counts
		} else if !addedByHost(name.Str) && len(faults) < maxUnknown {
			faults = append(faults, known.unknown(name.Str))
		}
		return true
	})
	return given, faults
}

// addedByHost reports whether some host adds an argument of this name to each call, which
// its model cannot prevent.
func addedByHost(name string) bool {
	switch name {
	case "toolCallId", "sessionId", "action", "chatInput", "tool": // n8n adds the input of its agent node
		return true
	case "wait_for_previous": // Gemini CLI adds this to the schema that its model sees
		return true
	}
	return false
}

// decode returns the value given as one that the schema allows, or nil for an absent
// argument.
func (p property) decode(given gjson.Result) (any, Faults) {
	if p.Type != "string" && tooDeep(given.Str) {
		return nil, Faults{nestedFault(p.name, given.Raw, expectation(p.Schema))}
	}
	value := p.coerce(given)
	if value == nil {
		if p.required {
			return nil, Faults{fmt.Sprintf("%s: missing, wants %s", p.name, expectation(p.Schema))}
		}
		return nil, nil
	}
	if _, isText := value.(string); isText && p.anyText() {
		return value, nil // without a validator, whose deep stack costs more than all the rest of Decode
	}
	items, isArray := value.([]any)
	if p.item == nil || !isArray {
		if p.value.Validate(value) != nil {
			return nil, Faults{fault(p.name, given.Raw, expectation(p.Schema))}
		}
		return value, nil
	}
	var faults Faults
	for i, item := range items {
		if p.item.Validate(item) != nil {
			if len(faults) == maxItemFaults {
				break
			}
			got, _ := json.Marshal(item)
			faults = append(faults, fault(fmt.Sprintf("%s[%d]", p.name, i), string(got), expectation(p.Items)))
		}
	}
	return value, faults
}

// set sets field to value, which the schema of the field allows. It leaves the default if
// value is nil.
func set(field reflect.Value, value any) {
	switch value := value.(type) {
	case string:
		field.SetString(value)
	case float64:
		field.SetInt(int64(value))
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
