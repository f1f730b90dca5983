package stdio

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// maxLogLines is how many lines of a log may wait to be written.
const maxLogLines = 1000

// Log is a writer for log lines that never blocks. Hosts often do not read the stderr of a
// server, and its pipe is full after 64 KiB. Lines that cannot be written in time are dropped,
// and a later line says how many.
type Log struct {
	lines chan []byte
	ended chan struct{}

	mu      sync.Mutex
	dropped int
	closed  bool
}

// NewLog returns a Log that writes to w. It ignores errors of w.
func NewLog(w io.Writer) *Log {
	l := &Log{lines: make(chan []byte, maxLogLines), ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		out := pipeWriter{w}
		for line := range l.lines {
			out.Write(line)
		}
	}()
	return l
}

// Write queues one line, which ends with a newline. It never fails.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !l.reportDropped() || !l.queue(bytes.Clone(line)) {
		l.dropped++
	}
	return len(line), nil
}

// reportDropped queues a line that says how many lines were dropped, if any were. It returns
// false if there is no room for it.
func (l *Log) reportDropped() bool {
	if l.dropped == 0 {
		return true
	}
	// The form is that of slog's text handler.
	report := fmt.Appendf(nil, "time=%s level=WARN msg=\"log lines were dropped, as nobody read them\" lines=%d\n",
		time.Now().Format("2006-01-02T15:04:05.000Z07:00"), l.dropped)
	if !l.queue(report) {
		return false
	}
	l.dropped = 0
	return true
}

// queue queues a line. It returns false if there is no room for it.
func (l *Log) queue(line []byte) bool {
	select {
	case l.lines <- line:
		return true
	default:
		return false
	}
}

// Close waits until the queued lines are written, for at most timeout. Later lines are dropped.
func (l *Log) Close(timeout time.Duration) {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		l.reportDropped()
		close(l.lines)
	}
	l.mu.Unlock()
	select {
	case <-l.ended:
	case <-time.After(timeout):
	}
}
