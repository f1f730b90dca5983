package stdio

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	maxLine = 4 << 20 // bytes of one message
	// keptLine is the size up to which the buffer for long lines is kept.
	keptLine = 1 << 20
)

// read handles the lines of in until it ends.
func (c *connection) read(in io.Reader) error {
	lines := lineReader{r: bufio.NewReaderSize(in, 64<<10)}
	for {
		line, tooLong, err := lines.next()
		switch {
		case tooLong:
			c.refuse(message{}, refuse(mcp.INVALID_REQUEST, "the message is longer than 4 MiB"))
		case len(line) > 0:
			c.handleLine(line)
		}
		if !lines.buffered() {
			c.queue.dispatch()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the input: %w", err)
		}
	}
}

// handleLine does what a line asks for.
func (c *connection) handleLine(line []byte) {
	m, fault := parse(line)
	switch {
	case fault != nil:
		c.refuse(m, fault)
	case m.id != "":
		kind := &c.queue.control
		if m.method == string(mcp.MethodToolsCall) {
			kind = &c.queue.calls
		}
		c.queue.add(&request{message: m, size: len(line) + len(m.key)}, kind)
	case m.method == string(mcp.MethodNotificationCancelled):
		c.queue.cancel(key(readParams(m.params).requestID))
	}
	// Nothing is to be done for other notifications, nor for answers to what was never asked.
}

// refuse queues a fault as the answer to m. Of m only the id is kept, as the line
// that it is a part of may be long.
func (c *connection) refuse(m message, fault *mcp.JSONRPCErrorDetails) {
	m = message{id: strings.Clone(m.id), key: m.key, fault: fault}
	c.queue.add(&request{message: m, size: len(m.id) + len(m.key)}, &c.queue.control)
}

// lineReader reads lines of up to maxLine.
type lineReader struct {
	r    *bufio.Reader
	long []byte // the buffer for lines that are longer than r's
}

// next reads a line, without white space around it. The line is valid until the
// next call. One that is too long is skipped as it is read. The last line comes
// with the error that ended the input.
func (l *lineReader) next() (line []byte, tooLong bool, err error) {
	if cap(l.long) > keptLine {
		l.long = nil
	}
	l.long = l.long[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.long) > 0 || err == bufio.ErrBufferFull {
			tooLong = tooLong || len(l.long)+len(bytes.TrimRight(part, "\r\n")) > maxLine
			if tooLong {
				l.long = nil
			} else {
				l.long = append(l.long, part...)
				part = l.long
			}
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if tooLong {
			return nil, true, err
		}
		part = bytes.TrimPrefix(part, []byte("\ufeff")) // PowerShell puts it at the beginning of what it pipes
		return bytes.Trim(part, " \t\r\n"), false, err
	}
}

// buffered reports whether the next line has already been read: then it came in
// the same write as the one before, or soon after it.
func (l *lineReader) buffered() bool {
	ahead, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(ahead, '\n') >= 0
}
