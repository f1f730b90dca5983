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
	"context"
	"errors"
	"io"
	"log/slog"
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
	// CallTool runs a tool. It returns nil if there is no tool of that name. Its
	// context ends when the client cancels the call, when the server stops, and
	// once the answer is written.
	CallTool func(ctx context.Context, call Call) *Result
	// Log gets the panics of calls.
	Log *slog.Logger
}

// Call is one call of a tool.
type Call struct {
	Name string
	Args string // JSON; empty if the client sent none
	// Progress sends a progress notification, if the client asked for them.
	Progress func(done int, message string)
	// Drained is closed a minute after the input has ended. A call that has no
	// time limit of its own ends then.
	Drained <-chan struct{}
}

// Result is what a tool call comes back with: JSON, which is sent as structured
// content and as a text block, or a text.
type Result struct {
	JSON    []string // in pieces, as a list of megabytes is never joined
	Text    string   // without JSON
	IsError bool     // the text is a tool error's
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
