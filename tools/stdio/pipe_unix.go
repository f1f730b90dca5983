//go:build unix

package stdio

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// waitUntilReadable waits until in can be read, if err is EAGAIN. It returns false for any other
// error, and if waiting fails.
func waitUntilReadable(in io.Reader, err error) bool {
	file, ok := in.(*os.File)
	return ok && errors.Is(err, unix.EAGAIN) && poll(file, unix.POLLIN, forever)&^unix.POLLNVAL != 0
}

// waitUntilWritable is waitUntilReadable for writes.
func waitUntilWritable(out io.Writer, err error) bool {
	file, ok := out.(*os.File)
	return ok && errors.Is(err, unix.EAGAIN) && poll(file, unix.POLLOUT, forever)&^unix.POLLNVAL != 0
}

// readerGone returns a channel that is closed once no process has the other end of out open. It
// watches until done is closed. If out is not a file, the channel is nil.
func readerGone(out io.Writer, done <-chan struct{}) <-chan struct{} {
	file, ok := out.(*os.File)
	if !ok {
		return nil
	}
	gone := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			// Errors and hang-ups are reported without being asked for.
			switch found := poll(file, 0, readerCheck); {
			case found&(unix.POLLERR|unix.POLLHUP) != 0:
				close(gone)
				return
			case found != 0:
				return
			}
		}
	}()
	return gone
}

// These are timeouts of poll, in milliseconds.
const (
	forever     = -1
	readerCheck = 100
)

// poll waits for one of the events, an error or a hang-up, and returns what has happened: 0 after
// the timeout, POLLNVAL if the file is closed or cannot be polled.
func poll(file *os.File, events int16, timeout int) (found int16) {
	conn, err := file.SyscallConn()
	if err != nil {
		return unix.POLLNVAL
	}
	found = unix.POLLNVAL
	conn.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		for {
			_, err := unix.Poll(fds, timeout)
			if err == nil {
				found = fds[0].Revents
			}
			if err != unix.EINTR {
				return
			}
		}
	})
	return found
}
