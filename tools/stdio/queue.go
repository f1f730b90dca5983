package stdio

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
)

const (
	maxCalls        = 1024     // requests of the kind calls that run at the same time
	maxPendingBytes = 64 << 20 // of requests that are read and not answered yet
	requestOverhead = 256      // bytes that a request takes beside its line

	// maxIdle is how many workers of a kind are kept when there is nothing to do.
	// Their stacks have already grown to what a request takes: that makes calls one
	// after the other 17 % faster, and 64 at a time 7 %.
	maxIdle = 16
)

// queue runs requests in the order of their arrival, each kind with workers of
// its own, and can cancel them by id. What has been read and not answered is
// bounded in bytes: add waits for room.
type queue struct {
	run    func(*request)
	closed chan struct{}

	mu             sync.Mutex
	calls, control workers
	byKey          map[string]map[*request]struct{} // all requests that an answer is due to; clients may use an id twice
	pending        int                              // requests that are queued or running
	bytes          int                              // what they take, but for those that are cancelled
	isClosed       bool
	notFull        sync.Cond     // signals that bytes fell
	idle           chan struct{} // closed once pending is 0; nil until someone waits for that
}

// workers run the requests of one kind.
type workers struct {
	limit   int
	running int           // including idle ones that have just been handed a request
	idle    int           // workers that wait for a request in ready
	queued  list.List     // of *request
	ready   chan *request // hands a request to an idle worker
}

// request is a message that wants an answer.
type request struct {
	message
	size      int // bytes; 0 once they are given back
	cancelled atomic.Bool
	answered  atomic.Bool // set when the last byte of the answer is written

	// Guarded by queue.mu:
	stop    context.CancelCauseFunc // ends the context of the request; nil until it runs
	workers *workers
	element *list.Element // in workers.queued; nil once the request runs
}

func newQueue(run func(*request)) *queue {
	q := &queue{
		run: run, closed: make(chan struct{}), byKey: map[string]map[*request]struct{}{},
		calls:   workers{limit: maxCalls, ready: make(chan *request)},
		control: workers{limit: 1, ready: make(chan *request)},
	}
	q.notFull.L = &q.mu
	return q
}

// add appends r to the requests of its kind, and waits while there is no room for
// it. Nothing starts before dispatch, so that a cancellation that came in the
// same write as its request finds it queued. After close, add drops r.
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

func (q *queue) startQueued() {
	for _, w := range []*workers{&q.control, &q.calls} {
		for w.running < w.limit && w.queued.Len() > 0 {
			w.running++
			r := w.next()
			select {
			case w.ready <- r:
				w.idle--
			default:
				go q.work(w, r)
			}
		}
	}
}

// work runs r, then the requests that are queued, then those that are handed to
// it while it is idle.
func (q *queue) work(w *workers, r *request) {
	for r != nil {
		q.run(r)
		next, stay := q.done(r)
		if stay {
			select {
			case next = <-w.ready:
			case <-q.closed:
			}
		}
		r = next
	}
}

// done removes r, which has run, and returns the next request for its worker. If
// there is none, stay says whether the worker should wait for one.
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

// cancel stops the requests of that id, if there are any. No answer is due to
// them any more, and their bytes are free at once.
func (q *queue) cancel(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if key == "" {
		return // that would be all requests without an id
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
		q.giveBack(r)
	}
}

// started records how to stop r, which runs from now on. It returns false if r
// has been cancelled.
func (q *queue) started(r *request, stop context.CancelCauseFunc) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r.stop = stop
	return !r.cancelled.Load()
}

// giveBack frees the bytes of r, if that has not been done.
func (q *queue) giveBack(r *request) {
	q.bytes -= r.size
	r.size = 0
	q.notFull.Signal()
}

// remove forgets r, which has run or will not run. If its answer could not be
// written, r stays in byKey, for close to count.
func (q *queue) remove(r *request) {
	q.giveBack(r)
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

// close ends the idle workers, and an add that waits for room. It returns how
// many requests an answer is still due to.
func (q *queue) close() (unanswered int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.isClosed = true
	close(q.closed)
	q.notFull.Broadcast()
	for _, same := range q.byKey {
		for r := range same {
			if !r.answered.Load() && !r.cancelled.Load() {
				unanswered++
			}
		}
	}
	return unanswered
}
