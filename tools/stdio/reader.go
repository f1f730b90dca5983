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
	// keptBuffer is the capacity up to which the buffer for long lines is reused, in bytes.
	keptBuffer = 1 << 20
)

// read handles lines until one of them is a call that its caller is to run, while another
// goroutine reads on. It returns nil at the end of the input, which is not an error.
func (c *connection) read() *request {
	for {
		line, tooLong, err := c.lines.next()
		switch {
		case tooLong:
			c.refuse(message{}, refuse(mcp.INVALID_REQUEST, "the message is longer than 4 MiB"))
		case len(line) > 0:
			c.handleLine(line)
		}
		if err != nil {
			c.queue.dispatch()
			if err == io.EOF {
				err = nil
			} else {
				err = fmt.Errorf("reading the input: %w", err)
			}
			c.inputEnded <- err
			return nil
		}
		if !c.lines.buffered() {
			if r := c.queue.dispatchAndTake(); r != nil {
				return r
			}
		}
	}
}

// handleLine queues the request, or carries out the cancellation, that a line holds.
func (c *connection) handleLine(line []byte) {
	m, fault := parse(line)
	switch {
	case fault != nil:
		c.refuse(m, fault)
	case m.id != "":
		kind := &c.queue.control
		switch mcp.MCPMethod(m.method) {
		case mcp.MethodToolsCall, methodTasksGet: // these ask the API, which may take long
			kind = &c.queue.calls
		}
		c.queue.add(&request{message: m, size: len(line) + len(m.key)}, kind)
	case m.method == string(mcp.MethodNotificationCancelled):
		c.queue.cancel(key(readParams(m.params).requestID))
	}
	// Other notifications, and answers from the client, are ignored.
}

// refuse queues a fault as the answer to m. It keeps only a copy of m's id, because m shares
// the memory of a line that may be long.
func (c *connection) refuse(m message, fault *mcp.JSONRPCErrorDetails) {
	m = message{id: strings.Clone(m.id), key: strings.Clone(m.key), fault: fault}
	c.queue.add(&request{message: m, size: len(m.id) + len(m.key)}, &c.queue.control)
}

// lineReader reads lines of up to maxLine bytes.
type lineReader struct {
	r    *bufio.Reader
	long []byte // the buffer for lines that are longer than the buffer of r
}

func newLineReader(in io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(in, 64<<10)}
}

// next reads a line and trims the white space around it. The line is valid until the next
// call. A line that is too long is skipped while it is read. The last line is returned
// together with the error that ended the input.
func (l *lineReader) next() (line []byte, tooLong bool, err error) {
	if cap(l.long) > keptBuffer {
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
		part = bytes.TrimPrefix(part, []byte("\ufeff")) // PowerShell begins what it pipes with a byte order mark
		return bytes.Trim(part, " \t\r\n"), false, err
	}
}

// buffered reports whether the next line has already been read, because it came in the same
// write as the line before it, or soon after.
func (l *lineReader) buffered() bool {
	ahead, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(ahead, '\n') >= 0
}
