package stdio_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/tidwall/gjson"

	"runs-mcp/tools/stdio"
)

// peer is a client of a Serve with tools of the tests' own.
type peer struct {
	t       *testing.T
	in      *io.PipeWriter
	lines   chan string // what comes out
	done    chan error  // what Serve returned
	stop    context.CancelFunc
	log     bytes.Buffer
	running atomic.Int32  // calls of block
	ended   atomic.Int32  // of those, the ones that were stopped
	release chan struct{} // ends calls of block
}

// offer is a Server without tools that can be called.
func offer(log *slog.Logger) stdio.Server {
	return stdio.Server{
		Info:      mcp.Implementation{Name: "test", Version: "1"},
		ListTools: func() []mcp.Tool { return []mcp.Tool{mcp.NewTool("echo")} },
		CallTool:  func(context.Context, stdio.Call) *stdio.Result { return nil },
		Log:       log,
	}
}

func text(s string) *stdio.Result { return &stdio.Result{Text: s} }

// serve starts a Serve with the tools echo, block, note and panic.
func serve(t *testing.T, options ...func(*stdio.Server)) *peer {
	p := &peer{t: t, lines: make(chan string, 100_000), done: make(chan error, 1), release: make(chan struct{})}
	calls := map[string]func(ctx context.Context, call stdio.Call) *stdio.Result{
		"echo": func(_ context.Context, call stdio.Call) *stdio.Result { return text(call.Args) },
		"json": func(_ context.Context, call stdio.Call) *stdio.Result {
			return &stdio.Result{JSON: []string{call.Args[:1], call.Args[1:]}}
		},
		"block": func(ctx context.Context, call stdio.Call) *stdio.Result {
			p.running.Add(1)
			select {
			case <-p.release:
				return text("released")
			case <-call.Drained:
				return text("the latest")
			case <-ctx.Done():
				p.ended.Add(1)
				return &stdio.Result{Text: context.Cause(ctx).Error(), IsError: true}
			}
		},
		"ten minutes": func(ctx context.Context, _ stdio.Call) *stdio.Result {
			select {
			case <-time.After(10 * time.Minute):
				return text("ten minutes later")
			case <-ctx.Done():
				return text("stopped")
			}
		},
		"deaf": func(context.Context, stdio.Call) *stdio.Result { // to being stopped
			<-p.release
			return text("released")
		},
		"note": func(_ context.Context, call stdio.Call) *stdio.Result {
			for i := range 100 {
				call.Progress(i, "<noted>")
			}
			return text("noted")
		},
		"tell": func(_ context.Context, call stdio.Call) *stdio.Result {
			call.Progress(1, call.Args)
			return text("told")
		},
		"panic": func(context.Context, stdio.Call) *stdio.Result { panic("at the disco") },
	}
	s := offer(slog.New(slog.NewTextHandler(&p.log, nil)))
	s.CallTool = func(ctx context.Context, c stdio.Call) *stdio.Result {
		if call := calls[c.Name]; call != nil {
			return call(ctx, c)
		}
		return nil
	}

	for _, change := range options {
		change(&s)
	}
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	p.in, p.stop = stdin, stop
	go func() {
		p.done <- stdio.Serve(ctx, s, in, out)
		out.Close()
	}()
	go func() {
		for sc := bufio.NewReader(stdout); ; {
			line, err := sc.ReadString('\n')
			if err != nil {
				close(p.lines)
				return
			}
			p.lines <- strings.TrimSuffix(line, "\n")
		}
	}()
	return p
}

// send writes lines, as they are.
func (p *peer) send(lines ...string) {
	for _, line := range lines {
		if _, err := io.WriteString(p.in, line+"\n"); err != nil {
			p.t.Error(err)
		}
	}
}

func call(id, tool string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%q,"arguments":{}}}`, id, tool)
}

func cancel(id string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s}}`, id)
}

func ping(id string) string { return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"ping"}`, id) }

// next is the next line that comes out; it must be JSON.
func (p *peer) next() gjson.Result {
	p.t.Helper()
	line, ok := <-p.lines
	if !ok || !json.Valid([]byte(line)) {
		p.t.Fatalf("line %q", line)
	}
	return gjson.Parse(line)
}

// rest ends the input and returns all that still comes out, by raw id.
func (p *peer) rest() map[string]gjson.Result {
	p.t.Helper()
	p.in.Close()
	answers := map[string]gjson.Result{}
	for line := range p.lines {
		id := gjson.Get(line, "id").Raw
		if answers[id].Exists() || !json.Valid([]byte(line)) {
			p.t.Errorf("a second answer to %s, or no JSON: %s", id, line)
		}
		answers[id] = gjson.Parse(line)
	}
	if err := <-p.done; err != nil {
		p.t.Error(err)
	}
	return answers
}

func TestEveryCallIsAnsweredAtTheEndOfTheInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		for i := range 10_000 {
			p.send(call(fmt.Sprint(i), []string{"echo", "block"}[i%2]))
		}
		io.WriteString(p.in, call("10000", "echo")) // no newline
		p.in.Close()
		synctest.Wait()
		if n := p.running.Load(); n != 1024 {
			t.Errorf("%d calls run at the same time", n)
		}
		close(p.release)
		if answers := p.rest(); len(answers) != 10_001 {
			t.Errorf("%d answers", len(answers))
		}
	})
}

func TestExitsAtOnceWithNothingInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, begin := serve(t), time.Now()
		p.send(ping("1"))
		p.next()
		if p.rest(); time.Since(begin) != 0 {
			t.Error(time.Since(begin))
		}
	})
}

func TestCallsInFlightEndWithinTheirOwnLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, begin := serve(t), time.Now()
		p.send(call("1", "ten minutes"), call("2", "ten minutes"))
		answers := p.rest()
		if time.Since(begin) != 10*time.Minute || answers["1"].Get("result.content.0.text").Str != "ten minutes later" || len(answers) != 2 {
			t.Errorf("after %s: %v", time.Since(begin), answers)
		}
	})
}

func TestCallsWithoutALimitHaveAMinuteAfterTheEndOfTheInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, begin := serve(t), time.Now()
		for i := range 1030 { // more than run at the same time
			p.send(call(fmt.Sprint(i), "block"))
		}
		answers := p.rest()
		if time.Since(begin) != time.Minute || len(answers) != 1030 {
			t.Errorf("%d answers after %s", len(answers), time.Since(begin))
		}
		for id, a := range answers {
			if got := a.Get("result.content.0.text").Str; got != "the latest" {
				t.Fatalf("call %s got %q", id, a.Raw)
			}
		}
	})
}

func TestShutdownAnswersWhatIsInFlight(t *testing.T) {
	for _, draining := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, begin := serve(t), time.Now()
			for i := range 2000 {
				p.send(call(fmt.Sprint(i), "block"))
			}
			if draining {
				p.in.Close()
			}
			synctest.Wait()
			p.stop()
			answers := p.rest()
			for id, a := range answers {
				if !a.Get("result.isError").Bool() && a.Get("error.code").Int() != -32603 || !strings.Contains(a.Raw, "shutting down") {
					t.Fatalf("%s: %s", id, a.Raw)
				}
			}
			if len(answers) != 2000 || time.Since(begin) >= time.Second {
				t.Errorf("%d answers in %s", len(answers), time.Since(begin))
			}
		})
	}
}

// A call that does not heed being stopped holds the end up for less than a second.
func TestShutdownDoesNotWaitForACallThatGoesOn(t *testing.T) {
	for _, draining := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, begin := serve(t), time.Now()
			p.send(call("1", "deaf"), call("2", "block"))
			if draining {
				p.in.Close()
			}
			synctest.Wait()
			p.stop()
			err := <-p.done
			if err == nil || err.Error() != "the server is shutting down; answers not written: 1" || time.Since(begin) >= time.Second {
				t.Errorf("%v, after %s", err, time.Since(begin))
			}
			if a := p.next(); a.Get("id").Raw != "2" {
				t.Error(a.Raw)
			}
			close(p.release)
			p.in.Close()
		})
	}
}

// A cancelled call gets no answer, so none is missing if it still runs at the end.
func TestACancelledCallThatGoesOnIsNotAMissingAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		p.send(call("1", "deaf"))
		synctest.Wait()
		p.send(cancel("1"))
		synctest.Wait()
		p.stop()
		if err := <-p.done; err != nil {
			t.Error(err)
		}
		close(p.release)
		p.in.Close()
	})
}

func TestRequestsAfterTheShutdownAreAnsweredWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		p.send(call("1", "deaf"))
		synctest.Wait()
		p.stop()
		synctest.Wait()
		p.send(call("2", "echo"), ping("3"))
		for _, id := range []string{"3", "2"} {
			if a := p.next(); a.Get("error.code").Int() != -32603 || !strings.Contains(a.Raw, "shutting down") {
				t.Errorf("request %s: %s", id, a.Raw)
			}
		}
		close(p.release)
		p.rest()
	})
}

func TestFailingInputIsReportedOnceAllIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t)
		p.send(call("1", "echo"))
		p.in.CloseWithError(errors.New("device gone"))
		if p.next().Get("id").Raw != "1" {
			t.Error("no answer")
		}
		if err := <-p.done; err == nil || !strings.Contains(err.Error(), "device gone") {
			t.Error(err)
		}
	})
}

func TestPanicIsAnInternalError(t *testing.T) {
	p := serve(t)
	p.send(call("1", "panic"))
	if a := p.next(); a.Get("error.code").Int() != -32603 || a.Get("error.message").Str != "internal error" || a.Get("id").Raw != "1" {
		t.Error(a.Raw)
	}
	p.send(call("2", "echo"))
	p.next()
	p.rest()
	if !strings.Contains(p.log.String(), "at the disco") || !strings.Contains(p.log.String(), "stdio_test.go") {
		t.Errorf("the log has no stack: %s", p.log.String())
	}
}
