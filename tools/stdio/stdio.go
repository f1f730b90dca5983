// Package stdio is an MCP server over a pair of streams, one JSON-RPC message a
// line, that loses nothing. These are its rules:
//
//  1. Every request that was read gets one answer, unless its client cancelled
//     it. When the input has ended, calls in flight are finished, as long as the
//     output has a reader that reads. A last line without a newline counts. No
//     line is cut short, and [Serve] tells of answers that could not be written.
//  2. A cancelled request is stopped at once, and nothing more is sent for it.
//     Ids and progress tokens are echoed as they came.
//  3. A call's progress comes before its answer.
//  4. No call starves another: up to 1,024 tool calls run, more are queued while
//     reading goes on, and everything else has a worker of its own. Reading
//     pauses only while requests without an answer take more than 64 MiB.
//  5. Bad input gets an error, and the next line is served.
//  6. The output carries JSON-RPC only, and no character that some clients take
//     for the end of a line. When the output breaks, Serve ends.
//  7. Protocol versions 2024-11-05 to 2025-11-25, by initialize, and 2026-07-28,
//     by the _meta of each request, both on one connection.
//
// The life of a request: reader.go splits the input into lines, message.go
// parses one, queue.go runs the requests, protocol.go finds the answers,
// encode.go puts them into JSON, and writer.go writes them. pipe.go deals with
// pipes that other processes share, and stderr.go with a log that nobody reads.
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
	// drainTime is how long after the end of the input Call.Drained is closed.
	drainTime = time.Minute
	// stallTime is how long after the end of the input the output may take nothing
	// of what is to be written.
	stallTime = time.Minute
	// graceTime is how long a shutdown waits for the calls that it stopped, and
	// for a reader that has stopped reading.
	graceTime = 800 * time.Millisecond
)

var (
	errShutdown   = errors.New("the server is shutting down")
	errReaderGone = errors.New("the output has no reader any more")
	errStalled    = errors.New("nobody reads the output")
)

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
	// GetTask reads a task that a call answered with, and KnowsTask reports whether
	// an id is one of a task. GetTask returns nil if it is not. Without GetTask no
	// tasks are offered.
	GetTask   func(ctx context.Context, id string) *Task
	KnowsTask func(id string) bool
	// ListResources lists the resources, and ReadResource returns the contents of
	// one, or nil if there is none of that URI. Without ListResources none are
	// offered.
	ListResources func() []mcp.Resource
	ReadResource  func(uri string) mcp.ResourceContents
	// Extensions are the settings of the extensions that are offered to clients of
	// every version, by the name of the extension.
	Extensions map[string]any
	// Log gets the panics of calls.
	Log *slog.Logger
}

// Call is one call of a tool.
type Call struct {
	Name string
	Args string // JSON; empty if the client sent none, null or an empty list, which PHP makes of an empty object
	// Progress sends a progress notification, if the client asked for them. It must
	// not be called after the call has returned.
	Progress func(done int, message string)
	// Drained is closed a minute after the input has ended. A call that has no
	// time limit of its own ends then.
	Drained <-chan struct{}
	// FollowsTasks reports whether the client takes a Task for an answer.
	FollowsTasks bool
}

// Result is what a tool call comes back with: JSON, which is sent as structured
// content and as a text block, or a text.
type Result struct {
	JSON    []string // in pieces, as a list of megabytes is never joined; each is valid UTF-8
	Text    string   // without JSON
	IsError bool     // the text is a tool error's
	// TextOnly leaves the structured content out.
	TextOnly bool
	Task     *Task // in place of all that, for a client that follows tasks
}

// connection is the state of one Serve.
type connection struct {
	server  Server
	ctx     context.Context // the parent of every request's context
	stop    context.CancelCauseFunc
	queue   *queue
	out     *writer
	drained chan struct{}
}

// Serve answers the messages that it reads from in on out. It returns when in has
// ended and everything is answered, when out fails or its reader is gone, or
// within about a second when ctx ends. A read of in may then still be pending.
//
// An error says why in or out failed, and how many answers were not written. The
// end of in or of ctx alone is no error.
func Serve(ctx context.Context, s Server, in io.Reader, out io.Writer) error {
	c := &connection{server: s, out: newWriter(pipeWriter{out}), drained: make(chan struct{})}
	c.queue = newQueue(c.serve)
	c.ctx, c.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	inputEnded := make(chan error, 1)
	go func() { inputEnded <- c.read(pipeReader{in}) }()

	select {
	case readErr := <-inputEnded:
		return cmp.Or(c.drain(ctx, out), readErr)
	case <-ctx.Done():
		return c.shutDown()
	case <-c.out.ended:
		return c.end(nil, 0)
	}
}

// drain finishes what is in flight when the input has ended.
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

// shutDown stops all calls and lets them be answered, for a limited time.
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

// end stops everything. It returns the failure of the output, or reason if there
// is none, with the number of answers that were not written; nil if all were. The
// line that is being written is finished if the output has taken more than before
// bytes.
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

// serve answers r, unless it is cancelled before or meanwhile.
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
