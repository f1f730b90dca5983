package stdio

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
)

const (
	maxCalls        = 1024     // calls that run at the same time: of tools, and of tasks/get
	maxPendingBytes = 64 << 20 // of requests that have been read and are not answered yet
	requestOverhead = 256      // bytes that a request takes in addition to its line

	// maxIdle is how many idle workers of each kind are kept. Their stacks have already grown
	// to the size that a request needs, which makes sequential calls 22 % faster.
	maxIdle = 16
)

// queue starts requests in the order of their arrival, each kind with its own workers, and
// cancels them by id. It bounds the bytes of requests that have been read but not answered:
// add waits until there is room.
//
// One of the workers for calls reads the input. When a call comes alone, it makes another one
// read on, and runs the call itself. That takes 15 % less time than passing the call on.
type queue struct {
	run    func(*request)
	read   func() *request // reads until there is a call for its caller to run; nil at the end of the input
	closed chan struct{}

	mu             sync.Mutex
	calls, control workers
	byKey          map[string]map[*request]struct{} // all unanswered requests; clients may use an id twice
	pending        int                              // how many requests are queued or running
	bytes          int                              // what they take, without the cancelled ones
	isClosed       bool
	notFull        sync.Cond     // signals that bytes became less
	idle           chan struct{} // closed once pending is 0; nil unless somebody waits for that
}

// workers run the requests of one kind.
type workers struct {
	limit   int
	running int           // how many have a request
	idle    int           // how many wait for a request from ready
	queued  list.List     // of *request
	ready   chan *request // hands a request to an idle worker; nil makes it read
}

// request is a message that needs an answer.
type request struct {
	message
	size      int // bytes that count toward queue.bytes; 0 once they no longer do
	cancelled atomic.Bool
	answered  atomic.Bool // set once the last byte of the answer is written

	// Guarded by queue.mu:
	stop    context.CancelCauseFunc // ends the context of the request; nil until it runs
	workers *workers
	element *list.Element // in workers.queued; nil once the request runs
}

func newQueue(run func(*request), read func() *request) *queue {
	q := &queue{
		run: run, read: read, closed: make(chan struct{}), byKey: map[string]map[*request]struct{}{},
		calls:   workers{limit: maxCalls, ready: make(chan *request)},
		control: workers{limit: 1, ready: make(chan *request)},
	}
	q.notFull.L = &q.mu
	return q
}

// add queues r with the workers of its kind. While there is no room for r, it waits. r does
// not start before dispatch is called, so that a cancellation in the same write as its
// request still finds the request queued. After close, add drops r.
func (q *queue) add(r *request, kind *workers) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r.size += requestOverhead
	for q.bytes+r.size > maxPendingBytes && !q.isClosed {
		q.startQueued()
		q.notFull.Wait()
	}
	if q.isClosed {
		return
	}
	q.bytes += r.size
	q.pending++
	if q.byKey[r.key] == nil {
		q.byKey[r.key] = map[*request]struct{}{}
	}
	q.byKey[r.key][r] = struct{}{}
	r.workers = kind
	r.element = kind.queued.PushBack(r)
}

// dispatch starts queued requests while workers are free.
func (q *queue) dispatch() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.startQueued()
}

// dispatchAndTake is dispatch for the worker that reads. If a single call is queued and may
// run, it returns that call for the worker to run, and makes another worker read.
func (q *queue) dispatchAndTake() *request {
	q.mu.Lock()
	defer q.mu.Unlock()
	var own *request
	if w := &q.calls; w.queued.Len() == 1 && w.running < w.limit {
		w.running++
		own = w.next()
		q.give(w, nil)
	}
	q.startQueued()
	return own
}

// startQueued is dispatch for a caller that has locked q.mu.
func (q *queue) startQueued() {
	for _, w := range []*workers{&q.control, &q.calls} {
		for w.running < w.limit && w.queued.Len() > 0 {
			w.running++
			q.give(w, w.next())
		}
	}
}

// give hands r to an idle worker or, if there is none, to a new one.
func (q *queue) give(w *workers, r *request) {
	select {
	case w.ready <- r:
		w.idle--
	default:
		go q.work(w, r)
	}
}

// work is a worker. It runs r, then requests that are queued, and then what it is handed
// while it is idle. Where r is nil, it reads.
func (q *queue) work(w *workers, r *request) {
	for {
		if r == nil {
			if r = q.read(); r == nil {
				return
			}
		}
		q.run(r)
		next, stay := q.done(r)
		if next == nil {
			if !stay {
				return
			}
			select {
			case next = <-w.ready:
			case <-q.closed:
				return
			}
		}
		r = next
	}
}

// done removes r, which has run, and returns the next request for its worker. If there is
// none, stay reports whether the worker should wait for one.
func (q *queue) done(r *request) (next *request, stay bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.remove(r)
	w := r.workers
	if next = w.next(); next == nil {
		w.running--
		if stay = w.idle < maxIdle; stay {
			w.idle++
		}
	}
	return next, stay
}

// next removes the first queued request and returns it, or nil if there is none.
func (w *workers) next() *request {
	first := w.queued.Front()
	if first == nil {
		return nil
	}
	r := w.queued.Remove(first).(*request)
	r.element = nil
	return r
}

// cancel stops the requests with the id that key stands for. They will not be answered, and
// no longer count toward the limit.
func (q *queue) cancel(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if key == "" {
		return // else all requests without an id would be cancelled
	}
	for r := range q.byKey[key] {
		r.cancelled.Store(true)
		switch {
		case r.element != nil:
			r.workers.queued.Remove(r.element)
			q.remove(r)
		case r.stop != nil:
			r.stop(context.Canceled)
		}
		q.freeBytes(r)
	}
}

// started records that r runs, and how to stop it. It returns false if r has been cancelled.
func (q *queue) started(r *request, stop context.CancelCauseFunc) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r.stop = stop
	return !r.cancelled.Load()
}

// freeBytes stops counting the bytes of r toward the limit.
func (q *queue) freeBytes(r *request) {
	q.bytes -= r.size
	r.size = 0
	q.notFull.Signal()
}

// remove removes r, which has run or will not run. If its answer could not be written, r
// stays in byKey, so that close counts it.
func (q *queue) remove(r *request) {
	q.freeBytes(r)
	if r.cancelled.Load() || r.answered.Load() {
		delete(q.byKey[r.key], r)
		if len(q.byKey[r.key]) == 0 {
			delete(q.byKey, r.key)
		}
	}
	if q.pending--; q.pending == 0 && q.idle != nil {
		close(q.idle)
		q.idle = nil
	}
}

// whenIdle returns a channel that is closed once nothing is queued or running.
func (q *queue) whenIdle() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	idle := q.idle
	if q.pending == 0 {
		close(q.idle)
		q.idle = nil
	}
	return idle
}

// close ends the idle workers, and any add that waits for room. It returns how many requests
// have not been answered.
func (q *queue) close() (unanswered int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.isClosed = true
	close(q.closed)
	q.notFull.Broadcast()
	for _, requests := range q.byKey {
		for r := range requests {
			if !r.answered.Load() && !r.cancelled.Load() {
				unanswered++
			}
		}
	}
	return unanswered
}
