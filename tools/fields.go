package tools

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"runs-mcp/runsapi"
	"runs-mcp/schema"
)

// isEveryField reports whether name selects all fields. A model may write "all", as no Run has
// a field of that name.
func isEveryField(name string) bool { return name == "*" || name == "all" }

// selection selects the fields of a Run that a call returns. It is made once per call,
// because a list may have thousands of runs and a call may give thousands of names.
type selection struct {
	all     bool            // whether the whole run is returned as it came
	names   map[string]bool // the fields that are returned or, with exclude, left out
	exclude bool

	// meanings has the names that are not Run fields, with the Run fields that each may
	// mean. A name has its meanings only in a run that has no field with exactly that name.
	meanings map[string][]string
	// meant counts, for each Run field, how many names may mean it.
	meant map[string]int
}

// newSelection returns a selection of the named top-level fields, to which id and status
// always belong. A "*" among the names selects all fields, and so do no names at all, except
// in a list: there, no names leave out the long fields that are the same in every run.
func newSelection(names []string, list bool) selection {
	switch {
	case len(names) == 0 && list:
		return selection{names: map[string]bool{"instructions": true, "tools": true}, exclude: true}
	case len(names) == 0, slices.ContainsFunc(names, isEveryField):
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

// meanings returns the Run fields that name may mean. A name may spell a field differently,
// such as lastError; it may be a path into a field, such as last_error.message; or it may
// hold several fields, such as "usage last_error". fields has the Run fields by their folded
// names.
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
				break // the rest of the path is inside that field
			}
		}
	}
	return found
}

// without returns the selection without one field.
func (s selection) without(field string) selection {
	if s.all {
		return selection{names: map[string]bool{field: true}, exclude: true}
	}
	delete(s.names, field)
	return s
}

// write writes the selected fields of run, a JSON object, to b. It keeps their JSON and
// their order.
func (s selection) write(b *strings.Builder, run string) {
	if s.all {
		b.WriteString(run)
		return
	}
	var meant map[string]int // how many names mean a field of this run
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
		if s.names[m.Name] != s.exclude || meant[m.Name] > 0 {
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

// add writes the selected fields of a run to b, the JSON of a list. If mayBeDeep is set, it
// checks how deep they are nested, and returns an error that names a field nested too deep.
func (s selection) add(b *strings.Builder, run runsapi.Run, mayBeDeep bool) error {
	begin := b.Len()
	s.write(b, run.RawJSON())
	if mayBeDeep {
		return checkDepth(b.String()[begin:], 2)
	}
	return nil
}

// checkDepth returns an error that names a field of run, a JSON object, if the field is
// nested too deep for clients to read. outer is the number of objects and arrays around the
// run.
func checkDepth(run string, outer int) error {
	for m := range runsapi.Members(run) {
		if runsapi.Depth(m.Value)+1+outer > runsapi.MaxDepth {
			return runsapi.TooDeep(m.Name)
		}
	}
	return nil
}

// runFields returns the fields of a Run that OpenAI's API reference lists, and the two that
// only the API's answers have.
func runFields() []string {
	return []string{
		"id", "object", "created_at", "thread_id", "assistant_id", "status", "required_action", "last_error",
		"expires_at", "started_at", "cancelled_at", "failed_at", "completed_at", "incomplete_details",
		"model", "instructions", "tools", "metadata", "usage", "temperature", "top_p",
		"max_prompt_tokens", "max_completion_tokens", "truncation_strategy", "tool_choice",
		"parallel_tool_calls", "response_format", "tool_resources", "reasoning_effort",
	}
}
