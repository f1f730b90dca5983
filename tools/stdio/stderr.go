package stdio

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// maxLogLines is how many lines of a log wait to be written.
const maxLogLines = 1000

// Log is a writer for log lines that never blocks: hosts often do not read the
// stderr of a server, and its pipe is full after 64 KiB. Lines that cannot be
// written in time are dropped, and a later line says how many.
type Log struct {
	lines chan []byte
	ended chan struct{}

	mu      sync.Mutex
	dropped int
	closed  bool
}

// NewLog returns a Log that writes to w. It drops what w refuses.
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

// Write takes one line, with its newline. It never fails.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !l.reportDropped() || !l.queue(bytes.Clone(line)) {
		l.dropped++
	}
	return len(line), nil
}

// reportDropped returns false if lines were dropped and there is still no room
// to say so.
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

func (l *Log) queue(line []byte) bool {
	select {
	case l.lines <- line:
		return true
	default:
		return false
	}
}

// Close writes what has been taken, for at most the time of timeout. Lines that
// come later are dropped.
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
