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
	scanTime  = 45 * time.Second // some hosts give a call up after 60 s
	scanBytes = 128 << 20        // twice that is what a client may still parse
)

// scan reads page after page for the runs that a asks for, and makes one list of
// them.
func (r *runs) scan(ctx context.Context, a listRunsArgs, p runsapi.ListParams, call stdio.Call) (*stdio.Result, error) {
	scanCtx, cancel := context.WithTimeoutCause(ctx, scanTime, errors.New("no page of runs came within 45 s; try again later, or ask for one page, without all and status"))
	defer cancel()
	s := &scan{args: a, fields: newSelection(a.Fields, true), cursor: p.After}
	for page, err := range r.client.Pages(scanCtx, a.ThreadID, p) {
		switch {
		case err != nil && s.pages == 0:
			return nil, err
		case err != nil && scanCtx.Err() != nil && ctx.Err() == nil:
			s.end = outOfBounds
		case err != nil:
			return nil, &pageError{s.scanned, s.cursor, err}
		default:
			before := s.size
			if err := s.take(page); err != nil {
				return nil, err
			}
			if err := r.client.Keep(scanCtx, s.size-before); err != nil {
				return nil, err
			}
			if s.end == readOn && (scanCtx.Err() != nil || s.size > scanBytes) {
				s.end = outOfBounds
			}
		}
		if s.end != readOn {
			break
		}
		call.Progress(s.pages, fmt.Sprintf("read %d runs", s.scanned)) // progress must increase (MCP, progress)
	}
	return &stdio.Result{JSON: s.list()}, nil
}

// scan is the state of reading page after page.
type scan struct {
	args           listRunsArgs
	fields         selection
	pages, scanned int
	found          int
	first, last    string   // ids of the runs found
	cursor         string   // after the last run that was looked at
	pieces         []string // of the list; a long one is never joined
	size           int      // of pieces
	end            ending
}

// ending is why a scan ended.
type ending int

const (
	readOn ending = iota
	endOfList
	limitReached // there are runs that were not looked at
	outOfBounds  // of scanTime or scanBytes
)

// take looks at the runs of a page.
func (s *scan) take(page runsapi.Page) error {
	s.pages++
	var piece strings.Builder
	if s.fields.everything() && len(s.args.Status) == 0 {
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
		if s.found++; s.found == 1 {
			s.first = run.ID
		} else {
			piece.WriteByte(',')
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

// full reports whether no more runs are wanted.
func (s *scan) full() bool { return !s.args.All && s.found == s.args.Limit }

// list is the list of the runs found, in pieces.
func (s *scan) list() []string {
	lastID := s.last
	if s.end == outOfBounds {
		lastID = s.cursor
	}
	tail := fmt.Sprintf(`],"first_id":%s,"last_id":%s,"has_more":%t`, jsonID(s.first), jsonID(lastID), s.end != endOfList)
	if len(s.args.Status) > 0 {
		tail += fmt.Sprintf(`,"scanned":%d`, s.scanned)
	}
	return slices.Concat([]string{`{"object":"list","data":[`}, s.pieces, []string{tail + "}"})
}

// jsonID is an id as JSON, null for none.
func jsonID(id string) string {
	if id == "" {
		return "null"
	}
	return runsapi.JSONString(id)
}

// matches reports whether run has one of statuses; every run has, of none.
func matches(run runsapi.Run, statuses []string) bool {
	return len(statuses) == 0 || slices.Contains(statuses, runsapi.StandardStatus(run.Status)) ||
		run.Status != "" && !runsapi.Terminal(run.Status) && slices.Contains(statuses, "active")
}

// pageError is a page that could not be read, after others that could.
type pageError struct {
	scanned int
	cursor  string // after the last run that was read
	err     error
}

func (e *pageError) Error() string {
	if ignored := (*runsapi.IgnoredError)(nil); errors.Is(e.err, runsapi.ErrCursor) || errors.As(e.err, &ignored) {
		return fmt.Sprintf("The list broke off after %d runs: this server cannot list them all. A page without all and status may still work.", e.scanned)
	}
	return fmt.Sprintf("The list broke off after %d runs; to go on, call again with after: %q.", e.scanned, e.cursor)
}
