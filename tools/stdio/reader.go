package stdio

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

// read takes line after line from in until it ends.
func (t *transport) read(in io.Reader) error {
	r := bufio.NewReaderSize(in, 64<<10)
	var long []byte
	for {
		line, tooLong, err := readLine(r, &long)
		switch {
		case tooLong:
			t.accept(&request{refusal: refuse(mcp.INVALID_REQUEST, "the message is longer than 4 MiB")})
		case len(line) > 0:
			t.take(line)
		}
		// What came in one write is read before any of it starts: a cancellation
		// right behind its call finds the call.
		if ahead, _ := r.Peek(r.Buffered()); err != nil || bytes.IndexByte(ahead, '\n') < 0 {
			t.mu.Lock()
			t.dispatch()
			t.mu.Unlock()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the input: %w", err)
		}
	}
}

// readLine reads a line, without white space around it; it is good until the
// next one is read. What a line has over maxLine is skipped as it is read. long
// is the buffer for a line that is longer than r's.
func readLine(r *bufio.Reader, long *[]byte) (line []byte, tooLong bool, err error) {
	*long = (*long)[:0]
	for {
		part, err := r.ReadSlice('\n')
		if len(*long) > 0 || err == bufio.ErrBufferFull {
			tooLong = tooLong || len(*long)+len(bytes.TrimRight(part, "\r\n")) > maxLine
			if tooLong {
				*long = nil
			} else {
				*long = append(*long, part...)
				part = *long
			}
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if tooLong {
			return nil, true, err
		}
		if cap(*long) > 1<<20 {
			*long = nil // for the next time; part still holds this one
		}
		part = bytes.TrimPrefix(part, []byte("\ufeff")) // what PowerShell pipes begins with one
		return bytes.Trim(part, " \t\r\n"), false, err
	}
}

// take does what a line asks for.
func (t *transport) take(line []byte) {
	m, refusal := parse(line)
	switch {
	case refusal != nil: // only the id is held, not the line that it is a part of
		m = message{id: strings.Clone(m.id), key: m.key}
		t.accept(&request{message: m, refusal: refusal, size: len(m.id) + len(m.key)})
	case m.id != "":
		t.accept(&request{message: m, size: len(line) + len(m.key)})
	case m.method == string(mcp.MethodNotificationCancelled):
		t.cancel(key(readParams(m.params).requestID))
	}
	// No other notification, nor an answer to what was never asked, needs anything done.
}
