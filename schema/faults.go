package schema

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/invopop/jsonschema"
)

// Faults describes the arguments that do not match the schema, one line each: which
// argument, what was given, what is allowed.
type Faults []string

// Error returns the lines.
func (f Faults) Error() string { return strings.Join(f, "\n") }

// No more faults than these are listed, because more would not help a model.
const (
	maxUnknown    = 20 // unknown arguments
	maxItemFaults = 10 // items of one array
)

// fault returns the line for a value that does not match.
func fault(where, got, want string) string {
	return fmt.Sprintf("%s: got %s, wants %s", where, excerpt(got), want)
}

// nestedFault returns the line for a value that is nested too deep.
func nestedFault(where, got, want string) string {
	return fmt.Sprintf("%s: got %s, which is nested over %d deep; wants %s", where, excerpt(got), maxDepth, want)
}

// unknown returns the line for an argument that is not in the schema.
func (known properties) unknown(name string) string {
	hint := ""
	if near := known.nearest(name); near != "" {
		hint = " (did you mean " + near + "?)"
	}
	return fmt.Sprintf("%s: unknown argument%s; this tool takes %s", excerpt(name), hint, known.names())
}

func (known properties) names() string {
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// expectation describes the object that the schema allows.
func (known properties) expectation() string { return "an object with " + known.names() }

// expectation describes the values that s allows.
func expectation(s *jsonschema.Schema) string {
	switch {
	case len(s.Enum) > 0:
		return "one of " + quotedList(s.Enum)
	case s.Type == "integer":
		return fmt.Sprintf("an integer from %s to %s", s.Minimum, s.Maximum)
	case s.Type == "boolean":
		return "true or false"
	case s.Type == "array" && len(s.Items.Enum) > 0:
		return "an array with any of " + quotedList(s.Items.Enum)
	case s.Type == "array":
		return "an array of strings"
	}
	return "a string"
}

func quotedList(enum []any) string {
	quoted := make([]string, len(enum))
	for i, v := range enum {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return strings.Join(quoted, ", ")
}

// maxExcerpt is how many characters of a name or value an error text repeats.
const maxExcerpt = 100

// excerpt returns what was given on one line, in at most maxExcerpt characters. If it cuts
// the text, the last of them is …
func excerpt(given string) string {
	var line []rune
	for _, r := range given {
		if len(line) == maxExcerpt {
			line[maxExcerpt-1] = '…'
			break
		}
		if !unicode.IsGraphic(r) {
			r = ' '
		}
		line = append(line, r)
	}
	return string(line)
}

// nearest returns the argument of which name is probably a misspelling, or "". Fewer than a
// third of the letters may differ, which is about the limit of the Rust and Clang compilers:
// limits is near limit, but call is not near all.
func (known properties) nearest(name string) string {
	folded := Fold(excerpt(name))
	nearest, least := "", len(folded)
	for _, p := range known {
		other := Fold(p.name)
		if d := distance(folded, other); 3*d < max(len(folded), len(other)) && d < least {
			nearest, least = p.name, d
		}
	}
	return nearest
}

// distance returns the Levenshtein distance between a and b, in bytes.
func distance(a, b string) int {
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
