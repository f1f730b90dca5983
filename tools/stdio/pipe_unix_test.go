//go:build unix

package stdio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runs-mcp/tools/stdio"
)

// blockingPipe is a pipe as processes get it: Go's own are non-blocking from the
// start, and known to be so.
func blockingPipe(t *testing.T) (r, w *os.File) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "read end"), os.NewFile(uintptr(fds[1]), "write end")
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

func makeNonBlocking(t *testing.T, f *os.File) {
	t.Helper()
	conn, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	conn.Control(func(fd uintptr) { err = unix.SetNonblock(int(fd), true) })
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever shares a pipe with the program can make it non-blocking.
func TestAPipeMadeNonBlockingIsStillAPipe(t *testing.T) {
	in, stdin := blockingPipe(t)
	stdout, out := blockingPipe(t)
	s := offer(nil)
	answer := text(strings.Repeat("x", 2_000_000)) // more than a pipe holds
	s.CallTool = func(_ context.Context, _ stdio.Call) *stdio.Result { return answer }
	done := make(chan error, 1)
	go func() { done <- stdio.Serve(t.Context(), s, in, out) }()
	answers := bufio.NewReader(stdout)
	for i, prepare := range []func(){func() {}, func() { makeNonBlocking(t, in) }, func() { makeNonBlocking(t, out) }} {
		prepare()
		for range 3 {
			io.WriteString(stdin, call(fmt.Sprint(i), "any")+"\n")
			if line, err := answers.ReadString('\n'); err != nil || len(line) < 2_000_000 {
				t.Fatalf("%d: %.200q, %v", i, line, err)
			}
		}
	}
	stdin.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// When a host is gone, with its ends of both pipes, there is nobody to finish for.
func TestCallsStopWhenTheInputHasEndedAndTheReaderIsGone(t *testing.T) {
	in, stdin := blockingPipe(t)
	stdout, out := blockingPipe(t)
	s := offer(nil)
	running, stopped := make(chan bool), make(chan bool)
	s.CallTool = func(ctx context.Context, _ stdio.Call) *stdio.Result {
		running <- true
		<-ctx.Done()
		close(stopped)
		return text("stopped")
	}
	done := make(chan error, 1)
	go func() { done <- stdio.Serve(t.Context(), s, in, out) }()
	io.WriteString(stdin, call("1", "any")+"\n")
	<-running
	begin := time.Now()
	stdout.Close()
	stdin.Close()
	<-stopped
	if err := <-done; err == nil || err.Error() != "the output has no reader any more; answers not written: 1" && !strings.Contains(err.Error(), "broken pipe") {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
