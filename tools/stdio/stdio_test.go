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
func serve(t *testing.T) *peer {
	p := &peer{t: t, lines: make(chan string, 100_000), done: make(chan error, 1), release: make(chan struct{})}
	calls := map[string]func(ctx context.Context, args string, report func(int, string)) *stdio.Result{
		"echo": func(_ context.Context, args string, _ func(int, string)) *stdio.Result {
			return text(args)
		},
		"json": func(_ context.Context, args string, _ func(int, string)) *stdio.Result {
			return &stdio.Result{JSON: []string{args[:1], args[1:]}}
		},
		"block": func(ctx context.Context, _ string, _ func(int, string)) *stdio.Result {
			p.running.Add(1)
			select {
			case <-p.release:
				return text("released")
			case <-ctx.Done():
				p.ended.Add(1)
				if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
					return text("the latest")
				}
				return &stdio.Result{Text: context.Cause(ctx).Error(), IsError: true}
			}
		},
		"note": func(_ context.Context, _ string, report func(int, string)) *stdio.Result {
			for i := range 100 {
				report(i, "<noted>")
			}
			return text("noted")
		},
		"panic": func(context.Context, string, func(int, string)) *stdio.Result { panic("at the disco") },
	}
	s := offer(slog.New(slog.NewTextHandler(&p.log, nil)))
	s.CallTool = func(ctx context.Context, c stdio.Call) *stdio.Result {
		if call := calls[c.Name]; call != nil {
			return call(ctx, c.Args, c.Progress)
		}
		return nil
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

func TestWhatIsInFlightHasAMinuteAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, begin := serve(t), time.Now()
		for i := range 1030 { // more than run at the same time
			p.send(call(fmt.Sprint(i), "block"))
		}
		answers := p.rest()
		if time.Since(begin) != time.Minute || len(answers) != 1030 {
			t.Errorf("%d answers after %s", len(answers), time.Since(begin))
		}
		latest, failed := 0, 0
		for _, a := range answers {
			if a.Get("result.content.0.text").Str == "the latest" {
				latest++
			} else if strings.Contains(a.Get("error.message").Str, "the input ended a minute ago") {
				failed++
			}
		}
		if latest != 1024 || failed != 6 {
			t.Errorf("%d ended as waits do, %d were queued", latest, failed)
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

func TestShutdownWithAStalledOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, stdin := io.Pipe()
		_, out := io.Pipe() // nobody reads
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- stdio.Serve(ctx, offer(nil), in, out)
		}()
		io.WriteString(stdin, ping("1")+"\n")
		synctest.Wait()
		begin := time.Now()
		stop()
		if err := <-done; err != nil || time.Since(begin) >= time.Second {
			t.Error(err, time.Since(begin))
		}
		stdin.Close()
		out.Close()
	})
}

func TestBrokenOutputEndsServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, stdin := io.Pipe()
		defer stdin.Close()
		stdout, out := io.Pipe()
		stdout.CloseWithError(errors.New("broken pipe"))
		done := make(chan error, 1)
		go func() {
			done <- stdio.Serve(t.Context(), offer(nil), in, out)
		}()
		io.WriteString(stdin, ping("1")+"\n")
		if err := <-done; err == nil || err.Error() != "broken pipe" {
			t.Error(err)
		}
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
		answers := p.rest()
		if len(answers) != 2 || !answers[`"1"`].Exists() || !answers["2"].Exists() {
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

func TestBadInput(t *testing.T) {
	long := func(n int) string { return ping(`"long"`) + strings.Repeat(" ", n-len(ping(`"long"`))) }
	deep := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `}}`
	for _, tc := range []struct {
		line, id string // the raw id of the answer; "" is no answer
		code     int64
	}{
		{`{"jsonrpc":"2.0","id":1,"method":}`, "null", -32700},
		{`{"jsonrpc":"2.0","id":1,"method":`, "null", -32700},
		{`hello`, "null", -32700},
		{"\xff\xfe", "null", -32700},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","x":"` + "\xff" + `"}`, "null", -32700},
		{deep, "null", -32700},
		{`[` + ping("1") + `,` + ping("2") + `]`, "null", -32600},
		{`[]`, "null", -32600},
		{`5`, "null", -32600},
		{`"ping"`, "null", -32600},
		{`null`, "null", -32600},
		{`{}`, "null", -32600},
		{`{"id":1,"method":"ping"}`, "1", -32600},
		{`{"jsonrpc":"1.0","id":"x","method":"ping"}`, `"x"`, -32600},
		{`{"jsonrpc":2.0,"id":"x","method":"ping"}`, `"x"`, -32600},
		{`{"jsonrpc":"2.0","id":1}`, "1", -32600},
		{`{"jsonrpc":"2.0","id":1,"method":7}`, "1", -32600},
		{`{"jsonrpc":"2.0"}`, "null", -32600},
		{`{"method":"notifications/initialized"}`, "null", -32600},
		{ping("null"), "null", -32600},
		{ping("1.5"), "null", -32600},
		{ping("1.0"), "1.0", 0},
		{ping("-7.00"), "-7.00", 0},
		{ping("1e3"), "null", -32600},
		{ping("true"), "null", -32600},
		{ping("{}"), "null", -32600},
		{ping("[1]"), "null", -32600},
		{`{"jsonrpc":"2.0","id":1,"method":"no/such"}`, "1", -32601},
		{call("1", "no_such"), "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}`, "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"x"}`, "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}`, "1", -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":5}}`, "1", -32602},
		{long(4<<20 + 1), "null", -32600},
		{long(20 << 20), "null", -32600},
		{long(4 << 20), `"long"`, 0},
		{"\ufeff" + ping("1"), "1", 0},
		{ping("1") + "\r", "1", 0},
		{" \t" + ping("1") + " ", "1", 0},
		{"", "", 0},
		{" \t\r", "", 0},
		{`{"jsonrpc":"2.0","id":7,"result":{}}`, "", 0},
		{`{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}`, "", 0},
		{`{"id":null,"error":{}}`, "", 0},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, "", 0},
		{`{"jsonrpc":"2.0","method":"notifications/whatever","params":5}`, "", 0},
		{`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"panic"}}`, "", 0},
	} {
		p := serve(t)
		p.send(tc.line)
		if tc.id != "" {
			a := p.next()
			if a.Get("id").Raw != tc.id || a.Get("error.code").Int() != tc.code || strings.Contains(a.Raw, "Go ") {
				t.Errorf("%.100q: %s, want id %s and code %d", tc.line, a.Raw, tc.id, tc.code)
			}
		}
		p.send(ping(`"next"`))
		if a := p.next(); a.Get("id").Str != "next" || !a.Get("result").Exists() {
			t.Errorf("%.100q: then %s", tc.line, a.Raw)
		}
		if answers := p.rest(); len(answers) != 0 {
			t.Errorf("%.100q: more than one answer: %v", tc.line, answers)
		}
	}
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

func TestProtocolVersions(t *testing.T) {
	p := serve(t)
	ask := func(method, params string) gjson.Result {
		p.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params))
		return p.next()
	}
	modern := func(version string) string {
		return `"_meta":{"io.modelcontextprotocol/protocolVersion":` + version + `,"io.modelcontextprotocol/clientCapabilities":{}}`
	}
	// Discovery first, then initialize, on one connection, as some hosts do.
	d := ask("server/discover", "{"+modern(`"2026-07-28"`)+"}").Get("result")
	if d.Get("supportedVersions.0").Str != "2026-07-28" || d.Get("resultType").Str != "complete" || !d.Get("ttlMs").Exists() || !d.Get("cacheScope").Exists() ||
		d.Get(`_meta.io\.modelcontextprotocol/serverInfo.name`).Str != "test" {
		t.Error(d.Raw)
	}
	for version, want := range map[string]string{"2024-11-05": "2024-11-05", "2025-03-26": "2025-03-26", "2025-06-18": "2025-06-18", "2025-11-25": "2025-11-25", "2026-07-28": "2025-11-25", "1900-01-01": "2025-11-25"} {
		r := ask("initialize", `{"protocolVersion":"`+version+`","capabilities":{},"clientInfo":{"name":"c","version":"1"}}`)
		if got := r.Get("result.protocolVersion").Str; got != want || r.Get("result.capabilities.tools.listChanged").Bool() {
			t.Errorf("%s: %s", version, r.Raw)
		}
	}
	for _, method := range []string{"tools/list", "tools/call", "server/discover"} {
		r := ask(method, `{"name":"echo",`+modern(`"2026-07-28"`)+"}").Get("result")
		if r.Get("resultType").Str != "complete" || r.Get(`_meta.io\.modelcontextprotocol/serverInfo.name`).Str != "test" || (method != "tools/call") != r.Get("ttlMs").Exists() {
			t.Errorf("%s: %s", method, r.Raw)
		}
	}
	if r := ask("tools/call", `{"name":"echo"}`); r.Get("result.resultType").Exists() || r.Get("result._meta").Exists() {
		t.Errorf("a legacy call got %s", r.Raw)
	}
	for _, version := range []string{`"1900-01-01"`, `"2099-01-01"`, `"2026-07-29"`, `""`, `7`, `{}`} {
		e := ask("tools/call", `{"name":"echo",`+modern(version)+"}").Get("error")
		if e.Get("code").Int() != -32022 || e.Get("data.supported.#").Int() != 5 || !e.Get("data.requested").Exists() {
			t.Errorf("%s: %s", version, e.Raw)
		}
	}
	if e := ask("ping", "{"+modern(`"2026-07-28"`)+"}").Get("error.code").Int(); e != -32601 {
		t.Error(e)
	}
	// A subscription to nothing that changes ends at once, with ids as they came.
	p.send(`{"jsonrpc":"2.0","id":9007199254740993,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + modern(`"2026-07-28"`) + `}}`)
	ack, end := p.next(), p.next()
	const id = `_meta.io\.modelcontextprotocol/subscriptionId`
	if ack.Get("params."+id).Raw != "9007199254740993" || end.Get("result."+id).Raw != "9007199254740993" || end.Get("id").Raw != "9007199254740993" {
		t.Error(ack.Raw, end.Raw)
	}
	p.rest()
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
