package runsapi

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// IgnoredError is the error of a list for which the server ignored a part of the query,
// where the answer cannot be corrected.
type IgnoredError struct {
	Argument    string // the query parameter: after or order
	Consequence string // what the server does instead, and what to do about it
}

func (e *IgnoredError) Error() string {
	return fmt.Sprintf("this server ignores %s: %s", e.Argument, e.Consequence)
}

// mend corrects the page where the server ignored the query that asked for it: see
// [Client.ListRuns].
func (p *Page) mend(threadID string, asked ListParams) error {
	if mixed(p.Data) {
		p.keep(slices.DeleteFunc(slices.Clone(p.Data), func(r Run) bool { return r.threadID != "" && r.threadID != threadID }))
	}
	after := indexOf(p.Data, asked.After)
	before := indexOf(p.Data, asked.Before)
	if order := orderOf(p.Data); order != "" && asked.Order != "" && order != asked.Order {
		isPart := p.more == moreTrue || p.more == moreUnknown && p.count == asked.Limit
		isWhole := !isPart && (asked.After == "" || after >= 0) && (asked.Before == "" || before >= 0)
		switch {
		case isWhole:
			p.sort(asked.Order)
			p.sorted = true
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

// keep replaces the runs of the page. The cursor for the next page stays as it is.
func (p *Page) keep(runs []Run) { p.Data, p.edited = runs, p.edited || len(runs) != len(p.Data) }

// indexOf returns the index of the run with that id, or -1.
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

// orderOf returns the order of runs by created_at: "asc", "desc", unordered, or "" if
// that is unknown.
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

// created returns created_at as a number. It counts seconds or, on some servers,
// milliseconds; some have a date.
func (r Run) created() (float64, bool) {
	text := strings.Trim(r.createdAt, `"`)
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f, true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime} { // Python writes dates without a zone
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.UnixMilli()), true
		}
	}
	return 0, false
}

// sort sorts the runs by created_at. Runs created in the same second follow the order of
// the list as a whole: if the list is merely the other way round, it is reversed.
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
}

func reversed(runs []Run) []Run {
	runs = slices.Clone(runs)
	slices.Reverse(runs)
	return runs
}
