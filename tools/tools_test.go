package tools_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tidwall/gjson"

	"runs-mcp/runsapi"
	"runs-mcp/runsapi/sandbox"
	"runs-mcp/tools"
	"runs-mcp/tools/stdio"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// result is what a client gets of a tool call.
type result struct {
	IsError bool
	Text    string
	JSON    string   // structuredContent, as it came
	Notes   []string // the messages of the progress notifications before it
}

// host is an MCP client of the tools, over the real transport.
type host struct {
	t   testing.TB
	in  io.Writer
	out *json.Decoder
	id  int
}

// connect serves the tools over h, and returns a client of them.
func connect(t testing.TB, h http.Handler, options ...func(*tools.Options)) *host {
	t.Helper()
	o := tools.Options{BaseURL: "https://api.example/v1", KeyName: "OPENAI_API_KEY", Timeout: 45 * time.Second}
	for _, change := range options {
		change(&o)
	}
	c, err := runsapi.New(runsapi.Config{BaseURL: o.BaseURL, Auth: runsapi.AuthNone, MaxRetries: 2, Timeout: o.Timeout, Transport: sandbox.Transport(t.Context(), h)})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, tools.New(c, o))
}

// serve serves tl, and returns a client of it.
func serve(t testing.TB, tl *tools.Tools) *host {
	t.Helper()
	s := stdio.Server{ListTools: tl.List, CallTool: tl.Call, GetTask: tl.Task, KnowsTask: tl.KnowsTask, Log: slog.New(slog.DiscardHandler)}
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	go func() {
		if err := stdio.Serve(t.Context(), s, in, out); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stdin.Close() })
	return &host{t: t, in: stdin, out: json.NewDecoder(stdout)}
}

// ask sends a request and returns its result, and the notifications before it.
func (h *host) ask(method, params string) (raw string, notes []string) {
	h.t.Helper()
	h.id++
	last := -1.0
	fmt.Fprintf(h.in, `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", h.id, method, params)
	for {
		var m struct {
			ID     int
			Method string
			Params struct {
				Message  string
				Progress float64
			}
			Result, Error json.RawMessage
		}
		if err := h.out.Decode(&m); err != nil {
			h.t.Fatal(err)
		}
		if m.Method != "" {
			if notes = append(notes, m.Params.Message); m.Params.Progress <= last {
				h.t.Errorf("progress %v after %v", m.Params.Progress, last)
			}
			last = m.Params.Progress
			continue
		}
		if m.ID != h.id || m.Error != nil {
			h.t.Fatalf("answer %d to %d: %s", m.ID, h.id, m.Error)
		}
		return string(m.Result), notes
	}
}

// call calls a tool with arguments in JSON, and asks for progress.
func (h *host) call(name, args string) result {
	h.t.Helper()
	raw, notes := h.ask("tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s,"_meta":{"progressToken":"p"}}`, name, args))
	v := gjson.Parse(raw)
	r := result{v.Get("isError").Bool(), v.Get("content.0.text").Str, v.Get("structuredContent").Raw, notes}
	if r.IsError && r.JSON != "" || !r.IsError && r.JSON != r.Text || v.Get("content.#").Int() != 1 {
		h.t.Errorf("%s %s: text and structuredContent do not go together: %s", name, args, raw)
	}
	if n := len([]rune(r.Text)); r.IsError && n > 2000 {
		h.t.Errorf("%s: an error text of %d characters", name, n)
	}
	return r
}

// good is the JSON of a call that must succeed.
func (h *host) good(name, args string) string {
	h.t.Helper()
	r := h.call(name, args)
	if r.IsError {
		h.t.Errorf("%s %s: %s", name, args, r.Text)
	}
	return r.JSON
}

// bad is the text of a call that must fail.
func (h *host) bad(name, args string) string {
	h.t.Helper()
	r := h.call(name, args)
	if !r.IsError {
		h.t.Errorf("%s %s: %s", name, args, r.JSON)
	}
	return r.Text
}

func answers(body string) http.HandlerFunc { return status(200, body) }

func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// golden compares got with a file, or rewrites the file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; if the change is meant, run go test ./tools -update\n%s", file, got)
	}
}

func TestToolsList(t *testing.T) {
	raw, _ := connect(t, sandbox.New()).ask("tools/list", "{}")
	again, _ := connect(t, sandbox.New()).ask("tools/list", "{}")
	if raw != again {
		t.Error("two processes list their tools differently")
	}
	if len(raw) > 4700 {
		t.Errorf("%d bytes", len(raw))
	}
	var indented bytes.Buffer
	json.Indent(&indented, []byte(raw), "", "  ")
	golden(t, "testdata/tools_list.golden.json", append(indented.Bytes(), '\n'))

	// What a model sees of it. 850 tokens of o200k are the most that it may cost; it
	// measured 835 at 3,400 bytes.
	seen := 0
	gjson.Get(raw, "tools").ForEach(func(_, tool gjson.Result) bool {
		seen += len(tool.Get("name").Str) + len(tool.Get("description").Str) + len(tool.Get("inputSchema").Raw)
		return true
	})
	if seen > 3550 {
		t.Errorf("names, descriptions and input schemas are %d bytes", seen)
	}

	allowed := []string{"type", "properties", "required", "items", "enum", "description", "additionalProperties"}
	gjson.Get(raw, "tools").ForEach(func(_, tool gjson.Result) bool {
		name := tool.Get("name").Str
		if n := len(tool.Get("description").Str); n == 0 || n >= 600 {
			t.Errorf("%s: a description of %d characters", name, n)
		}
		input := tool.Get("inputSchema")
		keywords := func(where string, s gjson.Result) {
			s.ForEach(func(k, _ gjson.Result) bool {
				if !slices.Contains(allowed, k.Str) {
					t.Errorf("%s: %s has %s", name, where, k.Str)
				}
				return true
			})
		}
		keywords("the input schema", input)
		input.Get("properties").ForEach(func(arg, s gjson.Result) bool {
			keywords(arg.Str, s)
			if s.Get("description").Str == "" {
				t.Errorf("%s: %s is not described", name, arg.Str)
			}
			return true
		})
		if strings.Contains(tool.Get("outputSchema").Raw, "true") || strings.Contains(tool.Get("outputSchema").Raw, "additionalProperties") {
			t.Errorf("%s: the output schema is not open, or holds a boolean schema", name)
		}
		return true
	})
}

func TestReadOnly(t *testing.T) {
	raw, _ := connect(t, sandbox.New(), func(o *tools.Options) { o.ReadOnly = true }).ask("tools/list", "{}")
	if names := gjson.Get(raw, "tools.#.name").Raw; names != `["get_run","list_runs"]` {
		t.Error(names)
	}
}

// outputSchema compiles the output schema of a tool.
func outputSchema(t *testing.T, h *host, name string) *jsonschema.Schema {
	raw, _ := h.ask("tools/list", "{}")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(gjson.Get(raw, `tools.#(name=="`+name+`").outputSchema`).Raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("output.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("output.json")
}

// A client throws away what does not validate: whatever a server sends must.
func TestResultsValidate(t *testing.T) {
	for tool, bodies := range map[string][]string{
		"get_run": {
			`{"id":"r","status":"generating"}`,
			`{"id":"r","status":"queued","instructions":null,"tools":{},"created_at":1.5e300,"usage":"none","metadata":[],"x":{"y":[null]}}`,
		},
		"list_runs": {
			`{"data":[]}`,
			`{"data":[{}],"first_id":null,"last_id":5,"has_more":"yes","object":null}`,
			`{"data":[{"id":7,"status":null,"tools":true}],"extra":1}`,
		},
	} {
		for _, body := range bodies {
			h := connect(t, answers(body))
			args := `{"thread_id":"t","run_id":"r"}`
			if tool == "list_runs" {
				args = `{"thread_id":"t","fields":["*"]}`
			}
			got := h.good(tool, args)
			if got != body {
				t.Errorf("%s came as %s", body, got)
			}
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(got))
			if err != nil {
				t.Fatal(err)
			}
			if err := outputSchema(t, h, tool).Validate(v); err != nil {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
}

func TestFields(t *testing.T) {
	const run = `{"b":1.0,"id":"r","tools":[],"last_error":null,"status":"queued","instructions":"i","a":"<&>"}`
	single := map[string]string{
		``:                              `{"b":1.0,"id":"r","tools":[],"last_error":null,"status":"queued","instructions":"i","a":"<&>"}`,
		`,"fields":[]`:                  `{"b":1.0,"id":"r","tools":[],"last_error":null,"status":"queued","instructions":"i","a":"<&>"}`,
		`,"fields":["all"]`:             `{"b":1.0,"id":"r","tools":[],"last_error":null,"status":"queued","instructions":"i","a":"<&>"}`,
		`,"fields":["b","*"]`:           `{"b":1.0,"id":"r","tools":[],"last_error":null,"status":"queued","instructions":"i","a":"<&>"}`,
		`,"fields":["a","b","lacking"]`: `{"b":1.0,"id":"r","status":"queued","a":"<&>"}`,
		`,"fields":"last_error"`:        `{"id":"r","last_error":null,"status":"queued"}`,
		`,"fields":["lacking"]`:         `{"id":"r","status":"queued"}`,
		`,"fields":"status lastError"`:  `{"id":"r","last_error":null,"status":"queued"}`,
	}
	h := connect(t, answers(run))
	for fields, want := range single {
		if got := h.good("get_run", `{"thread_id":"t","run_id":"r"`+fields+`}`); got != want {
			t.Errorf("get_run %s: %s, want %s", fields, got, want)
		}
		if got := h.good("cancel_run", `{"thread_id":"t","run_id":"r","force":true`+fields+`}`); got != want {
			t.Errorf("cancel_run %s: %s, want %s", fields, got, want)
		}
	}
	single[``] = `{"b":1.0,"id":"r","last_error":null,"status":"queued","a":"<&>"}`
	single[`,"fields":[]`] = single[``]
	h = connect(t, answers(`{"x":1,"data":[`+run+`,`+run+`],"has_more":false}`))
	for fields, item := range single {
		if got, want := h.good("list_runs", `{"thread_id":"t"`+fields+`}`), `{"x":1,"data":[`+item+`,`+item+`],"has_more":false}`; got != want {
			t.Errorf("list_runs %s:\n got %s\nwant %s", fields, got, want)
		}
		want := `{"object":"list","data":[` + item + `,` + item + `],"first_id":"r","last_id":"r","has_more":false}`
		if got := h.good("list_runs", `{"thread_id":"t","all":true`+fields+`}`); got != want {
			t.Errorf("list_runs all %s:\n got %s\nwant %s", fields, got, want)
		}
	}
}

// Clients read JSON that is nested 100 deep.
func TestARunThatIsNestedTooDeeplySaysHowToDoWithout(t *testing.T) {
	for _, tc := range []struct {
		depth      int
		args, want string // without want, the call succeeds
	}{
		{99, "", ""},
		{100, "", "call again with fields, naming the fields that are needed, without x"},
		{100, `,"fields":["status"]`, ""},
	} {
		h := connect(t, answers(`{"id":"r","status":"failed","x":`+strings.Repeat("[", tc.depth)+strings.Repeat("]", tc.depth)+`}`))
		if r := h.call("get_run", `{"thread_id":"t","run_id":"r"`+tc.args+`}`); r.IsError != (tc.want != "") || !strings.Contains(r.Text, tc.want) {
			t.Errorf("%d deep%s: got %.300s, want %q", tc.depth, tc.args, r.Text, tc.want)
		}
	}
}

func TestBadArguments(t *testing.T) {
	h := connect(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("sent %s", r.URL) }))
	for _, tc := range [][3]string{
		{"get_run", `{}`, "thread_id: missing, wants a string\nrun_id: missing, wants a string"},
		{"get_run", `{"thread_id":"t","run_id":"r","timeout_sec":86401}`, "timeout_sec: got 86401, wants an integer from 0 to 86400"},
		{"get_run", `{"thread_id":"t","run_id":"r","timeout_sec":-1}`, "timeout_sec: got -1, wants an integer from 0 to 86400"},
		{"get_run", `{"thread_id":"t","run_id":"../x"}`, `run_id: got "../x", which has '/' in it; ids hold none of / \ ? # %, white space or control characters`},
		{"get_run", `{"thread_id":"","run_id":"r"}`, "thread_id: is empty; wants an id as the API gives it"},
		{"cancel_run", `{"thread_id":"t","runId":"r"}`, "runId: unknown argument (did you mean run_id?); this tool takes thread_id, run_id, fields, timeout_sec, force, wait\nrun_id: missing, wants a string"},
		{"list_runs", `{"thread_id":"t","limit":0}`, "limit: got 0, wants an integer from 1 to 100"},
		{"list_runs", `{"thread_id":"t","order":"up"}`, `order: got "up", wants one of "asc", "desc"`},
		{"list_runs", `{"thread_id":"t","status":["done"]}`, `status[0]: got "done", wants one of "queued", "in_progress", "requires_action", "cancelling", "cancelled", "failed", "completed", "incomplete", "expired", "active"`},
		{"list_runs", `{"thread_id":"t","after":"a b"}`, `after: got "a b", which has ' ' in it; ids hold none of / \ ? # %, white space or control characters`},
	} {
		if got := h.bad(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%s %s:\n got %s\nwant %s", tc[0], tc[1], got, tc[2])
		}
	}
}

func TestArgumentsThatHostsSendReachTheAPIAsMeant(t *testing.T) {
	var sent []string
	h := connect(t, requests(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/runs") {
			answers(`{"data":[{"id":"r","status":"cancelled"},{"id":"s","status":"failed"}],"has_more":false}`)(w, r)
			return
		}
		answers(`{"id":"r","status":"cancelled"}`)(w, r)
	}), &sent))
	const page = "GET t/runs?limit=20&order=asc"
	for _, tc := range [][3]string{
		{"get_run", `{"thread_id":2003886907,"run_id":12345678901234567890}`, "GET 2003886907/runs/12345678901234567890"},
		{"get_run", `{"thread_id":"t","run_id":"r","wait":"","timeout_sec":"","fields":"","toolCallId":"c"}`, "GET t/runs/r"},
		{"cancel_run", `{"thread_id":"t","run_id":"r","force":"","wait":null,"wait_for_previous":true}`, "GET t/runs/r"},
		{"list_runs", `{"thread_id":"t","limit":"","order":"","after":"","before":"","all":"","status":"","fields":""}`, page},
		{"list_runs", `{"thread_id":"t","order":"Desc","after":7}`, "GET t/runs?after=7&limit=20&order=desc"},
	} {
		sent = nil
		if h.good(tc[0], tc[1]); !slices.Equal(sent, []string{tc[2]}) {
			t.Errorf("%s %s: sent %q, want %q", tc[0], tc[1], sent, tc[2])
		}
	}
	const want = `{"object":"list","data":[{"id":"r","status":"cancelled"}],"first_id":"r","last_id":"r","has_more":false,"scanned":2}`
	if got := h.good("list_runs", `{"thread_id":"t","status":"Canceled"}`); got != want {
		t.Errorf("status Canceled: got %s, want %s", got, want)
	}
}

func TestWaitOfGetRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := connect(t, sandbox.New())
		begin := time.Now()
		r := h.call("get_run", `{"thread_id":"thread_demo","run_id":"run_queued","wait":true,"fields":["status"]}`)
		if r.JSON != `{"id":"run_queued","status":"completed"}` || time.Since(begin) > 5*time.Second {
			t.Errorf("%+v after %s", r, time.Since(begin))
		}
		if !slices.Equal(r.Notes, []string{"status queued, waiting for 0 s", "status queued, waiting for 0 s", "status queued, waiting for 1 s", "status in_progress, waiting for 2 s", "status in_progress, waiting for 3 s"}) {
			t.Errorf("progress %q", r.Notes)
		}
		begin = time.Now()
		for run, want := range map[string]string{"run_requires_action": "requires_action", "run_failed": "failed"} {
			if got := gjson.Get(h.good("get_run", `{"thread_id":"thread_demo","run_id":"`+run+`","wait":true}`), "status").Str; got != want {
				t.Error(run, got)
			}
		}
		if time.Since(begin) != 0 {
			t.Errorf("waited %s for what had ended", time.Since(begin))
		}
		for args, want := range map[string]time.Duration{`"timeout_sec":7`: 7 * time.Second, `"timeout_sec":null`: 50 * time.Second} {
			begin = time.Now()
			got := gjson.Get(h.good("get_run", `{"thread_id":"thread_demo","run_id":"run_in_progress","wait":true,`+args+`}`), "status").Str
			if got != "in_progress" || time.Since(begin) != want {
				t.Errorf("%s: %s after %s", args, got, time.Since(begin))
			}
		}
	})
}

func TestWaitWithoutLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := "in_progress"
			if time.Since(start) > 3*time.Hour {
				s = "completed"
			}
			answers(`{"id":"r","status":"`+s+`"}`)(w, r)
		}))
		if got := h.good("get_run", `{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":0}`); got != `{"id":"r","status":"completed"}` {
			t.Error(got)
		}
	})
}

// requests records what an API is asked.
func requests(h http.Handler, into *[]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*into = append(*into, r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), "/v1/threads/"))
		h.ServeHTTP(w, r)
	})
}

func TestCancelRun(t *testing.T) {
	const get, post = "GET thread_demo/runs/", "POST thread_demo/runs/"
	for _, tc := range []struct {
		run, args, want string // the status, or a part of the error
		sent            []string
	}{
		{"run_queued", "", "cancelling", []string{get + "run_queued", post + "run_queued/cancel"}},
		{"run_in_progress", "", "cancelling", []string{get + "run_in_progress", post + "run_in_progress/cancel"}},
		{"run_requires_action", "", "cancelling", []string{get + "run_requires_action", post + "run_requires_action/cancel"}},
		{"run_cancelling", "", "cancelling", []string{get + "run_cancelling"}},
		{"run_cancelled", "", "cancelled", []string{get + "run_cancelled"}},
		{"run_cancelled", `,"wait":true`, "cancelled", []string{get + "run_cancelled"}},
		{"run_completed", "", "Run run_completed was not cancelled: its status is completed, the run has ended. No cancel was sent; force: true asks the API anyway.", []string{get + "run_completed"}},
		{"run_completed", `,"force":true`, "its status is completed", []string{post + "run_completed/cancel", get + "run_completed"}},
		{"run_in_progress", `,"force":true`, "cancelling", []string{post + "run_in_progress/cancel"}},
		{"run_cancelled", `,"force":true`, "cancelled", []string{post + "run_cancelled/cancel", get + "run_cancelled"}},
		{"run_in_progress", `,"wait":true`, "cancelled", []string{get + "run_in_progress", post + "run_in_progress/cancel", get + "run_in_progress", get + "run_in_progress", get + "run_in_progress"}},
		{"run_cancelling", `,"wait":true`, "cancelled", []string{get + "run_cancelling", get + "run_cancelling", get + "run_cancelling", get + "run_cancelling"}},
		{"run_in_progress", `,"wait":true,"timeout_sec":1,"force":true`, "cancelling", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			var sent []string
			r := connect(t, requests(sandbox.New(), &sent)).call("cancel_run", `{"thread_id":"thread_demo","run_id":"`+tc.run+`"`+tc.args+`}`)
			got := gjson.Get(r.JSON, "status").Str
			if r.IsError && !strings.Contains(r.Text, tc.want) || !r.IsError && got != tc.want {
				t.Errorf("%s %s: %s %s, want %s", tc.run, tc.args, got, r.Text, tc.want)
			}
			if tc.sent != nil && !slices.Equal(sent, tc.sent) {
				t.Errorf("%s %s: sent %q, want %q", tc.run, tc.args, sent, tc.sent)
			}
		})
	}
}

// Some servers write canceled and canceling. Neither is asked to cancel.
func TestCancelKnowsBothSpellings(t *testing.T) {
	for _, status := range []string{"canceled", "canceling"} {
		var sent []string
		got := connect(t, requests(answers(`{"id":"r","status":"`+status+`"}`), &sent)).good("cancel_run", `{"thread_id":"t","run_id":"r"}`)
		if gjson.Get(got, "status").Str != status || len(sent) != 1 {
			t.Errorf("%s: %s after %q", status, got, sent)
		}
	}
}

func TestCancelOfAnUnknownStatusNeedsForce(t *testing.T) {
	got := connect(t, answers(`{"id":"r","status":"generating"}`)).bad("cancel_run", `{"thread_id":"t","run_id":"r"}`)
	if !strings.Contains(got, "its status is generating, which is not one of queued, in_progress, requires_action") || !strings.Contains(got, "force: true") {
		t.Error(got)
	}
}

// After a cancel that was accepted, nobody is told to check the ids, and the progress of the
// wait goes on from where the first reading left it.
func TestACancelThatCannotBeFollowed(t *testing.T) {
	for name, accepts := range map[string]bool{"accepted": true, "not even read": false} {
		synctest.Test(t, func(t *testing.T) {
			gets := 0
			h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == "POST":
					answers("{}")(w, r)
				case accepts && gets > 3:
					status(503, "busy")(w, r)
				case gets == 3 && accepts:
					gets++
					answers(`{"id":"r","status":"in_progress"}`)(w, r)
				default:
					gets++
					status(503, "busy")(w, r)
				}
			}))
			got := h.call("cancel_run", `{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":20}`)
			if !got.IsError || accepts == strings.Contains(got.Text, "check the ids") {
				t.Errorf("%s: %s", name, got.Text)
			}
			if len(got.Notes) < 4 || !strings.HasPrefix(got.Notes[0], "no answer yet") {
				t.Errorf("%s: progress %q", name, got.Notes)
			}
		})
	}
}

func TestErrorsBehindAnAcceptedCancelSaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gets := 0
		h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				answers(`{"id":"r","status":"cancelling"}`)(w, r)
			} else if gets++; gets < 3 {
				answers(`{"id":"r","status":"in_progress"}`)(w, r)
			} else {
				status(403, "boom")(w, r)
			}
		}))
		got := h.bad("cancel_run", `{"thread_id":"t","run_id":"r","wait":true}`)
		if !strings.HasPrefix(got, "cancel was requested") || !strings.Contains(got, "the last status seen is in_progress") || !strings.Contains(got, "HTTP 403: boom") {
			t.Error(got)
		}
		got = h.bad("get_run", `{"thread_id":"t","run_id":"r","wait":true}`)
		if strings.Contains(got, "cancel") {
			t.Error(got)
		}
	})
}

// Hosts that show both copies of a result, or cut it by lines, get a text alone.
func TestResultsAsTextAlone(t *testing.T) {
	h := connect(t, sandbox.New(), func(o *tools.Options) { o.TextOnly = true })
	raw, _ := h.ask("tools/list", "{}")
	if strings.Contains(raw, "outputSchema") {
		t.Error("an output schema without structured content")
	}
	for args, lines := range map[string]int{
		`"list_runs","arguments":{"thread_id":"thread_demo"}`:                                 9 + 2,
		`"list_runs","arguments":{"thread_id":"thread_long","all":true,"fields":["id"]}`:      250 + 2,
		`"list_runs","arguments":{"thread_id":"thread_demo","status":["active"],"limit":2}`:   2 + 2,
		`"get_run","arguments":{"thread_id":"thread_demo","run_id":"run_failed"}`:             1,
		`"get_run","arguments":{"thread_id":"thread_demo","run_id":"run_failed","steps":100}`: 2 + 2,
		`"get_run","arguments":{"thread_id":"thread_demo","run_id":"nope"}`:                   2,
	} {
		raw, _ := h.ask("tools/call", `{"name":`+args+`}`)
		text := gjson.Get(raw, "content.0.text").Str
		if got := strings.Count(text, "\n") + 1; got != lines || gjson.Get(raw, "structuredContent").Exists() || !gjson.Get(raw, "isError").Bool() && !gjson.Valid(text) {
			t.Errorf("%s: %d lines, want %d: %.300s", args, got, lines, raw)
		}
	}
}

// What hosts show before any tool is loaded says when to look for the tools.
func TestInstructionsAreShort(t *testing.T) {
	for readOnly, stops := range map[bool]bool{false: true, true: false} {
		text := tools.Instructions(readOnly)
		if n := len([]rune(text)); n > 500 || !strings.Contains(text, `"already has an active run"`) || strings.Contains(text, "cancel_run") != stops {
			t.Errorf("%d characters: %s", n, text)
		}
	}
}

// What was read a moment ago is not said to be unknown, and its base URL is right.
func TestAdviceAfterTheRunWasRead(t *testing.T) {
	for name, post := range map[string]http.HandlerFunc{"500": status(500, ""), "404": status(404, ""), "HTML": answers("<html>Sign in</html>"), "empty": answers("{}")} {
		for laterName, later := range map[string]http.HandlerFunc{"404": status(404, ""), "500": status(500, ""), "HTML": answers("<html>Sign in</html>")} {
			synctest.Test(t, func(t *testing.T) {
				gets := 0
				h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.Method == "POST":
						post(w, r)
					case gets == 0:
						gets++
						answers(`{"id":"run_1","status":"in_progress"}`)(w, r)
					default:
						later(w, r)
					}
				}))
				got := h.bad("cancel_run", `{"thread_id":"thread_1","run_id":"run_1"}`)
				for _, never := range []string{"check both ids", "an id that they do not know", "must be what comes before /threads"} {
					if strings.Contains(got, never) {
						t.Errorf("%s: %q is in %s", name, never, got)
					}
				}
				if name == "HTML" && !strings.HasPrefix(got, "cancel was requested, but what came of it is not known.") {
					t.Errorf("%s: %s", name, got)
				}
				if name == "HTML" && laterName == "HTML" && !strings.Contains(got, "has a passing fault") {
					t.Errorf("%s: %s", name, got)
				}
			})
		}
	}
}
