package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"runs-mcp/runsapi"
	"runs-mcp/tools/stdio"
)

const (
	scanTime = 45 * time.Second // some hosts give up on a call after 60 s
	scanPage = 100              // runs per page, the most that the API allows
)

// scan reads page after page, and makes one list of the runs that a asks for.
func (r *runs) scan(ctx context.Context, a listRunsArgs, p runsapi.ListParams, call stdio.Call) (*stdio.Result, error) {
	scanCtx, cancel := context.WithTimeoutCause(ctx, scanTime, errors.New("no page of runs came within 45 s; try again later, or ask for one page, without all and status"))
	defer cancel()
	s := &scan{runs: r, args: a, fields: newSelection(a.Fields, true), cursor: p.After}
	for page, err := range r.client.Pages(scanCtx, a.ThreadID, p, a.All) {
		switch {
		case err != nil && s.pages == 0:
			return nil, err
		case err != nil && scanCtx.Err() != nil && ctx.Err() == nil:
			s.end = outOfBounds
		case err != nil:
			return nil, &pageError{s.scanned, s.cursor, err}
		default:
			before := *s
			if err := s.take(page); err != nil {
				return nil, err
			}
			if err := r.client.Keep(scanCtx, s.size-before.size); err != nil {
				if before.pages == 0 || ctx.Err() != nil {
					return nil, fmt.Errorf("%w; try again later, and make fewer calls at a time", err)
				}
				*s = before // without the page for which there is no room
				s.end = outOfBounds
			}
			if s.end == notEnded && scanCtx.Err() != nil {
				s.end = outOfBounds
			}
		}
		if s.end != notEnded {
			break
		}
		call.Progress(s.pages, fmt.Sprintf("read %d runs", s.scanned)) // list has sent 0, and each value must be larger than the last (MCP, progress)
	}
	if s.end == notEnded {
		s.end = endOfList
	}
	return &stdio.Result{JSON: s.list()}, nil
}

// scan is the state of a list that is read page after page.
type scan struct {
	runs           *runs
	args           listRunsArgs
	fields         selection
	pages, scanned int      // how many pages and runs have been read
	found          int      // how many of the runs belong to the list
	first, last    string   // ids of the first and last run found
	cursor         string   // for the next page
	pieces         []string // the JSON of the runs found; it is never joined, as it may be long
	size           int      // of pieces, in bytes
	end            ending
}

// ending is why a scan ended.
type ending int

const (
	notEnded     ending = iota
	endOfList           // all runs have been read
	limitReached        // enough runs were found; there are more runs
	outOfBounds         // scanTime or the memory budget was reached; there may be more runs
)

// take adds the runs of a page that belong to the list.
func (s *scan) take(page runsapi.Page) error {
	s.pages++
	var piece strings.Builder
	if s.fields.all && len(s.args.Status) == 0 {
		piece.Grow(page.Size())
	}
	for _, run := range page.Data {
		if s.full() {
			s.end = limitReached
			break
		}
		s.scanned++
		if !matches(run, s.args.Status) {
			continue
		}
		piece.WriteString(s.runs.separator(s.found))
		if s.found++; s.found == 1 {
			s.first = run.ID
		}
		s.last = run.ID
		if err := s.fields.add(&piece, run, page.Deep()); err != nil {
			return err
		}
	}
	if piece.Len() > 0 {
		s.pieces = append(s.pieces, piece.String())
		s.size += piece.Len()
	}
	s.cursor = page.LastID
	switch {
	case s.end == limitReached:
	case !page.HasMore():
		s.end = endOfList
	case s.full():
		s.end = limitReached
	}
	return nil
}

// full reports whether the limit is reached.
func (s *scan) full() bool { return !s.args.All && s.found == s.args.Limit }

// list returns the JSON of the list, in pieces.
func (s *scan) list() []string {
	lastID := s.last
	if s.end == outOfBounds {
		lastID = s.cursor
	}
	tail := fmt.Sprintf(s.runs.lineEnd()+`],"first_id":%s,"last_id":%s,"has_more":%t`, jsonID(s.first), jsonID(lastID), s.end != endOfList)
	if len(s.args.Status) > 0 {
		tail += fmt.Sprintf(`,"scanned":%d`, s.scanned)
	}
	return slices.Concat([]string{`{"object":"list","data":[`}, s.pieces, []string{tail + "}"})
}

// jsonID returns an id as JSON, null for "".
func jsonID(id string) string {
	if id == "" {
		return "null"
	}
	return runsapi.JSONString(id)
}

// matches reports whether run has one of the statuses, or statuses is empty.
func matches(run runsapi.Run, statuses []string) bool {
	return len(statuses) == 0 || slices.Contains(statuses, runsapi.StandardStatus(run.Status)) ||
		run.Status != "" && !runsapi.Terminal(run.Status) && slices.Contains(statuses, "active")
}

// pageError is the error of a scan that failed after it had read some pages.
type pageError struct {
	scanned int    // how many runs were read
	cursor  string // for the page that failed
	err     error
}

func (e *pageError) Error() string {
	if ignored := (*runsapi.IgnoredError)(nil); errors.Is(e.err, runsapi.ErrCursor) || errors.As(e.err, &ignored) {
		return fmt.Sprintf("The list broke off after %d runs: this server cannot list them all. A page without all and status may still work.", e.scanned)
	}
	return fmt.Sprintf("The list broke off after %d runs; to go on, call again with after: %q.", e.scanned, e.cursor)
}
