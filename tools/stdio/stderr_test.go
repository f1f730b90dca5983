package stdio_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"runs-mcp/tools/stdio"
)

func TestALogThatNobodyReadsBlocksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stderr, w := io.Pipe()
		log := stdio.NewLog(w)
		logger := slog.New(slog.NewTextHandler(log, nil))
		for i := range 5000 {
			logger.Info("hello", "n", i)
			if i == 0 {
				synctest.Wait() // for the first line to be on its way
			}
		}
		synctest.Wait()
		lines := make(chan string, 10_000)
		go func() {
			b, _ := io.ReadAll(stderr)
			for line := range strings.Lines(string(b)) {
				lines <- line
			}
			close(lines)
		}()
		synctest.Wait() // the lines flow again
		logger.Error("the last words")
		log.Close(time.Second)
		w.Close()
		taken, dropped, last := 0, 0, ""
		for line := range lines {
			last = line
			if strings.Contains(line, "msg=hello n=") {
				if dropped > 0 || !strings.Contains(line, fmt.Sprintf("n=%d\n", taken)) {
					t.Fatalf("line %d is %q", taken, line)
				}
				taken++
			} else if _, count, ok := strings.Cut(line, `level=WARN msg="log lines were dropped, as nobody read them" lines=`); ok {
				fmt.Sscan(count, &dropped)
			}
		}
		if taken+dropped != 5000 || taken < 1000 || dropped == 0 || !strings.Contains(last, "the last words") {
			t.Errorf("%d lines and %d dropped of 5000; the last line is %q", taken, dropped, last)
		}
	})
}

func TestClosingALogWaitsForItsLinesButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stderr, w := io.Pipe()
		log := stdio.NewLog(w)
		fmt.Fprintln(log, "one")
		go func() {
			time.Sleep(50 * time.Millisecond)
			io.Copy(io.Discard, stderr)
		}()
		begin := time.Now()
		log.Close(time.Second)
		if took := time.Since(begin); took != 50*time.Millisecond {
			t.Errorf("closed after %s, read after 50ms", took)
		}
		w.Close()

		unread, w := io.Pipe()
		log = stdio.NewLog(w)
		fmt.Fprintln(log, "one")
		begin = time.Now()
		log.Close(time.Second)
		if took := time.Since(begin); took != time.Second {
			t.Errorf("nobody reads: closed after %s", took)
		}
		if _, err := fmt.Fprintln(log, "too late"); err != nil {
			t.Error(err)
		}
		log.Close(time.Second)
		unread.Close()
	})
}

func TestALogEndsWithTheNumberOfDroppedLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stderr, w := io.Pipe()
		log := stdio.NewLog(w)
		synctest.Wait()
		for range 1500 {
			fmt.Fprint(log, "line\n")
		}
		stderr.Read(make([]byte, 5)) // one line, so that there is room for another
		synctest.Wait()
		read := make(chan string, 1)
		go func() {
			b, _ := io.ReadAll(stderr)
			read <- string(b)
		}()
		log.Close(time.Second)
		w.Close()
		got := <-read
		dropped := 1500 - 1 - strings.Count(got, "line\n")
		if !strings.HasSuffix(got, fmt.Sprintf(" lines=%d\n", dropped)) || dropped < 400 {
			t.Errorf("%d lines were dropped, and it ends %q", dropped, got[max(0, len(got)-200):])
		}
	})
}

type failing struct{ calls int }

func (f *failing) Write([]byte) (int, error) {
	f.calls++
	return 0, errors.New("closed")
}

func TestAClosedStderrIsNoTrouble(t *testing.T) {
	var w failing
	log := stdio.NewLog(&w)
	for range 3 {
		fmt.Fprintln(log, "line")
	}
	log.Close(time.Minute)
	if w.calls != 3 {
		t.Errorf("%d lines were tried", w.calls)
	}
}
