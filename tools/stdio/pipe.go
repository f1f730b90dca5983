package stdio

import "io"

// pipeReader and pipeWriter wait where a read or write fails with EAGAIN. That happens if a
// process that shares the pipe makes it non-blocking, which any of them can do at any time.
type pipeReader struct{ io.Reader }

func (p pipeReader) Read(b []byte) (int, error) {
	for {
		n, err := p.Reader.Read(b)
		if !waitUntilReadable(p.Reader, err) {
			return n, err
		}
	}
}

type pipeWriter struct{ io.Writer }

func (p pipeWriter) Write(b []byte) (int, error) {
	written := 0
	for {
		n, err := p.Writer.Write(b[written:])
		written += n
		if !waitUntilWritable(p.Writer, err) {
			return written, err
		}
	}
}
