package runsapi

import (
	"context"
	"slices"
	"sync"
)

// maxMemory is the memory budget: how many bytes all large bodies may take together, from
// their first byte until the context of their call ends (see [Client.Begin]). One body of
// the oldest call may go beyond it, and one body takes its memory twice while it is joined:
// that is at most 256 MiB.
const maxMemory = 128 << 20

// memory is the memory budget, which the bodies of all calls share.
type memory struct {
	mu      sync.Mutex
	held    int
	holders []*holder     // those that hold or have asked for memory, oldest first
	changed chan struct{} // closed when held falls or the oldest holder changes
	joining sync.Mutex    // locked while a large body takes its memory twice
}

func newMemory() *memory { return &memory{changed: make(chan struct{})} }

// holder is one call's part of the budget.
type holder struct {
	memory *memory
	begin  context.Context // of the call; the holder's memory is freed when it ends
	held   int             // bytes
	listed bool            // whether it is in memory.holders
}

type holderKey struct{}

// Begin returns a context for the requests of one call. What they read counts toward the
// client's memory budget of 128 MiB until ctx ends. Requests without such a context count
// only while they read their body.
func (c *Client) Begin(ctx context.Context) context.Context {
	return context.WithValue(ctx, holderKey{}, &holder{memory: c.memory, begin: ctx})
}

// Keep counts n bytes that the caller made from answers, and keeps, toward the memory
// budget until ctx ends. While the budget has no room for them, Keep waits. It returns
// [ErrNoRoom] if ctx ends before there is room, and at once for the oldest call, for which
// others may be waiting. Keep needs a context from [Client.Begin].
func (c *Client) Keep(ctx context.Context, n int) error {
	if h, ok := ctx.Value(holderKey{}).(*holder); ok {
		return h.grow(ctx, n, false)
	}
	return nil
}

// release returns n bytes, which the call of ctx no longer uses, to the budget.
func release(ctx context.Context, n int) {
	if h, ok := ctx.Value(holderKey{}).(*holder); ok && n > 0 {
		h.shrink(n)
	}
}

// grow adds n bytes to what h holds. While the budget has no room for them, it waits; it
// returns ErrNoRoom if ctx ends before there is room. The oldest holder never waits, so
// that no two holders can wait for each other: it may go beyond the budget for a body, and
// gets ErrNoRoom at once for anything else.
func (h *holder) grow(ctx context.Context, n int, isBody bool) error {
	m := h.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if !h.listed {
		h.listed = true
		m.holders = append(m.holders, h)
		context.AfterFunc(h.begin, h.end)
	}
	for m.held+n > maxMemory {
		if m.holders[0] == h {
			if isBody {
				break
			}
			return ErrNoRoom
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		m.mu.Lock()
		if ctx.Err() != nil {
			return ErrNoRoom
		}
	}
	m.held += n
	h.held += n
	return nil
}

// shrink returns n bytes to the budget.
func (h *holder) shrink(n int) {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	n = min(n, h.held) // end may already have returned them
	h.held -= n
	h.memory.held -= n
	h.memory.wake()
}

// end returns all that h holds to the budget.
func (h *holder) end() {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	h.memory.held -= h.held
	h.held, h.listed = 0, false
	h.memory.holders = slices.DeleteFunc(h.memory.holders, func(other *holder) bool { return other == h })
	h.memory.wake()
}

// wake lets every grow that waits look again. The caller has locked m.mu.
func (m *memory) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}
