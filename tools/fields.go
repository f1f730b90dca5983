package tools

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"runs-mcp/runsapi"
	"runs-mcp/schema"
)

// everyField among the names asks for all fields.
const everyField = "*"

// selection is the fields of a Run that a call returns. It is made once per
// call, as a list may have thousands of runs and a call may give thousands of
// names.
type selection struct {
	all     bool            // the whole run, as it came
	names   map[string]bool // fields with these names are returned, or left out
	leftOut bool            // names are those that are left out

	// Names that are no Run field, with the Run fields that each can mean, and for
	// each of these fields how many names mean it. What a name means counts only for
	// a run that has no field of that very name.
	meanings map[string][]string
	meant    map[string]int
}

// newSelection returns the selection of the named top-level fields; id and
// status always belong to it. No names, or a "*" among them, select everything;
// but no names leave out of a run in a list what is long and repeats in each.
func newSelection(names []string, list bool) selection {
	switch {
	case len(names) == 0 && list:
		return selection{names: map[string]bool{"instructions": true, "tools": true}, leftOut: true}
	case len(names) == 0, slices.Contains(names, everyField):
		return selection{all: true}
	}
	s := selection{names: map[string]bool{"id": true, "status": true}}
	fields := runFields()
	var folded map[string]string
	for _, name := range names {
		if s.names[name] {
			continue
		}
		s.names[name] = true
		if slices.Contains(fields, name) {
			continue
		}
		if folded == nil {
			folded = make(map[string]string, len(fields))
			for _, field := range fields {
				folded[schema.Fold(field)] = field
			}
			s.meanings, s.meant = map[string][]string{}, map[string]int{}
		}
		for _, field := range meanings(name, folded) {
			s.meanings[name] = append(s.meanings[name], field)
			s.meant[field]++
		}
	}
	return s
}

// meanings returns the Run fields that name can mean, out of those given by
// their folded names: one in another spelling, such as lastError; one with a path
// into it, such as last_error.message; or several in one text, such as
// "usage last_error".
func meanings(name string, fields map[string]string) (found []string) {
	if field, ok := fields[schema.Fold(name)]; ok {
		return []string{field}
	}
	for path := range strings.FieldsFuncSeq(name, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(";|&+", r) }) {
		for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' && r != '-' }) {
			if field, ok := fields[schema.Fold(part)]; ok {
				if !slices.Contains(found, field) {
					found = append(found, field)
				}
				break // the rest of the path leads into that field
			}
		}
	}
	return found
}

// everything reports whether the selection returns each run as it came.
func (s selection) everything() bool { return s.all }

// write writes the selected fields of run to b, as the API wrote and ordered
// them.
func (s selection) write(b *strings.Builder, run string) {
	if s.all {
		b.WriteString(run)
		return
	}
	var meant map[string]int
	if len(s.meant) > 0 {
		meant = maps.Clone(s.meant)
		for m := range runsapi.Members(run) {
			for _, field := range s.meanings[m.Name] {
				meant[field]--
			}
		}
	}
	separator := byte('{')
	for m := range runsapi.Members(run) {
		if s.names[m.Name] != s.leftOut || meant[m.Name] > 0 {
			b.WriteByte(separator)
			b.WriteString(m.Raw)
			separator = ','
		}
	}
	if separator == '{' {
		b.WriteByte('{')
	}
	b.WriteByte('}')
}

// add writes the selected fields of a run in a list. If the list may be nested
// too deep, it returns an error that names the field.
func (s selection) add(b *strings.Builder, run runsapi.Run, mayBeDeep bool) error {
	begin := b.Len()
	s.write(b, run.RawJSON())
	if mayBeDeep {
		return checkDepth(b.String()[begin:], 2)
	}
	return nil
}

// checkDepth returns an error that names the field of a run that is nested too
// deep for clients to read, if there is one. The run itself stands in so many
// objects and arrays.
func checkDepth(run string, in int) error {
	for m := range runsapi.Members(run) {
		if runsapi.Depth(m.Value)+1+in > runsapi.MaxDepth {
			return runsapi.TooDeep(m.Name)
		}
	}
	return nil
}

// runFields returns the fields of a Run in OpenAI's API document, and the two
// that its answers have besides.
func runFields() []string {
	return []string{
		"id", "object", "created_at", "thread_id", "assistant_id", "status", "required_action", "last_error",
		"expires_at", "started_at", "cancelled_at", "failed_at", "completed_at", "incomplete_details",
		"model", "instructions", "tools", "metadata", "usage", "temperature", "top_p",
		"max_prompt_tokens", "max_completion_tokens", "truncation_strategy", "tool_choice",
		"parallel_tool_calls", "response_format", "tool_resources", "reasoning_effort",
	}
}
