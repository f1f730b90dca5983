package stdio

import "io"

// pipeReader and pipeWriter go on when the descriptor of a pipe turns out to be
// non-blocking: any process that shares the pipe can make it so, at any time, and
// reads and writes then fail with EAGAIN instead of waiting.
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
