//go:build unix

package stdio

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// waitUntilReadable waits until in can be read, if err says that it cannot be
// read yet. It returns false for any other error.
func waitUntilReadable(in io.Reader, err error) bool {
	file, ok := in.(*os.File)
	return ok && errors.Is(err, unix.EAGAIN) && poll(file, unix.POLLIN, forever)&^unix.POLLNVAL != 0
}

func waitUntilWritable(out io.Writer, err error) bool {
	file, ok := out.(*os.File)
	return ok && errors.Is(err, unix.EAGAIN) && poll(file, unix.POLLOUT, forever)&^unix.POLLNVAL != 0
}

// readerGone returns a channel that is closed once nobody has the other end of
// out open. It watches until done is closed, and only files.
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
			switch found := poll(file, 0, 100); {
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

const forever = -1 // as a timeout

// poll waits for one of the events, an error or a hang-up, for a number of
// milliseconds, and returns what there is: 0 after the timeout, POLLNVAL for a file
// that is closed or of a kind that cannot be polled.
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
