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
	// fullBuffer is how many bytes are buffered before they are written.
	fullBuffer = 64 << 10
	// smallWrite is how many bytes are written at a time to a reader that has just been slow.
	// Progress is only seen when a write has finished. After each fast write it is twice as
	// many, so that a long line to a reader that paused once is not written in small pieces.
	smallWrite = 4 << 10
	// slowWrite is the longest that a write to a reader that keeps up takes. After a longer
	// write, the reader counts as slow for slowTime, because many readers read in bursts.
	slowWrite = 25 * time.Millisecond
	slowTime  = time.Second
	// maxLastLine is how long close waits for a slow reader to take the line that is being
	// written.
	maxLastLine = 10 * time.Second
)

// writer writes answers and notifications, each on a line, in a goroutine of its own. A call
// waits until its answer is written, so the number of calls bounds the memory that answers
// take.
type writer struct {
	out     io.Writer
	lines   chan *line
	closing chan struct{} // closed when no further line may begin
	ended   chan struct{} // closed when the goroutine has ended
	err     error         // why out failed; may be read once ended is closed

	written atomic.Int64 // how many bytes have been written to out
	writing atomic.Bool  // whether a write is in progress

	// Only the goroutine uses these:
	buf      []byte
	due      []*line   // answers that are not completely written
	slow     bool      // whether the reader is slow
	piece    int       // how many bytes are written at a time while it is
	lastSlow time.Time // when the last slow write ended
}

// line is a line to be written.
type line struct {
	request *request
	encode  func(w *writer) // appends the line to the buffer
	end     int64           // the value of writer.written at which the whole line is written
	done    chan struct{}   // closed when the whole line is written; nil for notifications
}

func newWriter(out io.Writer) *writer {
	w := &writer{out: out, lines: make(chan *line), closing: make(chan struct{}), ended: make(chan struct{})}
	go w.run()
	return w
}

// run writes lines until the output fails or the writer is closed. It collects lines that are
// ready at the same time in one write. For a slow reader it finishes each line before the next
// one begins, so that close has to wait for one line only.
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

// add appends a line to the buffer, unless its request is cancelled. It is checked here, and
// not earlier, so that nothing is sent for a request after its cancellation was read.
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

// flushIfFull writes the buffer if it is full. It is called between the parts of a line, so
// that the buffer stays small even for a long line.
func (w *writer) flushIfFull() {
	if len(w.buf) >= fullBuffer {
		w.flush()
	}
}

// flush writes the buffer, in small pieces if the reader is slow, and reports the lines that
// are completely written.
func (w *writer) flush() {
	rest := w.buf
	for len(rest) > 0 && w.err == nil {
		part := rest
		if w.slow {
			part = rest[:min(len(rest), w.piece)]
		}
		start := time.Now()
		w.writing.Store(true)
		n, err := w.out.Write(part)
		w.writing.Store(false)
		if end := time.Now(); end.Sub(start) > slowWrite {
			w.slow, w.lastSlow, w.piece = true, end, smallWrite
		} else if w.slow {
			w.slow, w.piece = end.Sub(w.lastSlow) < slowTime, min(2*w.piece, fullBuffer)
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

// report marks the requests as answered whose answers are completely written.
func (w *writer) report() {
	for len(w.due) > 0 && w.due[0].end <= w.written.Load() {
		w.due[0].request.answered.Store(true)
		close(w.due[0].done)
		w.due[0] = nil // frees the memory of the answer
		w.due = w.due[1:]
	}
}

// close stops further lines from beginning, and waits for the line that is being written, for
// at most maxLastLine. It gives up earlier if nothing is written within the time patience.
// before is the value of w.written when the caller began to wait.
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

// stalled returns a channel that is closed once a write has made no progress for the time
// patience. It watches until the writer ends.
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

// answer writes the answer to r, and returns when that is done. member is "result" or "error",
// and encode appends its value. answer returns earlier if the writer ends, or if r is cancelled,
// which ends ctx, before the writer has taken the answer.
func (w *writer) answer(ctx context.Context, r *request, member string, encode func(w *writer)) {
	l := &line{request: r, done: make(chan struct{}), encode: func(w *writer) {
		w.buf = append(w.buf, `{"jsonrpc":"2.0","id":`...)
		w.json(cmp.Or(r.id, "null"))
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

// notify writes a notification about r. It returns once the writer has taken the notification,
// so that an answer sent later comes after it, or once ctx ends.
func (w *writer) notify(ctx context.Context, r *request, method mcp.MCPMethod, params map[string]any) {
	body := marshal(struct {
		JSONRPC string         `json:"jsonrpc"`
		Method  mcp.MCPMethod  `json:"method"`
		Params  map[string]any `json:"params"`
	}{mcp.JSONRPC_VERSION, method, params})
	w.send(ctx, &line{request: r, encode: func(w *writer) { w.json(body) }})
}

// send passes l to the goroutine. It returns false if ctx or the writer ends first.
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
