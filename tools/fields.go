package tools

import (
	"slices"
	"strings"

	"runs-mcp/runsapi"
)

// pick returns the run with only the named top-level fields, id and status
// always among them, as the API wrote and ordered them. No names, or a "*"
// among them, is everything.
func pick(run string, names []string) string {
	if len(names) == 0 || slices.Contains(names, everyField) {
		return run
	}
	return filter(run, func(name string) bool { return name == "id" || name == "status" || slices.Contains(names, name) })
}

// pickOfMany is pick for a run in a list: without names, what repeats in every
// run is left out.
func pickOfMany(run string, names []string) string {
	if len(names) == 0 {
		return filter(run, func(name string) bool { return name != "instructions" && name != "tools" })
	}
	return pick(run, names)
}

// filter returns the members of a JSON object that keep says yes to.
func filter(object string, keep func(name string) bool) string {
	var b strings.Builder
	b.Grow(len(object))
	for m := range runsapi.Members(object) {
		if keep(m.Name) {
			b.WriteByte("{,"[min(b.Len(), 1)])
			b.WriteString(m.Raw)
		}
	}
	if b.Len() == 0 {
		return "{}"
	}
	b.WriteByte('}')
	return b.String()
}
