package stdio_test

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runs-mcp/tools/stdio"
)

// A long answer is not written in pieces of what a pipe holds by default.
func TestThePipeOfTheOutputHoldsMore(t *testing.T) {
	_, out := blockingPipe(t)
	if err := stdio.Serve(t.Context(), offer(nil), strings.NewReader(""), out); err != nil {
		t.Fatal(err)
	}
	if size, err := unix.FcntlInt(out.Fd(), unix.F_GETPIPE_SZ, 0); err != nil || size != 1<<20 {
		t.Errorf("%d bytes, %v", size, err)
	}
}
