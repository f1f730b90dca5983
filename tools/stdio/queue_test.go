package stdio_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"runs-mcp/tools/stdio"
)

func TestCancelledIsSilent(t *testing.T) {
	const running, queued, both = "running", "queued", "in the same write"
	for _, id := range []string{"7", `"7"`, `"seven"`, `"\u0037"`, "9007199254740993", "-1", `""`} {
		for _, when := range []string{running, queued, both} {
			synctest.Test(t, func(t *testing.T) {
				p := serve(t)
				if when == queued {
					for i := range 1024 {
						p.send(call(fmt.Sprint(100+i), "block"))
					}
				}
				if when == both { // even one that could be answered at once
					p.send(call(id, "echo") + "\n" + cancel(id))
				} else {
					p.send(call(id, "block"))
					synctest.Wait()
					before := p.ended.Load()
					p.send(cancel(id))
					synctest.Wait()
					if when == running && p.ended.Load() != before+1 {
						t.Errorf("%s was not stopped", id)
					}
				}
				close(p.release)
				if answers := p.rest(); answers[id].Exists() {
					t.Errorf("%s, %s: answered %s", id, when, answers[id].Raw)
				}
				if when == queued && p.running.Load() != 1024 {
					t.Errorf("%s: the queued call was started", id)
				}
			})
		}
	}
}

func TestCancelHitsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		p.send(call("1", "block"), call(`"1"`, "block"), call("2", "block"))
		p.send(cancel("1"), cancel("99"), cancel("null"), cancel("{}"), cancel("2.5"),
			`{"jsonrpc":"2.0","method":"notifications/cancelled"}`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":[2]}`)
		synctest.Wait()
		close(p.release)
		p.send("x\n" + cancel("null") + "\n" + cancel("1.5")) // neither id is that of a refused line
		answers := p.rest()
		if len(answers) != 3 || !answers[`"1"`].Exists() || !answers["2"].Exists() || !answers["null"].Exists() {
			t.Error(answers)
		}
	})
}

func TestIDsMayBeUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		p.send(call("1", "echo"))
		p.next()
		p.send(cancel("1"), call("1", "echo")) // too late for the first, too early for the second
		if p.next().Get("result.content.0.text").Str != "{}" {
			t.Error("a used id was not answered again")
		}
		p.send(call("1", "block"), call("1", "block"), call("2", "echo"))
		p.next()
		synctest.Wait()
		p.send(cancel("1")) // nobody can tell the two apart
		synctest.Wait()
		if answers := p.rest(); len(answers) != 0 || p.ended.Load() != 2 {
			t.Error(answers, p.ended.Load())
		}
	})
}

func TestIDsAndTokensAreEchoedAsTheyCame(t *testing.T) {
	p := serve(t)
	for _, id := range []string{"0", "9007199254740993", "123456789012345678901234567890", "-5", `"a\u0062\"<&>\\"`, `"` + strings.Repeat("x", 5000) + `"`} {
		p.send(`{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"note","_meta":{"progressToken":` + id + `}}}`)
		for i := range 100 {
			n := p.next()
			if n.Get("method").Str != "notifications/progress" || n.Get("params.progressToken").Raw != id || n.Get("params.progress").Int() != int64(i) {
				t.Fatalf("progress %d of %s: %s", i, id, n.Raw)
			}
		}
		if a := p.next(); a.Get("id").Raw != id || a.Get("result.content.0.text").Str != "noted" {
			t.Errorf("%s: %s", id, a.Raw)
		}
	}
	for _, request := range []string{"ping", "no/such"} {
		p.send(`{"jsonrpc":"2.0","id":9007199254740993,"method":"` + request + `"}`)
		if a := p.next(); a.Get("id").Raw != "9007199254740993" {
			t.Error(a.Raw)
		}
	}
	p.rest()
}

// Halves of surrogate pairs are no characters, but an id of one is not that of another.
func TestIDsThatDifferInALoneSurrogateAreTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		p.send(call(`"\ud800"`, "block"), call(`"\udc00"`, "block"), call(`"\ufffd"`, "block"))
		synctest.Wait()
		p.send(cancel(`"\udc00"`))
		synctest.Wait()
		if n := p.ended.Load(); n != 1 {
			t.Errorf("%d calls were stopped, want 1", n)
		}
		close(p.release)
		if answers := p.rest(); len(answers) != 2 || answers[`"\udc00"`].Exists() {
			t.Error(answers)
		}
	})
}

// What is cancelled makes room at once, whether it is queued or runs.
func TestCancelledCallsGiveTheirBytesBack(t *testing.T) {
	for _, busy := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := serve(t)
			if busy {
				for i := range 1024 {
					p.send(call(fmt.Sprint(i), "block"))
				}
			}
			large := strings.Repeat("x", 3_500_000)
			before := heap()
			for i := range 40 { // 140 MB, where 64 MiB have room
				id := fmt.Sprintf(`"large %d"`, i)
				p.send(strings.Replace(call(id, "deaf"), "{}", `{"x":"`+large+`"}`, 1), cancel(id))
			}
			p.send(ping(`"p"`))
			if p.next().Get("id").Str != "p" {
				t.Error("no answer to the ping")
			}
			if grown := int64(heap()) - int64(before); busy && grown > 70<<20 {
				t.Errorf("%d MiB are kept of queued calls that are cancelled", grown>>20)
			}
			close(p.release)
			p.rest()
		})
	}
}

func TestFewWorkersStayWhenTheyAreIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		p.send(call("0", "echo"))
		p.next()
		before := runtime.NumGoroutine()
		for i := range 1000 {
			p.send(call(fmt.Sprint(1+i), "block"))
		}
		synctest.Wait()
		close(p.release)
		for range 1000 {
			p.next()
		}
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 20 {
			t.Errorf("%d goroutines stay after 1000 calls", n)
		}
		p.rest()
	})
}

// heap returns how many bytes are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Nothing is kept of requests that are answered or cancelled.
func TestServedRequestsAreForgotten(t *testing.T) {
	p := serve(t)
	before := heap()
	for i := range 3000 {
		id := fmt.Sprintf(`"%05d%s"`, i, strings.Repeat("x", 20_000))
		switch i % 3 {
		case 0:
			p.send(ping(id))
			p.next()
		case 1:
			p.send(call(id, "block") + "\n" + cancel(id))
		default:
			p.send(`{"jsonrpc":"1.0","id":` + id + "}")
			p.next()
		}
	}
	if grown := int64(heap()) - int64(before); grown > 10<<20 {
		t.Errorf("%d MiB are kept of requests that are served", grown>>20)
	}
	p.rest()
}

func TestNoProgressAfterACancellation(t *testing.T) {
	p := serve(t)
	for i := range 200 {
		p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"note","_meta":{"progressToken":%d}}}`, i, i)+"\n"+cancel(fmt.Sprint(i)), ping(`"p"`))
		for p.next().Get("id").Str != "p" {
		}
		// All that follows the answer to the ping would be of the cancelled call.
		p.send(ping(`"q"`))
		if n := p.next(); n.Get("id").Str != "q" {
			t.Fatalf("after the cancellation of %d: %s", i, n.Raw)
		}
	}
	p.rest()
}

// Of a line that is refused only the id is kept until the answer is written, however long the
// line is.
func TestRefusedLinesAreNotKept(t *testing.T) {
	for _, id := range []string{"7", `"7"`} {
		in, stdin := io.Pipe()
		out, stdout := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- stdio.Serve(t.Context(), offer(nil), in, stdout) }()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		long := strings.Repeat("x", 1<<20)
		for range 30 { // while nobody reads the answers
			fmt.Fprintf(stdin, `{"jsonrpc":"1.0","id":%s,"method":%q}`+"\n", id, long)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 10<<20 {
			t.Errorf("id %s: %d MiB are kept of 30", id, grown>>20)
		}
		stdin.Close()
		go io.Copy(io.Discard, out)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestSlowCallsDelayNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		for i := range 1000 {
			p.send(call(fmt.Sprint(i), "block"))
		}
		p.send(call(`"fast"`, "echo"))
		if p.next().Get("id").Str != "fast" {
			t.Error("a call waits behind others")
		}
		for i := range 5000 {
			p.send(call(fmt.Sprint(1000+i), "block"))
		}
		p.send(ping(`"p"`))
		if p.next().Get("id").Str != "p" {
			t.Error("a ping waits behind calls")
		}
		p.send(`{"jsonrpc":"2.0","id":"l","method":"tools/list"}`)
		if p.next().Get("id").Str != "l" {
			t.Error("tools/list waits behind calls")
		}
		p.send(cancel("5"))
		synctest.Wait()
		if p.ended.Load() != 1 {
			t.Error("a cancellation waits behind calls")
		}
		close(p.release)
		if answers := p.rest(); len(answers) != 5999 {
			t.Error(len(answers))
		}
	})
}

// What is held is bounded, by bytes and by number: while nobody reads the
// answers, reading pauses.
func TestFloodPausesReading(t *testing.T) {
	for _, tc := range []struct {
		line                      string
		lines, chunk, least, most int
	}{
		{strings.Replace(ping("1"), `"}`, `","params":{"x":"`+strings.Repeat("x", 1<<20)+`"}}`, 1), 80, 1, 60, 64},
		{"x", 300_000, 1000, 250_000, 265_000},
		{`{"jsonrpc":"1.0","id":"` + strings.Repeat("i", 1<<20) + `"}`, 80, 1, 29, 33}, // id and key are held
		{ping("1"), 300_000, 1000, 190_000, 230_000},                                   // one id for all
	} {
		synctest.Test(t, func(t *testing.T) {
			in, stdin := io.Pipe()
			stdout, out := io.Pipe()
			go func() {
				stdio.Serve(t.Context(), offer(nil), in, out)
				out.Close()
			}()
			written := 0
			go func() {
				lines := strings.Repeat(tc.line+"\n", tc.chunk)
				for written < tc.lines {
					io.WriteString(stdin, lines)
					written += tc.chunk
				}
				stdin.Close()
			}()
			synctest.Wait()
			if written < tc.least || written > tc.most {
				t.Errorf("%.20s: %d lines are held", tc.line, written)
			}
			answers, err := io.ReadAll(stdout)
			if n := bytes.Count(answers, []byte("\n")); n != tc.lines || err != nil {
				t.Errorf("%.20s: %d answers, %v", tc.line, n, err)
			}
		})
	}
}

// Where reading pauses for lack of room, what has been read is served all the same.
func TestAPausedReadingDelaysNoRequestBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		hold := func(id string, size int) {
			p.send(strings.Replace(call(id, "block"), "{}", `{"x":"`+strings.Repeat("x", size)+`"}`, 1))
		}
		for i := range 63 {
			hold(fmt.Sprint(i), 1<<20)
		}
		hold("63", 700_000)
		synctest.Wait()
		var pings []string
		for i := range 1200 {
			pings = append(pings, ping(fmt.Sprint(1000+i)))
		}
		p.send(strings.Join(pings, "\n")) // one write, for which there is no room at once
		synctest.Wait()
		if n := len(p.lines); n != 1200 {
			t.Errorf("%d of 1200 pings are answered while calls run", n)
		}
		close(p.release)
		if answers := p.rest(); len(answers) != 1264 {
			t.Errorf("%d answers", len(answers))
		}
	})
}

// A cancelled call that goes on gives its bytes back once, and not again when it ends.
func TestBytesOfACancelledCallAreGivenBackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offer(nil)
		release := make(chan struct{})
		s.CallTool = func(context.Context, stdio.Call) *stdio.Result {
			<-release
			return text("released")
		}
		in, stdin := io.Pipe()
		stdout, out := io.Pipe()
		go func() {
			stdio.Serve(t.Context(), s, in, out)
			out.Close()
		}()
		large := `"x":"` + strings.Repeat("x", 1<<20) + `"}`
		for i := range 40 {
			io.WriteString(stdin, strings.Replace(call(fmt.Sprint(i), "any"), "}", large, 1)+"\n")
			synctest.Wait()
			io.WriteString(stdin, cancel(fmt.Sprint(i))+"\n")
		}
		close(release)
		synctest.Wait()
		written := 0
		go func() {
			for ; written < 80; written++ {
				io.WriteString(stdin, strings.Replace(ping("1"), `"}`, `","params":{`+large+`}`, 1)+"\n")
			}
			stdin.Close()
		}()
		synctest.Wait()
		if written < 60 || written > 64 {
			t.Errorf("%d MiB are held", written)
		}
		if answers, err := io.ReadAll(stdout); bytes.Count(answers, []byte("\n")) != 80 || err != nil {
			t.Errorf("%d answers, %v", bytes.Count(answers, []byte("\n")), err)
		}
	})
}
