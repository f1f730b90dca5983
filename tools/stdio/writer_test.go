package stdio_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/tidwall/gjson"

	"runs-mcp/tools/stdio"
)

// start starts a Serve that answers calls with size bytes of text, and sends it n
// calls. The client reads what it likes of out.
func start(t *testing.T, n, size int) (stdin *io.PipeWriter, out *io.PipeReader, done chan error, stop context.CancelFunc) {
	s := offer(nil)
	answer := text(strings.Repeat("x", size))
	s.CallTool = func(context.Context, stdio.Call) *stdio.Result { return answer }
	in, stdin := io.Pipe()
	out, stdout := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	done = make(chan error, 1)
	go func() {
		done <- stdio.Serve(ctx, s, in, stdout)
		stdout.Close()
	}()
	for i := range n {
		io.WriteString(stdin, call(fmt.Sprint(i), "any")+"\n")
	}
	return stdin, out, done, stop
}

// readSlowly reads until the end of the output, 16 KiB at a time. Before each
// read it calls before with the number of bytes read so far.
func readSlowly(out io.Reader, pause time.Duration, before func(read int)) string {
	var b strings.Builder
	part := make([]byte, 16<<10)
	for {
		before(b.Len())
		time.Sleep(pause) // in the fake time of synctest
		n, err := io.ReadFull(out, part)
		b.Write(part[:n])
		if err != nil {
			return b.String()
		}
	}
}

func TestASlowReaderGetsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stdin, out, done, stop := start(t, 250, 20_000)
		defer stop()
		stdin.Close()
		begin := time.Now()
		got := readSlowly(out, 5*time.Second, func(int) {})
		if n := strings.Count(got, "\n"); n != 250 || time.Since(begin) < 10*time.Minute {
			t.Errorf("%d of 250 answers in %s", n, time.Since(begin))
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// pausing is an output whose first write takes a second.
type pausing struct{ sizes []int }

func (p *pausing) Write(b []byte) (int, error) {
	if len(p.sizes) == 0 {
		time.Sleep(time.Second)
	}
	p.sizes = append(p.sizes, len(b))
	return len(b), nil
}

// After a pause of the reader, the pieces of a line are small at first, and soon large again.
func TestAReaderThatPausedOnceGetsLargePieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offer(nil)
		s.CallTool = func(context.Context, stdio.Call) *stdio.Result { return text(strings.Repeat("x", 1<<20)) }
		var out pausing
		if err := stdio.Serve(t.Context(), s, strings.NewReader(call("1", "any")), &out); err != nil {
			t.Fatal(err)
		}
		if len(out.sizes) < 6 || !slices.Equal(out.sizes[1:5], []int{4 << 10, 8 << 10, 16 << 10, 32 << 10}) || len(out.sizes) > 25 {
			t.Errorf("writes of %d bytes", out.sizes)
		}
	})
}

// The last piece of a line may be a single byte, its end.
func TestTheLastByteOfALineIsWrittenToAReaderThatPaused(t *testing.T) {
	write := func(size int) (out pausing) {
		s := offer(nil)
		s.CallTool = func(context.Context, stdio.Call) *stdio.Result { return text(strings.Repeat("x", size)) }
		synctest.Test(t, func(t *testing.T) {
			if err := stdio.Serve(t.Context(), s, strings.NewReader(call("1", "any")), &out); err != nil {
				t.Error(err)
			}
		})
		return out
	}
	out := write(100_000)
	length := 0
	for _, n := range out.sizes {
		length += n
	}
	first := out.sizes[0]
	if out = write(100_000 + first + 4<<10 + 1 - length); !slices.Equal(out.sizes, []int{first, 4 << 10, 1}) {
		t.Errorf("writes of %d bytes", out.sizes)
	}
}

// A reader that is slow when the program is told to end gets the line that has
// been begun, and the error tells of the others.
func TestNoLineIsCutAtShutdown(t *testing.T) {
	for _, draining := range []bool{false, true} {
		for _, tc := range []struct {
			size  int
			pause time.Duration // for which 16 KiB are not read
			most  time.Duration // that it may take
		}{
			{3, 150 * time.Millisecond, time.Second},
			{20_000, 150 * time.Millisecond, 1200 * time.Millisecond},
			{20_000, 600 * time.Millisecond, 4 * time.Second},
			{500_000, 150 * time.Millisecond, 6 * time.Second},
		} {
			size := tc.size
			synctest.Test(t, func(t *testing.T) {
				stdin, out, done, stop := start(t, 250, size)
				if draining {
					stdin.Close()
				}
				synctest.Wait()
				var stopped time.Time
				got := readSlowly(out, tc.pause, func(read int) {
					if read > 5*size && stopped.IsZero() {
						stopped = time.Now()
						stop()
					}
				})
				took := time.Since(stopped)
				n := strings.Count(got, "\n")
				if !strings.HasSuffix(got, "\n") || took > tc.most {
					t.Errorf("size %d: %d answers, and at the end, after %s: %q", size, n, took, got[len(got)-20:])
				}
				want := ""
				if n < 250 {
					want = fmt.Sprintf("the server is shutting down; answers not written: %d", 250-n)
				}
				if err := <-done; fmt.Sprint(err) != want && !(err == nil && want == "") {
					t.Errorf("size %d: got %v, want %s", size, err, want)
				}
				stdin.Close()
			})
		}
	}
}

// A reader that does not read cannot hold the end up.
func TestAnUnreadOutputDoesNotDelayTheShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stdin, out, done, stop := start(t, 3, 100)
		synctest.Wait()
		begin := time.Now()
		stop()
		err := <-done
		if err == nil || err.Error() != "the server is shutting down; answers not written: 3" || time.Since(begin) >= time.Second {
			t.Errorf("%v, after %s", err, time.Since(begin))
		}
		stdin.Close()
		out.Close()
	})
}

// A line of many megabytes does not hold the end up for more than ten seconds.
func TestAVerySlowReaderCannotHoldTheShutdownUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stdin, out, done, stop := start(t, 1, 50<<20)
		var stopped time.Time
		readSlowly(out, 500*time.Millisecond, func(read int) {
			if read > 0 && stopped.IsZero() {
				stopped = time.Now()
				stop()
			}
			if !stopped.IsZero() && time.Since(stopped) > 12*time.Second {
				if len(done) == 0 {
					t.Error("not ended after 12 s")
				}
				out.Close()
			}
		})
		if err := <-done; err == nil || err.Error() != "the server is shutting down; answers not written: 1" {
			t.Error(err)
		}
		stdin.Close()
	})
}

// What counts is whether a write makes progress, and not how long nothing was to be written.
func TestAnAnswerAfterALongTimeHasAMinuteToo(t *testing.T) {
	for _, before := range []bool{false, true} { // whether something was written before
		synctest.Test(t, func(t *testing.T) {
			s := offer(nil)
			s.CallTool = func(context.Context, stdio.Call) *stdio.Result {
				time.Sleep(359 * time.Second)
				return text("done")
			}
			in, stdin := io.Pipe()
			stdout, out := io.Pipe()
			done := make(chan error, 1)
			go func() { done <- stdio.Serve(t.Context(), s, in, out) }()
			lines := bufio.NewReader(stdout)
			if before {
				io.WriteString(stdin, ping("1")+"\n")
				lines.ReadString('\n')
			}
			io.WriteString(stdin, call("2", "any")+"\n")
			stdin.Close()
			time.Sleep(365 * time.Second)
			if line, err := lines.ReadString('\n'); gjson.Get(line, "id").Raw != "2" || err != nil {
				t.Errorf("%q, %v", line, err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// A reader that stops in the middle of a line holds the end up no longer than one that never reads.
func TestAReaderThatStopsInALineDoesNotDelayTheShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stdin, out, done, stop := start(t, 1, 1<<20)
		part := make([]byte, 128<<10)
		io.ReadFull(out, part)
		begin := time.Now()
		stop()
		time.Sleep(50 * time.Millisecond)
		io.ReadFull(out, part)
		err := <-done
		if err == nil || err.Error() != "the server is shutting down; answers not written: 1" || time.Since(begin) > 2*time.Second {
			t.Errorf("%v, after %s", err, time.Since(begin))
		}
		stdin.Close()
		out.Close()
	})
}

func TestAnOutputThatNobodyReadsEndsTheDrainAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stdin, out, done, stop := start(t, 3, 100)
		defer stop()
		synctest.Wait()
		time.Sleep(time.Hour) // while the input is open nobody minds
		if len(done) > 0 {
			t.Fatal("ended with the input open")
		}
		begin := time.Now()
		stdin.Close()
		err := <-done
		if err == nil || err.Error() != "nobody reads the output; answers not written: 3" || time.Since(begin) < time.Minute || time.Since(begin) > 3*time.Minute {
			t.Errorf("%v, after %s", err, time.Since(begin))
		}
		out.Close()
	})
}

// limited is an output that takes so many bytes.
type limited struct {
	left int
	strings.Builder
}

func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.left -= n
	l.Builder.Write(b[:n])
	if n < len(b) {
		return n, errors.New("disk full")
	}
	return n, nil
}

func TestABrokenOutputEndsServeAndTellsHowManyAnswersAreLost(t *testing.T) {
	for _, room := range []int{0, 1, 39, 40, 41, 100, 119, 120, 200} {
		synctest.Test(t, func(t *testing.T) {
			in, stdin := io.Pipe()
			out := &limited{left: room}
			done := make(chan error, 1)
			go func() { done <- stdio.Serve(t.Context(), offer(nil), in, out) }()
			io.WriteString(stdin, ping("100")+"\n"+ping("101")+"\n"+ping("102")+"\n"+ping("103")+"\n")
			stdin.Close()
			written := strings.Count(func() string { synctest.Wait(); return out.String() }(), "\n")
			want := fmt.Sprintf("writing the output: disk full; answers not written: %d", 4-written)
			if err := <-done; written < 4 && (err == nil || err.Error() != want) || written == 4 && err != nil {
				t.Errorf("room for %d bytes: got %v, want %s", room, err, want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // also with the input open
		in, stdin := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- stdio.Serve(t.Context(), offer(nil), in, &limited{}) }()
		io.WriteString(stdin, ping("1")+"\n")
		if err := <-done; err == nil || err.Error() != "writing the output: disk full; answers not written: 1" {
			t.Error(err)
		}
		stdin.Close()
	})
}

// gone is an output that takes everything, and fails all the same.
type gone struct{}

func (gone) Write(b []byte) (int, error) { return len(b), errors.New("device gone") }

func TestAnOutputThatFailsAfterTheLastAnswerIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, stdin := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- stdio.Serve(t.Context(), offer(nil), in, gone{}) }()
		io.WriteString(stdin, ping("1")+"\n")
		if err := <-done; err == nil || err.Error() != "writing the output: device gone" {
			t.Error(err)
		}
		stdin.Close()
	})
}

// A cancelled call does not wait for an output that nobody reads: it gives its
// place and its memory to others.
func TestCancelledCallsDoNotWaitForTheOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offer(nil)
		var called, over atomic.Int32
		s.CallTool = func(ctx context.Context, c stdio.Call) *stdio.Result {
			called.Add(1)
			context.AfterFunc(ctx, func() { over.Add(1) })
			if c.Name == "progress" {
				c.Progress(1, "working")
			}
			return text(c.Args)
		}
		in, stdin := io.Pipe()
		stdout, out := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- stdio.Serve(t.Context(), s, in, out)
			out.Close()
		}()
		io.WriteString(stdin, call("1", "first")+"\n") // occupies the writer
		synctest.Wait()
		for _, tool := range []string{"echo", "progress"} {
			called.Store(0)
			over.Store(0)
			for i := range 3000 {
				line := fmt.Sprintf(`{"jsonrpc":"2.0","id":"%s %d","method":"tools/call","params":{"name":%q,"_meta":{"progressToken":1}}}`, tool, i, tool)
				io.WriteString(stdin, line+"\n")
				synctest.Wait()
				io.WriteString(stdin, cancel(fmt.Sprintf(`"%s %d"`, tool, i))+"\n")
			}
			synctest.Wait()
			if called.Load() != 3000 || over.Load() != 3000 {
				t.Errorf("%s: %d of 3000 calls ran, %d are over", tool, called.Load(), over.Load())
			}
		}
		stdin.Close()
		if got, err := io.ReadAll(stdout); strings.Count(string(got), "\n") != 1 || err != nil {
			t.Errorf("written: %s, %v", got, err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// The context of a call, and with it the memory that its answer takes, ends once
// the answer is written, not before.
func TestACallsContextEndsOnceItsAnswerIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offer(nil)
		var inCall context.Context
		s.CallTool = func(ctx context.Context, c stdio.Call) *stdio.Result {
			inCall = ctx
			return text("hello")
		}
		in, stdin := io.Pipe()
		stdout, out := io.Pipe()
		go stdio.Serve(t.Context(), s, in, out)
		io.WriteString(stdin, call("1", "any")+"\n")
		synctest.Wait()
		stdout.Read(make([]byte, 10))
		synctest.Wait()
		if inCall.Err() != nil {
			t.Error("the context ended before the answer was written")
		}
		stdout.Read(make([]byte, 1000))
		synctest.Wait()
		if inCall.Err() == nil {
			t.Error("the context has not ended with the answer")
		}
		stdin.Close()
	})
}

// Answers that are ready together go out in few writes, whole and in any order.
func TestManyAnswersAtOnce(t *testing.T) {
	p := serve(t)
	var all []string
	for i := range 3000 {
		all = append(all, strings.Replace(call(fmt.Sprint(i), "echo"), "{}", `{"x":"`+strings.Repeat("y", i)+`"}`, 1))
	}
	p.send(strings.Join(all, "\n"))
	answers := p.rest()
	for i := range 3000 {
		if got := answers[fmt.Sprint(i)].Get("result.content.0.text").Str; len(got) != i+8 {
			t.Fatalf("%d: %d bytes", i, len(got))
		}
	}
}

// Some clients take three more characters than \n for the end of a line.
func TestNothingInALineLooksLikeItsEnd(t *testing.T) {
	p := serve(t)
	const odd = "<\u0085\u2028\u2029é€\u00a0“\u200b\u2030>"
	var all strings.Builder
	for c := rune(0); c < 0x100; c++ {
		all.WriteRune(c)
	}
	for _, s := range []string{odd, all.String(), "\u2028", "\u0085", "\u2029" + strings.Repeat("\u2028x", 30_000), strings.Repeat("é", 40_000), "x" + strings.Repeat("€", 40_000), "xy" + strings.Repeat("\u2029", 40_000)} {
		args, err := json.Marshal(map[string]string{"s": s})
		if err != nil {
			t.Fatal(err)
		}
		raw := strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(string(args))
		p.send(strings.Replace(call("1", "json"), "{}", raw, 1))
		a := p.next()
		if strings.ContainsAny(a.Raw, "\u0085\u2028\u2029") {
			t.Errorf("%.100q: unescaped: %.300q", s, a.Raw)
		}
		if got := a.Get("result.structuredContent.s").Str; got != s {
			t.Errorf("%.100q: came as %.300q", s, got)
		}
		if got := gjson.Get(a.Get("result.content.0.text").Str, "s").Str; got != s {
			t.Errorf("%.100q: came as the text %.300q", s, got)
		}
	}
	p.send(ping(`"` + odd + `"`))
	if a := p.next(); strings.ContainsAny(a.Raw, "\u0085\u2028\u2029") || a.Get("id").Str != odd {
		t.Errorf("an id: %q", a.Raw)
	}
	p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"x%s"}`, odd))
	if a := p.next(); strings.ContainsAny(a.Raw, "\u0085\u2028\u2029") || !strings.Contains(a.Get("error.message").Str, "there is no method") {
		t.Errorf("an error: %q", a.Raw)
	}
	p.rest()
}

func TestNotificationsAreWrittenOnOneLine(t *testing.T) {
	p := serve(t)
	p.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"tell","arguments":"` + "\u0085\u2028\u2029" + `<&>","_meta":{"progressToken":"t"}}}`)
	n := p.next()
	if strings.ContainsAny(n.Raw, "\u0085\u2028\u2029") || n.Get("params.message").Str != "\"\u0085\u2028\u2029<&>\"" || !strings.Contains(n.Raw, "<&>") {
		t.Errorf("%q", n.Raw)
	}
	p.next()
	p.rest()
}

// A list of megabytes is written piece by piece, not joined in memory.
func TestLargeResultsAreNotCopied(t *testing.T) {
	piece := `"` + strings.Repeat("x", 1<<20-3) + `",`
	pieces := []string{"["}
	for range 32 {
		pieces = append(pieces, piece)
	}
	pieces = append(pieces, "0]")
	s := offer(nil)
	s.CallTool = func(context.Context, stdio.Call) *stdio.Result { return &stdio.Result{JSON: pieces} }
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var out counter
	if err := stdio.Serve(t.Context(), s, strings.NewReader(call("1", "any")), &out); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 2<<20 || out < 64<<20 {
		t.Errorf("%d bytes were allocated to write %d", allocated, out)
	}
}

func TestAnswersAreNotKept(t *testing.T) {
	s := offer(nil)
	var answers []weak.Pointer[stdio.Result]
	s.CallTool = func(context.Context, stdio.Call) *stdio.Result {
		answer := text(strings.Repeat("x", 100))
		answers = append(answers, weak.Make(answer))
		return answer
	}
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	go stdio.Serve(t.Context(), s, in, out)
	lines := bufio.NewReader(stdout)
	for range 3 {
		io.WriteString(stdin, call("1", "any")+"\n")
		lines.ReadString('\n')
	}
	io.WriteString(stdin, ping("2")+"\n")
	lines.ReadString('\n')
	runtime.GC()
	for i, answer := range answers {
		if answer.Value() != nil {
			t.Errorf("answer %d is kept after it was written", i)
		}
	}
	stdin.Close()
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

func TestResultsAreWrittenAsTheyAre(t *testing.T) {
	p := serve(t)
	const odd = `{"b":1.0,"a":12345678901234567890,"t":"<&>\u2028\ud800","n":null}`
	p.send(strings.Replace(call("1", "json"), "{}", odd, 1), strings.Replace(call("2", "echo"), "{}", `{"t":"a\"\\\n\u0001/é"}`, 1))
	answers := p.rest()
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(odd)
	if want := `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"` + quoted + `"}],"structuredContent":` + odd + `}}`; answers["1"].Raw != want {
		t.Errorf("\n got %s\nwant %s", answers["1"].Raw, want)
	}
	if got := answers["2"].Get("result.content.0.text").String(); got != `{"t":"a\"\\\n\u0001/é"}` {
		t.Error(got)
	}
}
