package runsapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func hold(t *testing.T, m *memory, n int) (h *holder, end func()) {
	ctx, end := context.WithCancel(t.Context())
	h = &holder{memory: m, begin: ctx}
	if err := h.grow(ctx, n, true); err != nil {
		t.Fatal(err)
	}
	return h, end
}

// Calls wait for room, and get it when another one ends; but never the oldest
// one, so that two that grow cannot wait for each other.
func TestBodiesWaitForRoomButNeverTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		first, endFirst := hold(t, m, maxMemory/2)
		second, endSecond := hold(t, m, maxMemory/2)
		grown := make(chan error, 1)
		go func() { grown <- second.grow(second.begin, 1, true) }()
		if err := first.grow(first.begin, maxMemory, true); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case err := <-grown:
			t.Fatalf("the second got room in a full budget: %v", err)
		default:
		}
		endFirst()
		if err := <-grown; err != nil {
			t.Error(err)
		}
		endSecond()
		synctest.Wait()
		if m.held != 0 || len(m.holders) != 0 {
			t.Errorf("%d bytes and %d holders remain", m.held, len(m.holders))
		}
	})
}

// Room that a call gives back goes to those that wait, also while the call goes on.
func TestRoomThatIsGivenBackIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		first, endFirst := hold(t, m, maxMemory)
		defer endFirst()
		ctx, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		second := &holder{memory: m, begin: ctx}
		grown := make(chan error, 1)
		go func() { grown <- second.grow(ctx, 10, true) }()
		synctest.Wait()
		first.shrink(10)
		if err := <-grown; err != nil {
			t.Error(err)
		}
	})
}

// However often a call asks for memory, it is listed once.
func TestACallIsListedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		h, end := hold(t, m, 1)
		defer end()
		for range 3 {
			if err := h.grow(h.begin, 1, true); err != nil {
				t.Fatal(err)
			}
		}
		if len(m.holders) != 1 || m.held != 4 {
			t.Errorf("%d holders, %d bytes", len(m.holders), m.held)
		}
	})
}

// What a call asks for or gives back after its end changes nothing.
func TestMemoryAfterTheEndOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		h, end := hold(t, m, 10)
		end()
		synctest.Wait()
		h.shrink(10)
		if m.held != 0 {
			t.Errorf("%d bytes are held after they were given back twice", m.held)
		}
		h.grow(h.begin, 10, true)
		synctest.Wait()
		if m.held != 0 || len(m.holders) != 0 {
			t.Errorf("%d bytes and %d holders remain", m.held, len(m.holders))
		}
	})
}

// The oldest call gets no room beyond the budget for what it keeps, and learns so at once,
// because others may be waiting for it.
func TestTheOldestCallKeepsNoMoreThanTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := direct(t, func(*http.Request) *http.Response { return nil })
		oldest := c.Begin(t.Context())
		if err := c.Keep(oldest, maxMemory); err != nil {
			t.Fatal(err)
		}
		if err := c.Keep(oldest, 1); !errors.Is(err, ErrNoRoom) {
			t.Error(err)
		}
	})
}

// The oldest call reads its answer, also beyond the budget.
func TestTheOldestCallReadsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := `{"id":"r","status":"queued","x":"` + strings.Repeat("x", 1<<20) + `"}`
		c := direct(t, func(*http.Request) *http.Response { return response(200, []byte(large)) })
		oldest := c.Begin(t.Context())
		if err := c.Keep(oldest, maxMemory); err != nil {
			t.Fatal(err)
		}
		if run, err := c.GetRun(oldest, "t", "r"); err != nil || run.RawJSON() != large {
			t.Error(len(run.RawJSON()), err)
		}
	})
}

// A body that is closed twice gives its memory back once.
func TestABodyThatIsClosedTwice(t *testing.T) {
	h := &holder{memory: newMemory(), begin: t.Context()}
	var bodies [2]body
	for i := range bodies {
		bodies[i].holder = h
		if err := bodies[i].readFrom(t.Context(), strings.NewReader(strings.Repeat("x", 3*chunkSize)), maxBody); err != nil {
			t.Fatal(err)
		}
	}
	bodies[0].Close()
	bodies[0].Close()
	if h.held != bodies[1].held || h.held == 0 {
		t.Errorf("%d bytes are held, want %d", h.held, bodies[1].held)
	}
}

// That there was no room is not put down to the server.
func TestAnAnswerForWhichThereWasNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := direct(t, func(*http.Request) *http.Response {
			return response(200, []byte(`{"id":"r","status":"queued","x":"`+strings.Repeat("x", 1<<20)+`"}`))
		}, func(c *Config) { c.Timeout = time.Second })
		if err := c.Keep(c.Begin(t.Context()), maxMemory); err != nil {
			t.Fatal(err)
		}
		if _, err := c.GetRun(c.Begin(t.Context()), "t", "r"); !errors.Is(err, ErrNoRoom) || strings.Contains(err.Error(), ErrTruncated.Error()) {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if _, err := c.GetRun(c.Begin(ctx), "t", "r"); !errors.Is(err, ErrNoRoom) {
			t.Errorf("at the end of the call: %v", err)
		}
	})
}

func TestWhoWaitsForRoomGivesUpWithItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		_, end := hold(t, m, maxMemory)
		defer end()
		ctx, cancel := context.WithCancel(t.Context())
		h := &holder{memory: m, begin: ctx}
		go func() {
			synctest.Wait()
			cancel()
		}()
		if err := h.grow(ctx, 1, true); !errors.Is(err, ErrNoRoom) {
			t.Error(err)
		}
	})
}

// What a call has read counts until its context ends, unless it failed or was
// read again.
func TestMemoryIsHeldAsLongAsItIsUsed(t *testing.T) {
	large := `{"id":"r","status":"in_progress","x":"` + strings.Repeat("x", 1<<20) + `"}`
	for name, tc := range map[string]struct {
		body string
		call func(*Client, context.Context)
		held bool
	}{
		"a run":                      {large, func(c *Client, ctx context.Context) { c.GetRun(ctx, "t", "r") }, true},
		"a small run":                {runJSON, func(c *Client, ctx context.Context) { c.GetRun(ctx, "t", "r") }, false},
		"no run":                     {strings.Replace(large, "id", "di", 1), func(c *Client, ctx context.Context) { c.GetRun(ctx, "t", "r") }, false},
		"no JSON":                    {large + "}", func(c *Client, ctx context.Context) { c.GetRun(ctx, "t", "r") }, false},
		"a cancel, read again":       {strings.Replace(large, "in_progress", "odd", 1), func(c *Client, ctx context.Context) { c.CancelRun(ctx, "t", "r") }, true},
		"a list":                     {`{"data":[` + large + `]}`, func(c *Client, ctx context.Context) { c.ListRuns(ctx, "t", ListParams{}) }, true},
		"a list that is given again": {`{"data":[` + large + `],"has_more":true}`, func(c *Client, ctx context.Context) { c.ListRuns(ctx, "t", ListParams{After: "r"}) }, false},
		"pages without their end":    {`{"data":[` + large + `],"has_more":false}`, func(c *Client, ctx context.Context) { drain(c.Pages(ctx, "t", ListParams{Before: "z"}, false)) }, false},
		"pages, repeated":            {`{"data":[` + large + `,{"id":"z"}]}`, func(c *Client, ctx context.Context) { drain(c.Pages(ctx, "t", ListParams{Limit: 2}, false)) }, false},
		"pages that ignore after": {`{"data":[` + large + `],"last_id":"r"}`, func(c *Client, ctx context.Context) {
			drain(c.Pages(ctx, "t", ListParams{Limit: 1, After: "r"}, false))
		}, false},
		"pages, passed": {`{"data":[` + large + `]}`, func(c *Client, ctx context.Context) { drain(c.Pages(ctx, "t", ListParams{}, false)) }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := direct(t, func(*http.Request) *http.Response { return response(200, []byte(tc.body)) })
			ctx, end := context.WithCancel(t.Context())
			tc.call(c, c.Begin(ctx))
			if held := c.memory.held; (held > 0) != tc.held || held >= 2<<20 {
				t.Errorf("%s: %d bytes are held", name, held)
			}
			end()
			synctest.Wait()
			if c.memory.held != 0 {
				t.Errorf("%s: %d bytes are held after the call", name, c.memory.held)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // polls replace each other
		c := direct(t, func(*http.Request) *http.Response { return response(200, []byte(large)) })
		polls := 0
		for range c.Poll(c.Begin(t.Context()), "t", "r", Run{}) {
			if c.memory.held > 2<<20 {
				t.Fatalf("%d bytes are held after %d polls", c.memory.held, polls)
			}
			if polls++; polls == 5 {
				break
			}
		}
	})
}

func drain(pages func(func(Page, error) bool)) {
	for range pages {
	}
}

// Memory follows the bytes that came, not those that a header claims.
func TestAClaimedLengthTakesNoMemory(t *testing.T) {
	var before, after uint64
	c := direct(t, func(*http.Request) *http.Response {
		r := response(200, []byte(runJSON))
		r.ContentLength = maxBody
		return r
	})
	before = allocated()
	for range 20 {
		if _, err := c.GetRun(t.Context(), "t", "r"); err != nil {
			t.Fatal(err)
		}
	}
	if after = allocated(); after-before > 4<<20 {
		t.Errorf("20 calls allocated %d bytes", after-before)
	}
}

func TestBodiesOfEveryLengthAreReadWhole(t *testing.T) {
	for _, n := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 5*chunkSize + 7, 2 << 20} {
		want := `{"id":"r","status":"s","x":"` + strings.Repeat("x", n) + `"}`
		c := direct(t, func(*http.Request) *http.Response { return response(200, []byte(want)) })
		if run, err := c.GetRun(t.Context(), "t", "r"); err != nil || run.RawJSON() != want {
			t.Errorf("%d bytes: got %d, want %d, %v", n, len(run.RawJSON()), len(want), err)
		}
		pad := bytes.Repeat([]byte(" "), n)
		c = direct(t, func(*http.Request) *http.Response { return response(200, append(pad, runJSON...)) })
		if run, err := c.GetRun(t.Context(), "t", "r"); err != nil || run.RawJSON() != runJSON {
			t.Errorf("%d spaces: %.100s, %v", n, run.RawJSON(), err)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
