package stdio

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
)

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
