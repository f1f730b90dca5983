// Package stdio is an MCP transport over a pair of streams, one JSON-RPC
// message a line, that loses nothing. These are its rules:
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
//
// The messages themselves are handled by mcp-go's HandleMessage, in whatever
// protocol version they are.
package stdio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

const (
	maxCalls = 1024     // tool calls that run at the same time
	maxHeld  = 64 << 20 // bytes of requests that are read and not answered yet
	maxLine  = 4 << 20  // bytes of one message

	drainTime = time.Minute            // from the end of the input to the end of what is in flight
	graceTime = 800 * time.Millisecond // for what was told to stop
)

// Causes for which calls are stopped. The first is a deadline, at which a wait
// answers with what it has.
var (
	errDrained  = fmt.Errorf("the input ended a minute ago: %w", context.DeadlineExceeded)
	errShutdown = errors.New("the server is shutting down")
	errOutput   = errors.New("the output is broken")
)

// Serve answers the messages that it reads from in on out, with s, until in
// ends and all is answered, or ctx does. An error is one of in or out; the end
// of either input or ctx is none. Panics of handlers go to log.
//
// A tool result whose StructuredContent has a method RawJSON() string is written
// as that JSON.
func Serve(ctx context.Context, s *server.MCPServer, in io.Reader, out io.Writer, log *slog.Logger) error {
	t := &transport{
		server: s, log: log, out: newWriter(out),
		calls: lane{limit: maxCalls}, rest: lane{limit: 1},
		open: map[string][]*request{},
	}
	t.room.L = &t.mu
	t.ctx, t.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	defer t.stop(nil)

	var readErr error
	ended := make(chan struct{}) // the input
	go func() {
		defer close(ended)
		readErr = t.read(in)
	}()
	var drained, idle, grace <-chan any // none of them before its time
	after := func(d time.Duration) <-chan any {
		c := make(chan any)
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
			if ended == nil {
				return readErr
			}
			return nil
		case <-grace:
			return nil
		}
	}
}

// transport is the state of one Serve.
type transport struct {
	server *server.MCPServer
	log    *slog.Logger
	out    *writer
	ctx    context.Context // of all calls
	stop   context.CancelCauseFunc

	mu          sync.Mutex
	calls, rest lane                  // tools/call, and what is answered in no time
	open        map[string][]*request // what is not answered yet, by key
	held        int                   // bytes of open
	room        sync.Cond             // held fell
	empty       chan any              // closed when open gets empty, if anybody waits for it
}

// lane is a queue with so many workers at most.
type lane struct {
	limit, running int
	queue          []*request
}

// request is a message that wants an answer.
type request struct {
	message
	line      []byte
	refusal   *mcp.JSONRPCErrorDetails // the answer, if it is known at once
	cancelled atomic.Bool
	stop      context.CancelCauseFunc // of its call once that runs; guarded by transport.mu
}

// read takes line after line from in until it ends.
func (t *transport) read(in io.Reader) error {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		line, tooLong, err := readLine(r)
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

// readLine reads a line, without white space around it. What a line has over
// maxLine is skipped as it is read.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxLine+1 && len(bytes.TrimRight(part, "\r\n"))+len(line) > maxLine {
			tooLong, line = true, nil
		}
		if !tooLong {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			line = bytes.TrimPrefix(line, []byte("\ufeff")) // what PowerShell pipes begins with one
			return bytes.Trim(line, " \t\r\n"), tooLong, err
		}
	}
}

// take does what a line asks for.
func (t *transport) take(line []byte) {
	m, refusal := parse(line)
	switch {
	case refusal != nil || m.isRequest():
		t.accept(&request{message: m, line: line, refusal: refusal})
	case m.method == "notifications/cancelled":
		t.cancel(m.cancels)
	}
	// No other notification, nor an answer to what was never asked, needs anything done.
}

// accept takes a request on, for dispatch to start.
func (t *transport) accept(r *request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.held > 0 && t.held+len(r.line) > maxHeld {
		t.dispatch()
		t.room.Wait()
	}
	t.held += len(r.line)
	t.open[r.key] = append(t.open[r.key], r)
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
			go t.work(l, l.pop())
		}
	}
}

// work serves r, and then what waits in its lane.
func (t *transport) work(l *lane, r *request) {
	for r != nil {
		t.serve(r)
		r = t.next(l, r)
	}
}

// next takes done off the books and returns the next of its lane, if any.
func (t *transport) next(l *lane, done *request) (r *request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held -= len(done.line)
	t.room.Signal()
	if same := slices.DeleteFunc(t.open[done.key], func(r *request) bool { return r == done }); len(same) > 0 {
		t.open[done.key] = same
	} else {
		delete(t.open, done.key)
	}
	if len(t.open) == 0 && t.empty != nil {
		close(t.empty)
		t.empty = nil
	}
	if r = l.pop(); r == nil {
		l.running--
	}
	return r
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
func (t *transport) idle() <-chan any {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := make(chan any)
	if len(t.open) == 0 {
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
	for _, r := range t.open[key] {
		if r.key == "" {
			continue // nobody can cancel what has no id
		}
		r.cancelled.Store(true)
		if r.stop != nil {
			r.stop(context.Canceled)
		}
	}
}

// serve answers r, unless it is cancelled before or meanwhile.
func (t *transport) serve(r *request) {
	if r.refusal != nil {
		t.out.fail(r, *r.refusal)
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
		t.out.fail(r, *refuse(mcp.INTERNAL_ERROR, context.Cause(ctx).Error()))
	default:
		t.out.answer(r, t.handle(ctx, r))
	}
}

// handle has mcp-go handle r. Its notifications are all written when it returns.
func (t *transport) handle(ctx context.Context, r *request) (answer mcp.JSONRPCMessage) {
	defer func() {
		if p := recover(); p != nil {
			t.log.Error("panic", "method", r.method, "panic", p, "stack", string(debug.Stack()))
			answer = mcp.JSONRPCError{Error: *refuse(mcp.INTERNAL_ERROR, "internal error")}
		}
	}()
	if r.token == nil && r.method != string(mcp.MethodSubscriptionsListen) {
		return t.server.HandleMessage(ctx, r.line) // nothing to notify the client of
	}
	// A session for this call alone: its channel is drained before the answer.
	notes, written := make(session, 256), make(chan any)
	go func() {
		defer close(written)
		for n := range notes {
			t.out.notify(r, n)
		}
	}()
	defer func() {
		close(notes)
		<-written
	}()
	return t.server.HandleMessage(t.server.WithContext(ctx, notes), r.line)
}

// session is what mcp-go needs to send notifications.
type session chan mcp.JSONRPCNotification

func (s session) SessionID() string                                   { return "stdio" }
func (s session) Initialize()                                         {}
func (s session) Initialized() bool                                   { return true }
func (s session) NotificationChannel() chan<- mcp.JSONRPCNotification { return s }
