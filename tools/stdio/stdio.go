// Package stdio is an MCP server over a pair of streams, one JSON-RPC message a
// line, that loses nothing. These are its rules:
//
//  1. Every request that was read gets one answer, unless its client cancelled
//     it. At the end of the input, what is in flight is finished first, for at
//     most a minute. A last line without a newline counts.
//  2. A cancelled request is stopped at once, and nothing more is sent for it.
//     Ids and progress tokens are echoed as they came, to the byte.
//  3. A call's progress comes before its answer.
//  4. No call starves another: up to 1,024 tool calls run, more wait in a queue
//     while reading goes on, and everything else has a lane of its own. Reading
//     pauses only while the requests in hand take more than 64 MiB.
//  5. Bad input gets an error, and the next line is served.
//  6. The output carries JSON-RPC only. When it breaks, so does [Serve].
//  7. Protocol versions 2024-11-05 to 2025-11-25, by initialize, and 2026-07-28,
//     by the _meta of each request, both on one connection.
//
// stdio.go has the life of a request, message.go what is read of one,
// protocol.go what is answered, and writer.go how it is written.
package stdio

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	maxCalls = 1024     // tool calls that run at the same time
	maxHeld  = 64 << 20 // bytes of requests that are read and not answered yet
	overhead = 256      // bytes that a request takes beside its line
	maxLine  = 4 << 20  // bytes of one message

	drainTime = time.Minute            // from the end of the input to the end of what is in flight
	graceTime = 800 * time.Millisecond // for what was told to stop
)

// Causes for which calls are stopped. The first is a deadline, at which a wait
// answers with what it has.
var (
	errDrained  error = deadline("the input ended a minute ago")
	errShutdown       = errors.New("the server is shutting down")
	errOutput         = errors.New("the output is broken")
)

type deadline string

func (d deadline) Error() string        { return string(d) }
func (d deadline) Is(target error) bool { return target == context.DeadlineExceeded }

// Server is what is offered to a client.
type Server struct {
	Info         mcp.Implementation
	Instructions string // for the model
	// ListTools lists the tools, in the order of tools/list.
	ListTools func() []mcp.Tool
	// CallTool calls the tool of that name, with arguments in JSON, empty if there
	// are none; nil is that there is no such tool. It may send progress with report.
	// A StructuredContent that has a method RawJSON() []string is written as the
	// JSON that these pieces make, and as a text block too if there is no Content.
	CallTool func(ctx context.Context, name string, args json.RawMessage, report func(done int, message string)) *mcp.CallToolResult
	// Log gets the panics of calls.
	Log *slog.Logger
}

// Serve answers the messages that it reads from in on out, until in ends and all
// is answered, or ctx does. An error is one of in or out; the end of in or ctx is
// none.
func Serve(ctx context.Context, s Server, in io.Reader, out io.Writer) error {
	t := &transport{
		server: s, out: newWriter(out), byID: map[string]*request{}, over: make(chan struct{}),
		calls: lane{limit: maxCalls, ready: make(chan *request)}, rest: lane{limit: 1, ready: make(chan *request)},
	}
	defer close(t.over)
	t.room.L = &t.mu
	t.ctx, t.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	defer t.stop(nil)

	var readErr error
	ended := make(chan struct{}) // the input
	go func() {
		defer close(ended)
		readErr = t.read(in)
	}()
	var drained, idle, grace <-chan struct{} // none of them before its time
	after := func(d time.Duration) <-chan struct{} {
		c := make(chan struct{})
		time.AfterFunc(d, func() { close(c) })
		return c
	}
	for {
		select {
		case <-ended:
			ended, drained, idle = nil, after(drainTime), t.idle()
		case <-drained:
			drained, grace = nil, after(graceTime)
			t.stop(errDrained)
		case <-ctx.Done():
			ctx, idle, grace = context.WithoutCancel(ctx), t.idle(), after(graceTime)
			t.stop(errShutdown)
		case <-t.out.broken:
			t.stop(errOutput)
			return t.out.err
		case <-idle:
			return t.outcome(ended, &readErr)
		case <-grace:
			return t.outcome(ended, &readErr)
		}
	}
}

// outcome is what Serve returns in the end: whether the output broke, or the
// input, if that has ended.
func (t *transport) outcome(ended <-chan struct{}, readErr *error) error {
	select {
	case <-t.out.broken:
		return t.out.err
	default:
	}
	if ended == nil {
		return *readErr
	}
	return nil
}

// transport is the state of one Serve.
type transport struct {
	server Server
	out    *writer
	ctx    context.Context // of all calls
	stop   context.CancelCauseFunc
	over   chan struct{} // closed when Serve returns

	mu          sync.Mutex
	calls, rest lane                // tools/call, and what is answered in no time
	byID        map[string]*request // what is not answered yet and has an id, by key
	open        int                 // how many requests are not answered yet
	held        int                 // bytes that they take
	room        sync.Cond           // held fell
	empty       chan struct{}       // closed when open gets 0, if anybody waits for it
}

// lane is a queue with so many workers at most.
type lane struct {
	limit, running int
	queue          []*request
	idle           int           // workers that wait for ready
	ready          chan *request // hands a request to one of them
}

// maxIdle is how many workers of a lane wait for the next request when there is
// none: their stacks have grown to what a call takes.
const maxIdle = 16

// request is a message that wants an answer.
type request struct {
	message
	refusal   *mcp.JSONRPCErrorDetails // the answer, if it is known at once
	size      int                      // what it adds to transport.held
	cancelled atomic.Bool
	// Guarded by transport.mu:
	stop       context.CancelCauseFunc // of its call, once that runs
	prev, next *request                // with the same id: a client should not, but may
}

// read takes line after line from in until it ends.
func (t *transport) read(in io.Reader) error {
	r := bufio.NewReaderSize(in, 64<<10)
	var long []byte
	for {
		line, tooLong, err := readLine(r, &long)
		switch {
		case tooLong:
			t.accept(&request{refusal: refuse(mcp.INVALID_REQUEST, "the message is longer than 4 MiB")})
		case len(line) > 0:
			t.take(line)
		}
		// What came in one write is read before any of it starts: a cancellation
		// right behind its call finds the call.
		if ahead, _ := r.Peek(r.Buffered()); err != nil || bytes.IndexByte(ahead, '\n') < 0 {
			t.mu.Lock()
			t.dispatch()
			t.mu.Unlock()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the input: %w", err)
		}
	}
}

// readLine reads a line, without white space around it; it is good until the
// next one is read. What a line has over maxLine is skipped as it is read. long
// is the buffer for a line that is longer than r's.
func readLine(r *bufio.Reader, long *[]byte) (line []byte, tooLong bool, err error) {
	*long = (*long)[:0]
	for {
		part, err := r.ReadSlice('\n')
		if len(*long) > 0 || err == bufio.ErrBufferFull {
			tooLong = tooLong || len(*long)+len(bytes.TrimRight(part, "\r\n")) > maxLine
			if tooLong {
				*long = nil
			} else {
				*long = append(*long, part...)
				part = *long
			}
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if tooLong {
			return nil, true, err
		}
		if cap(*long) > 1<<20 {
			*long = nil // for the next time; part still holds this one
		}
		part = bytes.TrimPrefix(part, []byte("\ufeff")) // what PowerShell pipes begins with one
		return bytes.Trim(part, " \t\r\n"), false, err
	}
}

// take does what a line asks for.
func (t *transport) take(line []byte) {
	m, refusal := parse(line)
	switch {
	case refusal != nil: // only the id is held, not the line that it is a part of
		m = message{id: strings.Clone(m.id), key: m.key}
		t.accept(&request{message: m, refusal: refusal, size: len(m.id) + len(m.key)})
	case m.id != "":
		t.accept(&request{message: m, size: len(line) + len(m.key)})
	case m.method == string(mcp.MethodNotificationCancelled):
		t.cancel(key(readParams(m.params).requestID))
	}
	// No other notification, nor an answer to what was never asked, needs anything done.
}

// accept takes a request on, for dispatch to start.
func (t *transport) accept(r *request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.size += overhead
	for t.held > 0 && t.held+r.size > maxHeld {
		t.dispatch()
		t.room.Wait()
	}
	t.held += r.size
	t.open++
	if r.key != "" {
		if r.next = t.byID[r.key]; r.next != nil {
			r.next.prev = r
		}
		t.byID[r.key] = r
	}
	l := &t.rest
	if r.refusal == nil && r.method == string(mcp.MethodToolsCall) {
		l = &t.calls
	}
	l.queue = append(l.queue, r)
}

// dispatch starts what waits, as far as the lanes have places.
func (t *transport) dispatch() {
	for _, l := range []*lane{&t.rest, &t.calls} {
		for l.running < l.limit && len(l.queue) > 0 {
			l.running++
			r := l.pop()
			select {
			case l.ready <- r:
				l.idle--
			default:
				go t.work(l, r)
			}
		}
	}
}

// work serves r, and then what waits in its lane or comes to it.
func (t *transport) work(l *lane, r *request) {
	for {
		t.serve(r)
		next, stay := t.done(l, r)
		if next == nil && stay {
			select {
			case next = <-l.ready:
			case <-t.over:
			}
		}
		if next == nil {
			return
		}
		r = next
	}
}

// done takes r off the books and returns the next of its lane, if any, or
// whether to wait for it.
func (t *transport) done(l *lane, r *request) (next *request, stay bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held -= r.size
	t.room.Signal()
	if r.key != "" {
		if r.next != nil {
			r.next.prev = r.prev
		}
		if r.prev != nil {
			r.prev.next = r.next
		} else if r.next != nil {
			t.byID[r.key] = r.next
		} else {
			delete(t.byID, r.key)
		}
	}
	if t.open--; t.open == 0 && t.empty != nil {
		close(t.empty)
		t.empty = nil
	}
	if next = l.pop(); next == nil {
		l.running--
		if stay = l.idle < maxIdle; stay {
			l.idle++
		}
	}
	return next, stay
}

// pop takes the first request out of the queue; nil if there is none.
func (l *lane) pop() (r *request) {
	if len(l.queue) == 0 {
		l.queue = nil
		return nil
	}
	r, l.queue[0] = l.queue[0], nil
	l.queue = l.queue[1:]
	return r
}

// idle returns a channel that is closed once nothing is left to answer.
func (t *transport) idle() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := make(chan struct{})
	if t.open == 0 {
		close(c)
	} else {
		t.empty = c
	}
	return c
}

// cancel silences and stops the requests of that id.
func (t *transport) cancel(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for r := t.byID[key]; r != nil; r = r.next {
		r.cancelled.Store(true)
		if r.stop != nil {
			r.stop(context.Canceled)
		}
	}
}

// serve answers r, unless it is cancelled before or meanwhile.
func (t *transport) serve(r *request) {
	if r.refusal != nil {
		t.out.fail(r, r.refusal)
		return
	}
	ctx, stop := context.WithCancelCause(t.ctx)
	defer stop(nil)
	t.mu.Lock()
	r.stop = stop
	t.mu.Unlock()
	switch {
	case r.cancelled.Load():
	case ctx.Err() != nil:
		t.out.fail(r, refuse(mcp.INTERNAL_ERROR, context.Cause(ctx).Error()))
	default:
		result, fault := t.handle(ctx, r)
		t.out.answer(r, result, fault)
	}
}
