package runsapi

import (
	"context"
	"slices"
	"sync"
)

// maxMemory bounds the bytes of all large bodies together, from their first byte
// until the context of their call ends (see [Client.Begin]). With one body that
// is just being joined, all bodies take 256 MiB at most.
const maxMemory = 192 << 20

// memory is the budget that the bodies of all calls share.
type memory struct {
	mu      sync.Mutex
	held    int
	holders []*holder     // those that hold or want memory, in the order of their first request
	changed chan struct{} // closed when held falls or the oldest holder changes
	joining sync.Mutex    // held while a large body takes its memory twice
}

func newMemory() *memory { return &memory{changed: make(chan struct{})} }

// holder is what one call holds of the budget.
type holder struct {
	memory *memory
	begin  context.Context // of the call
	held   int
	listed bool // in memory.holders
}

type holderKey struct{}

// Begin returns the context for one call of a caller: what is read under it, and
// is still in use, counts toward the client's memory budget of 192 MiB until it
// ends. Without Begin a body counts only while it is read.
func (c *Client) Begin(ctx context.Context) context.Context {
	return context.WithValue(ctx, holderKey{}, &holder{memory: c.memory, begin: ctx})
}

// Keep counts n more bytes, which the caller made of answers and keeps, toward
// the memory budget. Like a body that is read it waits while there is no room.
func (c *Client) Keep(ctx context.Context, n int) error {
	if h, ok := ctx.Value(holderKey{}).(*holder); ok {
		return h.grow(ctx, n)
	}
	return nil
}

// release takes back n bytes that ctx's call has read and no longer uses.
func release(ctx context.Context, n int) {
	if h, ok := ctx.Value(holderKey{}).(*holder); ok && n > 0 {
		h.shrink(n)
	}
}

// grow adds n bytes to what h holds. While the budget has no room for them it
// waits, until ctx ends. The oldest holder never waits: else two that grow could
// wait for each other.
func (h *holder) grow(ctx context.Context, n int) error {
	m := h.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if !h.listed {
		h.listed = true
		m.holders = append(m.holders, h)
		context.AfterFunc(h.begin, h.end)
	}
	for m.held+n > maxMemory && m.holders[0] != h {
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		m.mu.Lock()
		if ctx.Err() != nil {
			return errNoRoom
		}
	}
	m.held += n
	h.held += n
	return nil
}

// shrink gives n bytes back.
func (h *holder) shrink(n int) {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	n = min(n, h.held) // the call may have ended meanwhile
	h.held -= n
	h.memory.held -= n
	h.memory.wake()
}

// end gives everything back.
func (h *holder) end() {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	h.memory.held -= h.held
	h.held, h.listed = 0, false
	h.memory.holders = slices.DeleteFunc(h.memory.holders, func(other *holder) bool { return other == h })
	h.memory.wake()
}

// wake lets all who wait look again. m.mu is held.
func (m *memory) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}
