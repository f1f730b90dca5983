package tools

import (
	"slices"
	"strings"

	"runs-mcp/runsapi"
)

// everyField among fields asks for all of them.
const everyField = "*"

// pick writes the run to b with only the named top-level fields, id and status
// always among them, as the API wrote and ordered them. No names, or a "*"
// among them, is everything.
func pick(b *strings.Builder, run string, names []string) {
	if len(names) == 0 || slices.Contains(names, everyField) {
		b.WriteString(run)
		return
	}
	filter(b, run, func(name string) bool { return name == "id" || name == "status" || slices.Contains(names, name) })
}

// pickOfMany is pick for a run in a list: without names, what repeats in every
// run is left out.
func pickOfMany(b *strings.Builder, run string, names []string) {
	if len(names) == 0 {
		filter(b, run, func(name string) bool { return name != "instructions" && name != "tools" })
		return
	}
	pick(b, run, names)
}

// filter writes the members of a JSON object that keep says yes to.
func filter(b *strings.Builder, object string, keep func(name string) bool) {
	separator := byte('{')
	for m := range runsapi.Members(object) {
		if keep(m.Name) {
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
