package runsapi

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// IgnoredError is a part of the query that the server ignores, in a way that
// leaves no true answer.
type IgnoredError struct{ Argument, Consequence string }

func (e *IgnoredError) Error() string {
	return fmt.Sprintf("this server ignores %s: %s", e.Argument, e.Consequence)
}

// mend makes the page what was asked for, as far as the server left that open.
func (p *Page) mend(threadID string, asked ListParams) error {
	p.count = len(p.Data)
	if mixed(p.Data) {
		p.keep(slices.DeleteFunc(slices.Clone(p.Data), func(r Run) bool { return r.threadID != "" && r.threadID != threadID }))
	}
	after := indexOf(p.Data, asked.After)
	before := indexOf(p.Data, asked.Before)
	if order := orderOf(p.Data); order != "" && asked.Order != "" && order != asked.Order {
		partial := p.more == moreTrue || p.more == moreUnknown && p.count == asked.Limit
		whole := !partial && (asked.After == "" || after >= 0) && (asked.Before == "" || before >= 0)
		switch {
		case whole:
			p.sort(asked.Order)
			after, before = indexOf(p.Data, asked.After), indexOf(p.Data, asked.Before)
		case order != unordered:
			return &IgnoredError{"order", fmt.Sprintf("it lists in the order %s. Ask with order %[1]s", order)}
		}
	}
	if before >= 0 {
		p.keep(p.Data[:before])
		p.more, p.reachedBefore = moreFalse, true
	}
	if after >= 0 {
		p.keep(p.Data[min(after+1, len(p.Data)):])
		p.repeated = len(p.Data) == 0
		if p.repeated && p.more == moreTrue {
			return errAfterIgnored
		}
	}
	return nil
}

var errAfterIgnored = &IgnoredError{"after", "it gave the same runs again. The runs after them cannot be listed here; with order desc it may give the newest"}

// keep replaces the runs. The cursor after the page stays where it is.
func (p *Page) keep(runs []Run) { p.Data, p.edited = runs, p.edited || len(runs) != len(p.Data) }

func indexOf(runs []Run, id string) int {
	if id == "" {
		return -1
	}
	return slices.IndexFunc(runs, func(r Run) bool { return r.ID == id })
}

// mixed reports whether the runs name more than one thread.
func mixed(runs []Run) bool {
	first := ""
	for _, r := range runs {
		if first == "" {
			first = r.threadID
		} else if r.threadID != "" && r.threadID != first {
			return true
		}
	}
	return false
}

const unordered = "no order"

// orderOf is the order of runs by created_at: "asc", "desc", unordered, or empty
// if it cannot be told.
func orderOf(runs []Run) string {
	order := ""
	for i := 1; i < len(runs); i++ {
		last, ok1 := runs[i-1].created()
		this, ok2 := runs[i].created()
		step := ""
		switch {
		case !ok1 || !ok2:
			return ""
		case last < this:
			step = "asc"
		case last > this:
			step = "desc"
		default:
			continue
		}
		if order == "" {
			order = step
		} else if order != step {
			return unordered
		}
	}
	return order
}

// created is created_at as a number: seconds, or milliseconds on some servers.
func (r Run) created() (float64, bool) {
	f, err := strconv.ParseFloat(r.createdAt, 64)
	return f, err == nil
}

// sort puts the runs in order. Those created in the same second keep the order
// that they have among each other in the list as a whole.
func (p *Page) sort(order string) {
	runs := slices.Clone(p.Data)
	if order == orderOf(reversed(runs)) {
		runs = reversed(runs)
	} else {
		slices.SortStableFunc(runs, func(a, b Run) int {
			x, _ := a.created()
			y, _ := b.created()
			if order == "desc" {
				x, y = y, x
			}
			return cmp.Compare(x, y)
		})
	}
	p.Data, p.edited = runs, true
	p.LastID = runs[len(runs)-1].ID
}

func reversed(runs []Run) []Run {
	runs = slices.Clone(runs)
	slices.Reverse(runs)
	return runs
}
