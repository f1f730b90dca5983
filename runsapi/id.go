package runsapi

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ArgumentError is the error of an id or cursor that was refused before any request was
// sent.
type ArgumentError struct {
	Name    string // of the argument, such as thread_id
	Problem string // what is wrong with it, and what is allowed
}

func (e *ArgumentError) Error() string { return e.Name + ": " + e.Problem }

const maxID = 256 // bytes

// checkID returns an [*ArgumentError] if id cannot be an id, or would change the path of
// the request.
func checkID(name, id string) error {
	problem := ""
	switch {
	case id == "":
		problem = "is empty; wants an id as the API gives it"
	case len(id) > maxID:
		problem = fmt.Sprintf("has %d bytes, at most %d are allowed", len(id), maxID)
	case id == "." || id == ".." || !utf8.ValidString(id):
		problem = fmt.Sprintf("got %q, wants an id as the API gives it", id)
	default:
		i := strings.IndexFunc(id, func(r rune) bool {
			return slices.Contains([]rune(`/\?#%`), r) || isSpaceOrControl(r)
		})
		if i < 0 {
			return nil
		}
		r := []rune(id[i:])[0]
		problem = fmt.Sprintf("got %q, which has %q in it; ids hold none of / \\ ? # %%, white space or control characters", Shorten(id, maxDetail), r)
	}
	return &ArgumentError{name, problem}
}
