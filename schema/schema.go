// Package schema makes JSON Schemas from Go structs, and decodes a tool's arguments against
// the same schema that its clients see.
//
// The struct's tags are the only source: json names a property and, with omitempty, makes
// it optional; jsonschema gives its enum and bounds, as github.com/invopop/jsonschema
// defines; jsonschema_description describes it.
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/invopop/jsonschema"
)

// Input is the schema of a tool's arguments: a flat object without additional properties.
// Its JSON uses only the keywords type, properties, required, items, enum, description and
// additionalProperties, because some model providers refuse a whole conversation for a
// keyword that they do not know. The bounds of an integer are therefore part of its
// description; Decode enforces them all the same.
type Input[T any] struct {
	defaults T
	json     json.RawMessage
	compile  func() properties // compiles when it is first called, to keep start-up fast
}

// For returns the schema of T, a struct of strings, bools, slices of strings, and ints with
// a minimum and a maximum. Decode takes the values of absent arguments from defaults. For
// panics if T is not such a struct.
func For[T any](defaults T) Input[T] {
	t := reflect.TypeFor[T]()
	return Input[T]{
		defaults: defaults,
		json:     marshal(published(reflected(t, false))),
		compile:  sync.OnceValue(func() properties { return compile(t, reflected(t, false)) }),
	}
}

// JSON returns the schema as JSON, the same bytes in every process.
func (s Input[T]) JSON() json.RawMessage { return s.json }

// Open returns the schema of a tool's structured result, made from the struct T. It allows
// additional properties, and requires the fields without omitempty.
func Open[T any]() json.RawMessage { return marshal(reflected(reflect.TypeFor[T](), true)) }

// reflected returns the schema of t, which allows additional properties if it is open.
func reflected(t reflect.Type, open bool) *jsonschema.Schema {
	r := jsonschema.Reflector{DoNotReference: true, AllowAdditionalProperties: open}
	s := r.ReflectFromType(t)
	s.Version = ""
	return s
}

// published moves the bounds of integers in s to their descriptions.
func published(s *jsonschema.Schema) *jsonschema.Schema {
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		if v := p.Value; v.Type == "integer" {
			v.Description += fmt.Sprintf(" (%s-%s)", v.Minimum, v.Maximum)
			v.Minimum, v.Maximum = "", ""
		}
	}
	return s
}

func marshal(s *jsonschema.Schema) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return raw
}
