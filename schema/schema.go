// Package schema makes JSON Schemas from Go structs, and decodes a tool's
// arguments against the very schema that its clients see.
//
// Tags say it all: json the name and, with omitempty, that a property is
// optional; jsonschema its enum and bounds (github.com/invopop/jsonschema);
// jsonschema_description what it means.
package schema

import (
	"encoding/json"
	"reflect"
	"sync"

	"github.com/invopop/jsonschema"
)

// Input is the schema of a tool's arguments: a flat, closed object. Hosts and
// model providers take no $ref, anyOf, type arrays, $schema or default, so it
// holds none; defaults stand in the descriptions.
type Input[T any] struct {
	defaults T
	json     json.RawMessage
	compile  func() (properties, error) // at the first use: it is not needed to start
}

// For makes the schema of T, a struct of strings, ints, bools and slices of
// strings. Decode fills an absent argument from defaults. A T that is no such
// struct is a programmer's error, and panics.
func For[T any](defaults T) Input[T] {
	s := reflected(reflect.TypeFor[T](), false)
	return Input[T]{defaults, marshal(s), sync.OnceValues(func() (properties, error) { return compile(reflect.TypeFor[T](), s) })}
}

// JSON is the schema as JSON, the same bytes in every process.
func (s Input[T]) JSON() json.RawMessage { return s.json }

// Open makes the schema of a tool's structured result from T. It is open: other
// properties are allowed, only those without omitempty are required, and a
// field of type any may hold anything, or be absent.
func Open[T any]() json.RawMessage { return marshal(reflected(reflect.TypeFor[T](), true)) }

func reflected(t reflect.Type, open bool) *jsonschema.Schema {
	r := jsonschema.Reflector{Anonymous: true, DoNotReference: true, ExpandedStruct: true, AllowAdditionalProperties: open}
	s := r.ReflectFromType(t)
	s.Version = ""
	anything(s)
	return s
}

// anything writes "may be anything" as {} all through s: the equivalent true is
// refused by clients.
func anything(s *jsonschema.Schema) {
	if reflect.DeepEqual(s, &jsonschema.Schema{}) {
		s.Extras = map[string]any{} // no longer equal to the schema that is written as true
		return
	}
	if s.Items != nil {
		anything(s.Items)
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		anything(p.Value)
	}
}

func marshal(s *jsonschema.Schema) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return raw
}
