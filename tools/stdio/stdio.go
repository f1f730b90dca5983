// Package stdio is an MCP server over a pair of streams, with one JSON-RPC message per
// line. It keeps these rules:
//
//  1. Every request that was read gets exactly one answer, unless its client cancelled it.
//     After the end of the input, calls in flight are finished as long as somebody reads
//     the output. A last line without a newline counts. Lines are written whole, and
//     [Serve] reports answers that could not be written.
//  2. A cancelled request is stopped at once, and nothing more is sent for it. Ids and
//     progress tokens are echoed exactly as they came.
//  3. The progress notifications of a call come before its answer.
//  4. No call starves another: up to 1,024 requests that ask the API, tools/call and
//     tasks/get, run at the same time, and more are queued while reading goes on. All other
//     requests have a worker of their own. Reading pauses only while unanswered requests
//     take more than 64 MiB.
//  5. Bad input is answered with an error, and the next line is served.
//  6. The output has nothing but JSON-RPC, and no character that some clients take for the
//     end of a line. Serve returns when the output fails.
//  7. One connection serves the protocol versions 2024-11-05 to 2025-11-25, which a client
//     selects by initialize, and 2026-07-28, which it selects by the _meta of each request.
//
// A request goes through these files: reader.go splits the input into lines, message.go
// parses a line, queue.go runs the requests, protocol.go finds the answer, encode.go encodes
// it, and writer.go writes it. pipe.go handles pipes that other processes share, and
// stderr.go a log that nobody reads.
package stdio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	// drainTime is the time from the end of the input until Call.Drained is closed.
	drainTime = time.Minute
	// stallTime is how long a write may make no progress after the end of the input.
	stallTime = time.Minute
	// graceTime is how long a shutdown waits for the calls that it has stopped, and for a
	// reader of the output that has stopped reading.
	graceTime = 800 * time.Millisecond
)

var (
	errShutdown   = errors.New("the server is shutting down")
	errReaderGone = errors.New("the output has no reader any more")
	errStalled    = errors.New("nobody reads the output")
)

// Server is what Serve offers to a client.
type Server struct {
	Info         mcp.Implementation
	Instructions string // for the model
	// ListTools returns the tools, in the order of tools/list.
	ListTools func() []mcp.Tool
	// CallTool runs a tool. It returns nil if there is no tool of that name. Its
	// context ends when the client cancels the call, when the server stops, and
	// once the answer is written.
	CallTool func(ctx context.Context, call Call) *Result
	// GetTask reads a task that a call returned, or returns nil if id is not the id of a
	// task. drained is as in Call. KnowsTask reports whether id is the id of a task. Without
	// GetTask, no tasks are offered.
	GetTask   func(ctx context.Context, id string, drained <-chan struct{}) *Task
	KnowsTask func(id string) bool
	// ListResources returns the resources, and ReadResource the contents of one, or nil if
	// there is no resource with that URI. Without ListResources, no resources are offered.
	ListResources func() []mcp.Resource
	ReadResource  func(uri string) mcp.ResourceContents
	// Extensions has the settings of the extensions that are offered to clients of every
	// protocol version, by the names of the extensions.
	Extensions map[string]any
	// Log gets an error for each panic of a call.
	Log *slog.Logger
}

// Call is one call of a tool.
type Call struct {
	Name string
	Args string // JSON; empty if the client sent none, null, or [], as PHP encodes an empty object
	// Progress sends a progress notification if the client asked for them; else it does
	// nothing. It must not be called after CallTool has returned.
	Progress func(done int, message string)
	// Drained is closed a minute after the end of the input. A call without a time limit of
	// its own should end then.
	Drained <-chan struct{}
	// FollowsTasks says whether the client accepts a Task as the answer.
	FollowsTasks bool
}

// Result is the result of a tool call. It has one of JSON, Text and Task.
type Result struct {
	JSON     []string // sent as structured content and as a text block; in pieces, as it may be long; each is valid UTF-8
	TextOnly bool     // whether JSON is sent as a text block only
	Text     string   // sent as a text block; valid UTF-8
	IsError  bool     // whether Text is a tool error
	Task     *Task    // for a client that follows tasks
}

// connection is the state of a call of Serve.
type connection struct {
	server     Server
	ctx        context.Context // the parent of every request's context
	stop       context.CancelCauseFunc
	queue      *queue
	lines      *lineReader // used by one worker of the queue at a time
	out        *writer
	inputEnded chan error // gets a value at the end of the input: nil, or why a read failed
	drained    chan struct{}
}

// Serve reads messages from in and writes the answers to out. It returns when in has ended
// and everything is answered, when out fails or its reader is gone, or about a second after
// the end of ctx. A read from in may still be pending when Serve returns.
//
// The error says why in or out failed, and how many answers were not written. It is nil if
// in or ctx ended and all answers were written.
func Serve(ctx context.Context, s Server, in io.Reader, out io.Writer) error {
	widen(out)
	c := &connection{
		server: s, lines: newLineReader(pipeReader{in}), out: newWriter(pipeWriter{out}),
		inputEnded: make(chan error, 1), drained: make(chan struct{}),
	}
	c.queue = newQueue(c.serve, c.read)
	c.ctx, c.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	go c.queue.work(&c.queue.calls, nil)

	select {
	case readErr := <-c.inputEnded:
		return cmp.Or(c.drain(ctx, out), readErr)
	case <-ctx.Done():
		return c.shutDown()
	case <-c.out.ended:
		return c.end(nil, 0)
	}
}

// drain finishes the requests in flight after the end of the input.
func (c *connection) drain(ctx context.Context, out io.Writer) error {
	defer time.AfterFunc(drainTime, func() { close(c.drained) }).Stop()
	select {
	case <-c.queue.whenIdle():
		return c.end(nil, 0)
	case <-ctx.Done():
		return c.shutDown()
	case <-c.out.ended:
		return c.end(nil, 0)
	case <-readerGone(out, c.out.ended):
		return c.end(errReaderGone, 0)
	case <-c.out.stalled(stallTime):
		return c.end(errStalled, c.out.written.Load())
	}
}

// shutDown stops all calls and waits for their answers, for up to graceTime.
func (c *connection) shutDown() error {
	before := c.out.written.Load()
	c.stop(errShutdown)
	select {
	case <-c.queue.whenIdle():
	case <-c.out.ended:
	case <-time.After(graceTime):
	}
	return c.end(errShutdown, before)
}

// end stops everything, and returns why the output failed. If some answers were not written,
// the error has their number; without a failure, it then wraps reason. A line that is being
// written is finished if more than before bytes have been written by now.
func (c *connection) end(reason error, before int64) error {
	c.stop(reason)
	c.out.close(before, graceTime)
	unanswered := c.queue.close()
	var failure error
	select {
	case <-c.out.ended:
		failure = c.out.err
	default:
	}
	if unanswered > 0 {
		return fmt.Errorf("%w; answers not written: %d", cmp.Or(failure, reason), unanswered)
	}
	return failure
}

// serve answers r, unless r is cancelled.
func (c *connection) serve(r *request) {
	ctx, stop := context.WithCancelCause(c.ctx)
	defer stop(nil)
	if !c.queue.started(r, stop) {
		return
	}
	encode, fault := c.handle(ctx, r)
	if fault != nil {
		c.out.fail(ctx, r, fault)
		return
	}
	c.out.answer(ctx, r, "result", encode)
}
