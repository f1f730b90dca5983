package stdio

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	// fullBuffer is how many bytes are collected before they are written.
	fullBuffer = 64 << 10
	// smallWrite is how many bytes are written at once to a slow reader: only what
	// a write has finished is seen as progress.
	smallWrite = 4 << 10
	// slowWrite is how long a write to a reader that keeps up takes at most. After
	// a longer one the reader counts as slow for slowTime: many read in bursts.
	slowWrite = 25 * time.Millisecond
	slowTime  = time.Second
	// maxLastLine is how long the end may be held up by the line that is being
	// written, if its reader is slow.
	maxLastLine = 10 * time.Second
)

// writer writes answers and notifications, a line each, in one goroutine.
// Answers wait for it in the goroutines of their calls, so that what they hold is
// bounded by the number of calls.
type writer struct {
	out     io.Writer
	lines   chan *line
	closing chan struct{} // closed when no further line may begin
	ended   chan struct{} // closed when nothing is written any more
	err     error         // why out failed; to be read once ended is closed

	written atomic.Int64 // bytes that out took
	writing atomic.Bool  // whether a write is under way

	// The goroutine alone uses these:
	buf  []byte
	due  []*line // answers of which not every byte is written
	slow bool    // whether the reader is
	// lastSlow is when the last slow write ended.
	lastSlow time.Time
}

// line is one line to be written.
type line struct {
	request *request
	encode  func(w *writer) // appends the line to the buffer
	end     int64           // how many bytes are written when the whole line is
	done    chan struct{}   // closed then; nil for notifications
}

func newWriter(out io.Writer) *writer {
	w := &writer{out: out, lines: make(chan *line), closing: make(chan struct{}), ended: make(chan struct{})}
	go w.run()
	return w
}

// run writes lines until the output fails or the writer is closed. Lines that
// are ready at the same time go out in one write, unless the reader is slow: then
// no line begins before the one before it is out, so that the end has to wait for
// one only.
func (w *writer) run() {
	defer close(w.ended)
	for w.err == nil {
		select {
		case l := <-w.lines:
			w.add(l)
		case <-w.closing:
			return
		}
		for more := !w.slow; more; {
			select {
			case l := <-w.lines:
				w.add(l)
			default:
				more = false
			}
		}
		w.flush()
	}
}

// add appends a line to the buffer, unless its request is cancelled. The check
// belongs here: what is read after a cancellation is answered after it.
func (w *writer) add(l *line) {
	if !l.request.cancelled.Load() {
		l.encode(w)
		w.buf = append(w.buf, '\n')
	}
	if l.done != nil {
		l.end = w.written.Load() + int64(len(w.buf))
		w.due = append(w.due, l)
	}
	w.flushIfFull()
}

// flushIfFull is called between the parts of a line, so that the buffer stays
// small however long the line is.
func (w *writer) flushIfFull() {
	if len(w.buf) >= fullBuffer {
		w.flush()
	}
}

// flush writes the buffer, in small pieces if the reader is slow, and reports
// the lines of which the last byte is out.
func (w *writer) flush() {
	rest := w.buf
	for len(rest) > 0 && w.err == nil {
		part := rest
		if w.slow {
			part = rest[:min(len(rest), smallWrite)]
		}
		start := time.Now()
		w.writing.Store(true)
		n, err := w.out.Write(part)
		w.writing.Store(false)
		if end := time.Now(); end.Sub(start) > slowWrite {
			w.slow, w.lastSlow = true, end
		} else if w.slow {
			w.slow = end.Sub(w.lastSlow) < slowTime
		}
		if err != nil {
			w.err = fmt.Errorf("writing the output: %w", err)
		}
		rest = rest[n:]
		w.written.Add(int64(n))
		w.report()
	}
	w.buf = w.buf[:0]
	w.report()
}

// report tells the requests whose answers are written.
func (w *writer) report() {
	for len(w.due) > 0 && w.due[0].end <= w.written.Load() {
		w.due[0].request.answered.Store(true)
		close(w.due[0].done)
		w.due[0] = nil // the answer is not kept
		w.due = w.due[1:]
	}
}

// close lets no further line begin, and waits for the one that is being written
// as long as its reader reads: as long as something is written within the time of
// patience, and for at most maxLastLine. Before is how much was written when the
// caller began to wait.
func (w *writer) close(before int64, patience time.Duration) {
	close(w.closing)
	limit := time.After(maxLastLine)
	for wait := patience / 8; ; wait = patience {
		select {
		case <-w.ended:
			return
		case <-limit:
			return
		case <-time.After(wait):
		}
		now := w.written.Load()
		if now == before {
			return
		}
		before = now
	}
}

// stalled returns a channel that is closed once a write has made no progress for
// the time of patience. It watches until the writer ends.
func (w *writer) stalled(patience time.Duration) <-chan struct{} {
	stalled := make(chan struct{})
	go func() {
		for before := int64(-1); ; {
			select {
			case <-w.ended:
				return
			case <-time.After(patience):
			}
			now := w.written.Load()
			if !w.writing.Load() {
				now = -1
			} else if now == before {
				close(stalled)
				return
			}
			before = now
		}
	}()
	return stalled
}

// answer writes the answer to r: encode appends the value of the member result
// or error. It returns once the answer is written, once r is cancelled, which
// ends ctx, or once nothing is written any more.
func (w *writer) answer(ctx context.Context, r *request, member string, encode func(w *writer)) {
	l := &line{request: r, done: make(chan struct{}), encode: func(w *writer) {
		w.buf = append(w.buf, `{"jsonrpc":"2.0","id":`...)
		w.buf = append(w.buf, cmp.Or(r.id, "null")...)
		w.buf = append(w.buf, `,"`+member+`":`...)
		encode(w)
		w.buf = append(w.buf, '}')
	}}
	if !w.send(ctx, l) && (r.cancelled.Load() || !w.send(context.WithoutCancel(ctx), l)) {
		return
	}
	select {
	case <-l.done:
	case <-w.ended:
	}
}

// fail writes an error as the answer to r.
func (w *writer) fail(ctx context.Context, r *request, fault *mcp.JSONRPCErrorDetails) {
	body := marshal(fault)
	w.answer(ctx, r, "error", func(w *writer) { w.json(body) })
}

// notify writes a notification of r's call, before any answer that is written
// later. It gives up when ctx ends.
func (w *writer) notify(ctx context.Context, r *request, method mcp.MCPMethod, params map[string]any) {
	body := marshal(struct {
		JSONRPC string         `json:"jsonrpc"`
		Method  mcp.MCPMethod  `json:"method"`
		Params  map[string]any `json:"params"`
	}{mcp.JSONRPC_VERSION, method, params})
	w.send(ctx, &line{request: r, encode: func(w *writer) { w.json(body) }})
}

// send hands l to the goroutine. It returns false if ctx or the writer ends
// before that.
func (w *writer) send(ctx context.Context, l *line) bool {
	select {
	case w.lines <- l:
		return true
	case <-ctx.Done():
	case <-w.closing:
	case <-w.ended:
	}
	return false
}
