// Package schema makes JSON Schemas from Go structs, and decodes a tool's
// arguments against the very schema that its clients see.
//
// Struct tags are the only source: json names a property and, with omitempty,
// makes it optional; jsonschema has its enum and bounds
// (github.com/invopop/jsonschema); jsonschema_description says what it means.
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/invopop/jsonschema"
)

// Input is the schema of a tool's arguments: a flat, closed object. Its JSON
// holds type, properties, required, items, enum, description and
// additionalProperties, and nothing else: model providers refuse a whole chat
// for a keyword that they do not know. The bounds of an integer therefore stand
// in its description; Decode enforces them all the same.
type Input[T any] struct {
	defaults T
	json     json.RawMessage
	compile  func() properties // runs at the first call: starting up does not need it
}

// For makes the schema of T, a struct of strings, bools, slices of strings, and
// ints with a minimum and a maximum. Decode fills an absent argument from
// defaults. For panics if T is not such a struct.
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

// Open makes the schema of a tool's structured result from T. It allows further
// properties, and requires those without omitempty.
func Open[T any]() json.RawMessage { return marshal(reflected(reflect.TypeFor[T](), true)) }

func reflected(t reflect.Type, open bool) *jsonschema.Schema {
	r := jsonschema.Reflector{DoNotReference: true, AllowAdditionalProperties: open}
	s := r.ReflectFromType(t)
	s.Version = ""
	return s
}

// published moves the bounds in s to the descriptions.
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
