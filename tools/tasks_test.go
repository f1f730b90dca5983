package tools_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"runs-mcp/runsapi"
	"runs-mcp/runsapi/sandbox"
	"runs-mcp/tools"
)

// following is the _meta of a client that follows tasks.
const following = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}`

// start calls a tool as a client that follows tasks.
func (h *host) start(name, args string) gjson.Result {
	h.t.Helper()
	raw, _ := h.ask("tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s,%s}`, name, args, following))
	return gjson.Parse(raw)
}

func (h *host) getTask(id string) gjson.Result {
	h.t.Helper()
	raw, _ := h.ask("tasks/get", fmt.Sprintf(`{"taskId":%q,%s}`, id, following))
	return gjson.Parse(raw)
}

// finish polls a task as its client should, until it has ended.
func (h *host) finish(id string) gjson.Result {
	h.t.Helper()
	for range 100 {
		task := h.getTask(id)
		if task.Get("status").Str != "working" {
			return task
		}
		if task.Get("resultType").Str != "complete" || task.Get("result").Exists() || task.Get("taskId").Str != id {
			h.t.Errorf("a working task: %s", task.Raw)
		}
		time.Sleep(time.Duration(task.Get("pollIntervalMs").Int()) * time.Millisecond)
	}
	h.t.Fatalf("the task %s does not end", id)
	return gjson.Result{}
}

// A wait that is a task ends with the result that it would have had inline, to
// the byte, whatever else was asked for.
func TestATaskEndsWithTheResultOfItsCall(t *testing.T) {
	for _, tc := range []struct{ tool, args string }{
		{"get_run", `"run_id":"run_queued"`},
		{"get_run", `"run_id":"run_queued","fields":["usage","lastError"],"steps":2`},
		{"get_run", `"run_id":"run_in_progress","timeout_sec":5,"fields":["model"]`},
		{"cancel_run", `"run_id":"run_in_progress","fields":["cancelled_at"]`},
		{"cancel_run", `"run_id":"run_cancelling","fields":["x"],"timeout_sec":600`},
	} {
		args := `{"thread_id":"thread_demo","wait":true,` + tc.args + `}`
		var inline, ofTask gjson.Result
		synctest.Test(t, func(t *testing.T) {
			raw, _ := connect(t, sandbox.New()).ask("tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s,%s}`, tc.tool, args, strings.Replace(following, `"extensions"`, `"experimental"`, 1)))
			inline = gjson.Parse(raw)
		})
		synctest.Test(t, func(t *testing.T) {
			h := connect(t, sandbox.New())
			created := h.start(tc.tool, args)
			if created.Get("resultType").Str != "task" || created.Get("status").Str != "working" || created.Get("content").Exists() {
				t.Fatalf("%s %s: %s", tc.tool, args, created.Raw)
			}
			ofTask = h.finish(created.Get("taskId").Str)
		})
		if inline.Get("resultType").Str != "complete" || ofTask.Get("status").Str != "completed" || ofTask.Get("result").Raw != inline.Raw {
			t.Errorf("%s %s:\n task %s\ninline %s", tc.tool, args, ofTask.Raw, inline.Raw)
		}
	}
}

func TestWhatHasEndedAtItsFirstReadingIsNoTask(t *testing.T) {
	h := connect(t, sandbox.New())
	for tool, run := range map[string]string{"get_run": "run_requires_action", "cancel_run": "run_cancelled"} {
		if r := h.start(tool, `{"thread_id":"thread_demo","run_id":"`+run+`","wait":true}`); r.Get("resultType").Str != "complete" || r.Get("isError").Bool() {
			t.Errorf("%s: %s", run, r.Raw)
		}
	}
	for _, args := range []string{`{"thread_id":"thread_demo","run_id":"nope","wait":true}`, `{"thread_id":"thread_demo","run_id":"run_queued"}`, `{"thread_id":5.5}`} {
		if r := h.start("get_run", args); r.Get("resultType").Str != "complete" {
			t.Errorf("%s: %s", args, r.Raw)
		}
	}
}

// A client of an older protocol version knows no tasks, whatever it declares.
func TestACallOfAnOlderProtocolVersionIsNoTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		older := strings.Replace(following, `"io.modelcontextprotocol/protocolVersion":"2026-07-28",`, "", 1)
		raw, _ := connect(t, sandbox.New()).ask("tools/call", `{"name":"get_run","arguments":{"thread_id":"thread_demo","run_id":"run_queued","wait":true},`+older+`}`)
		if gjson.Get(raw, "structuredContent.status").Str != "completed" || gjson.Get(raw, "resultType").Exists() {
			t.Error(raw)
		}
	})
}

func TestTasksAreOfferedInDiscovery(t *testing.T) {
	h := connect(t, sandbox.New())
	const extension = `capabilities.extensions.io\.modelcontextprotocol/tasks`
	if raw, _ := h.ask("server/discover", "{"+following+"}"); !gjson.Get(raw, extension).IsObject() {
		t.Errorf("server/discover: %s", raw)
	}
	if raw, _ := h.ask("initialize", `{"protocolVersion":"2025-11-25","capabilities":{}}`); gjson.Get(raw, extension).Exists() {
		t.Errorf("initialize: %s", raw)
	}
}

// A task says how its run stands, and when to read it again.
func TestAWorkingTaskSaysHowItStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var header atomic.Value
		header.Store([]string{})
		var polls atomic.Int32
		h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Stainless-Poll-Helper") != "true" {
				t.Error("the reading does not ask when to come back")
			}
			polls.Add(1)
			status(200, fmt.Sprintf(`{"id":"r","status":"in_progress","created_at":%d,"started_at":%d}`, begin.Unix()-100, begin.Unix()-50), header.Load().([]string)...)(w, r)
		}))
		task := h.start("get_run", `{"thread_id":"t","run_id":"r","wait":true}`)
		id := task.Get("taskId").Str
		if !strings.HasPrefix(id, "get_run:t:r:") || task.Get("ttlMs").Raw != "null" || task.Get("createdAt").Str != begin.UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Error(task.Raw)
		}
		for _, step := range []struct {
			after   time.Duration
			header  []string
			message string
			poll    int64
		}{
			{0, nil, "in_progress for 50 s", 1000},
			{15 * time.Second, nil, "in_progress for 1 min", 2000},
			{0, []string{"openai-poll-after-ms", "3500"}, "in_progress for 1 min", 3500},
			{0, []string{"openai-poll-after-ms", "1"}, "in_progress for 1 min", 100},
			{2 * time.Hour, nil, "in_progress for 2 h 1 min", 5000},
			{100 * time.Hour, nil, "in_progress for 4 d", 5000},
		} {
			time.Sleep(step.after)
			header.Store(append([]string{}, step.header...))
			before := polls.Load()
			task := h.getTask(id)
			if task.Get("statusMessage").Str != step.message || task.Get("pollIntervalMs").Int() != step.poll || polls.Load() != before+1 {
				t.Errorf("%d requests for %s, want one, and %q, %d", polls.Load()-before, task.Raw, step.message, step.poll)
			}
		}
	})
}

// What passes leaves a task working; what does not ends it with the error of its
// call.
func TestATaskWhoseRunCannotBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		fault   http.HandlerFunc
		message string // of a task that goes on, else of the error
		works   bool
	}{
		"429":           {status(429, "", "Retry-After", "7"), "HTTP 429", true},
		"503":           {status(503, "boom"), "HTTP 503: boom", true},
		"no connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "got no answer", true},
		"404":           {status(404, `{"error":{"message":"No run found with id 'r'."}}`), "No run found", false},
		"403":           {status(403, ""), "HTTP 403", false},
		"no run":        {answers("[]"), "not a Runs API response", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var broken atomic.Bool
			h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if broken.Load() {
					tc.fault(w, r)
					return
				}
				answers(`{"id":"r","status":"in_progress"}`)(w, r)
			}))
			created := h.start("get_run", `{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":100}`)
			if got := created.Get("statusMessage").Str; got != "in_progress" {
				t.Errorf("a run that does not tell its times: %q", got)
			}
			id := created.Get("taskId").Str
			broken.Store(true)
			task := h.getTask(id)
			if tc.works != (task.Get("status").Str == "working") || tc.works && !strings.Contains(task.Get("statusMessage").Str, tc.message) ||
				!tc.works && (!task.Get("result.isError").Bool() || !strings.Contains(task.Get("result.content.0.text").Str, tc.message)) {
				t.Errorf("%s: %s", name, task.Raw)
			}
			if name == "429" && task.Get("pollIntervalMs").Int() != 7000 {
				t.Errorf("%s: %s", name, task.Raw)
			}
			if tc.works && task.Get("pollIntervalMs").Int() < 1000 {
				t.Errorf("%s: read again at once: %s", name, task.Raw)
			}
			time.Sleep(101 * time.Second) // its time is over, and there is nothing to show
			if task := h.getTask(id); task.Get("status").Str != "completed" || !task.Get("result.isError").Bool() {
				t.Errorf("%s, at its end: %s", name, task.Raw)
			}
		})
	}
}

// If the run of a cancel can no longer be read, the error says that the cancel was sent.
func TestATaskOfACancelThatFailsTellsOfTheCancel(t *testing.T) {
	for name, first := range map[string]string{"sent": "in_progress", "not sent": "cancelling"} {
		synctest.Test(t, func(t *testing.T) {
			var broken atomic.Bool
			h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case broken.Load():
					status(403, "boom")(w, r)
				case r.Method == http.MethodPost:
					answers(`{"id":"r","status":"cancelling"}`)(w, r)
				default:
					answers(`{"id":"r","status":"`+first+`"}`)(w, r)
				}
			}))
			id := h.start("cancel_run", `{"thread_id":"t","run_id":"r","wait":true}`).Get("taskId").Str
			broken.Store(true)
			got := h.getTask(id).Get("result.content.0.text").Str
			if strings.HasPrefix(got, "cancel was requested") != (name == "sent") || !strings.Contains(got, "HTTP 403: boom") {
				t.Errorf("%s: the task %s ends with %s", name, id, got)
			}
		})
	}
}

// Without a key a task ends with the error of its call.
func TestATaskWithoutAKey(t *testing.T) {
	c, err := runsapi.New(runsapi.Config{BaseURL: "https://api.example/v1", KeyCommand: "exit 3", Transport: sandbox.Transport(t.Context(), sandbox.New())})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	task := serve(t, tools.New(c, tools.Options{})).getTask("get_run:t:r:0")
	if !task.Get("result.isError").Bool() || !strings.Contains(task.Get("result.content.0.text").Str, "the API key command ended with exit status 3") {
		t.Error(task.Raw)
	}
}

// A task is read by any server of the same backend, also one that was started
// later and has other settings.
func TestATaskSurvivesItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := sandbox.New()
		h := connect(t, api)
		id := h.start("get_run", `{"thread_id":"thread_demo","run_id":"run_queued","wait":true,"fields":["usage"]}`).Get("taskId").Str
		other := connect(t, api, func(o *tools.Options) { o.ReadOnly, o.Timeout = true, time.Minute })
		if task := other.finish(id); task.Get("result.structuredContent.usage.total_tokens").Int() == 0 {
			t.Error(task.Raw)
		}
		id = h.start("cancel_run", `{"thread_id":"thread_demo","run_id":"run_in_progress","wait":true}`).Get("taskId").Str
		if task := other.finish(id); task.Get("result.structuredContent.status").Str != "cancelled" {
			t.Error(task.Raw)
		}
	})
}

// Ids that do not fit into the id of a task are waited for inline.
func TestIdsOfTasks(t *testing.T) {
	for run, isTask := range map[string]bool{
		"run_1": true, "a:b=c&d+e": true, "Läufe✓": true, strings.Repeat("x", 100): true, strings.Repeat("x", 101): false, strings.Repeat("é", 30): false,
	} {
		synctest.Test(t, func(t *testing.T) {
			var polls atomic.Int32
			h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := "in_progress"
				if polls.Add(1) > 2 {
					s = "completed"
				}
				if got := r.PathValue("run"); got != run && r.URL.Path != "/v1/threads/thread:1/runs/"+run {
					t.Errorf("asked for %s", r.URL.Path)
				}
				answers(`{"id":"r","status":"`+s+`"}`)(w, r)
			}))
			r := h.start("get_run", `{"thread_id":"thread:1","run_id":"`+run+`","wait":true}`)
			id := r.Get("taskId").Str
			if isTask != (id != "") || len(id) > 128 || strings.ContainsFunc(id, func(r rune) bool { return r < '!' || r > '~' }) {
				t.Fatalf("%s: %s", run, r.Raw)
			}
			if isTask {
				r = h.finish(id).Get("result")
			}
			if r.Get("structuredContent.status").Str != "completed" {
				t.Errorf("%s: %s", run, r.Raw)
			}
		})
	}
}

// What a call may ask for at most can be a task too.
func TestTheLongestTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := connect(t, sandbox.New())
		id := h.start("get_run", `{"thread_id":"thread_demo","run_id":"run_queued","wait":true,"timeout_sec":86400,"steps":100}`).Get("taskId").Str
		if !strings.HasSuffix(id, ":24h0m0s:steps=100") {
			t.Fatalf("the id is %q", id)
		}
		if task := h.finish(id); task.Get("result.structuredContent.status").Str != "completed" || !task.Get("result.structuredContent.steps").IsArray() {
			t.Error(task.Raw)
		}
	})
}

// With --timeout 0 the reading of a task ends a minute after the end of the input, as a call does.
func TestTheReadingOfATaskEndsWithTheInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		h := connect(t, hangs, func(o *tools.Options) { o.Timeout = 0 })
		begin := time.Now()
		fmt.Fprintf(h.in, `{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"get_run:t:r:0",%s}}`+"\n", following)
		h.in.(io.Closer).Close()
		var answer struct {
			Result struct{ TaskID, Status string }
		}
		if err := h.out.Decode(&answer); err != nil || answer.Result.TaskID != "get_run:t:r:0" || answer.Result.Status != "working" || time.Since(begin) != time.Minute {
			t.Errorf("after %s: %+v, %v", time.Since(begin), answer, err)
		}
	})
}

// Ids that no call can have made are not the ids of tasks.
func TestImpossibleTaskIDs(t *testing.T) {
	h := connect(t, sandbox.New())
	for _, id := range []string{
		"get_run:t:r:1y2p0ij32e8e7", "get_run:t:r:-1", "get_run:t:r:0:1ns", "get_run:t:r:0:25h0m0s", "cancel_run:t:r:0:steps=3", "get_run:t:r:0:600s", "get_run:t:r:0:steps=101", "get_run:t:r:2htner8qo0", "get_run:t:r:0:24h0m1s",
		"get_run:t:r", "list_runs:t:r:0", "get_run:..:r:0", "get_run:t%2Fx:r:0", "get_run:%74:r:0", "get_run:t:%FF:mhq4zk1c", "", strings.Repeat("x", 129),
	} {
		fmt.Fprintf(h.in, `{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":%q,%s}}`+"\n", id, following)
		var answer struct{ Error struct{ Code int } }
		if err := h.out.Decode(&answer); err != nil || answer.Error.Code != -32602 {
			t.Errorf("%s: %+v, %v", id, answer, err)
		}
	}
	fmt.Fprintf(h.in, `{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"get_run:t:r:0","_meta":{"io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}}`+"\n")
	var answer struct{ Error struct{ Code int } }
	if err := h.out.Decode(&answer); err != nil || answer.Error.Code != -32021 {
		t.Errorf("without a protocol version: %+v, %v", answer, err)
	}
}

// Whatever a task id is, it leads to no other request than get_run's, or to none.
func FuzzTaskID(f *testing.F) {
	for _, id := range []string{
		"get_run:t:r:mhq4zk1c", "get_run:t:r:0:600s:steps=5:fields=a%2Cb", "cancel_run:t:r:0:asked", "", ":::", "list_runs:t:r:0", "get_run:..:r:0", "get_run:t%2Fx:r:0",
		"get_run:t:r%3Fa:0", "get_run:t:%00:0", "get_run:t:r:-1", "get_run:t:r:0:5", "get_run:t:r:0:steps=101", "get_run:t:r:0:steps=1:steps=1", "get_run:t:r:0:0s", "get_run:t:r:zzzzzzzzzzzz", "get_run:%74:r:0", "get_run:t:%FF:mhq4zk1c",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		requests := 0
		c, err := runsapi.New(runsapi.Config{BaseURL: "https://api.example/v1", Auth: runsapi.AuthNone, Transport: roundTrip(func(r *http.Request) *http.Response {
			requests++
			parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/v1/threads/"), "/")
			if r.Method != "GET" || !strings.HasPrefix(r.URL.Path, "/v1/threads/") || r.URL.Host != "api.example" || len(parts) < 3 || len(parts) > 4 || parts[1] != "runs" || len(parts) == 4 && parts[3] != "steps" {
				t.Errorf("%q asks %s %s", id, r.Method, r.URL)
			}
			return response(`{"id":"r","status":"completed"}`)
		})})
		if err != nil {
			t.Fatal(err)
		}
		tl := tools.New(c, tools.Options{})
		known := tl.KnowsTask(id)
		task := tl.Task(t.Context(), id, nil)
		if known != (task != nil) || !known && requests > 0 || requests > 2 || task != nil && task.ID != id {
			t.Errorf("%q: known %t, %d requests, %+v", id, known, requests, task)
		}
	})
}

// roundTrip is a transport without a network.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func response(body string) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}
