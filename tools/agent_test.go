package tools_test

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tidwall/gjson"

	"runs-mcp/runsapi/sandbox"
	"runs-mcp/tools"
)

// What agents are asked to do, in the calls that the descriptions lead them to.
// Each step's answer must hold what the task is about; the golden file fixes how
// many calls and bytes a task takes, so that a change that costs more is seen.
var tasks = []struct {
	task  string
	steps [][3]string // tool, arguments, what the answer must hold
}{
	{"find the run that blocks a thread", [][3]string{
		{"list_runs", `{"thread_id":"thread_demo","status":["active"],"fields":["created_at"]}`, "run_in_progress"}}},
	{"free a thread: cancel its newest active run, and make sure", [][3]string{
		{"list_runs", `{"thread_id":"thread_demo","status":["active"],"order":"desc","limit":1,"fields":["id"]}`, "run_queued"},
		{"cancel_run", `{"thread_id":"thread_demo","run_id":"run_queued","wait":true,"fields":["cancelled_at"]}`, `"status":"cancelled"`}}},
	{"cancel all that is active in a thread", [][3]string{
		{"list_runs", `{"thread_id":"thread_demo","status":["active"],"fields":["id"]}`, "run_requires_action"},
		{"cancel_run", `{"thread_id":"thread_demo","run_id":"run_cancelling","wait":true,"fields":["id"]}`, `"status":"cancelled"`},
		{"cancel_run", `{"thread_id":"thread_demo","run_id":"run_requires_action","wait":true,"fields":["id"]}`, `"status":"cancelled"`},
		{"cancel_run", `{"thread_id":"thread_demo","run_id":"run_in_progress","wait":true,"fields":["id"]}`, `"status":"cancelled"`},
		{"cancel_run", `{"thread_id":"thread_demo","run_id":"run_queued","wait":true,"fields":["id"]}`, `"status":"cancelled"`}}},
	{"why did the last failed run fail?", [][3]string{
		{"list_runs", `{"thread_id":"thread_demo","status":["failed"],"order":"desc","limit":1,"fields":["last_error"]}`, "Rate limit reached"}}},
	{"list the failed runs with their errors", [][3]string{
		{"list_runs", `{"thread_id":"thread_long","status":["failed"],"all":true,"fields":["failed_at","last_error"]}`, `"scanned":250`}}},
	{"what is this run doing?", [][3]string{
		{"get_run", `{"thread_id":"thread_demo","run_id":"run_in_progress","steps":1,"fields":["started_at"]}`, `"steps":[{`}}},
	{"why did this run fail, in detail?", [][3]string{
		{"get_run", `{"thread_id":"thread_demo","run_id":"run_failed","steps":3,"fields":["last_error","failed_at"]}`, `"steps":[{`}}},
	{"wait for a run and say what it cost", [][3]string{
		{"get_run", `{"thread_id":"thread_demo","run_id":"run_queued","wait":true,"fields":["usage"]}`, `"total_tokens":500`}}},
	{"how many tokens did the last ten runs use?", [][3]string{
		{"list_runs", `{"thread_id":"thread_long","order":"desc","limit":10,"fields":["usage"]}`, `"total_tokens":640`}}},
	{"which function does a run wait for?", [][3]string{
		{"get_run", `{"thread_id":"thread_demo","run_id":"run_requires_action","fields":["required_action"]}`, "get_order"}}},
	{"why is an answer cut off?", [][3]string{
		{"get_run", `{"thread_id":"thread_demo","run_id":"run_incomplete","fields":["incomplete_details","usage"]}`, "max_completion_tokens"}}},
	{"what is the latest run, and is it done?", [][3]string{
		{"list_runs", `{"thread_id":"thread_demo","order":"desc","limit":1}`, `"status":"queued"`}}},
	{"count the runs of a thread by status", [][3]string{
		{"list_runs", `{"thread_id":"thread_long","all":true,"fields":["status"]}`, `"has_more":false`}}},
	{"read all there is of one run", [][3]string{
		{"get_run", `{"thread_id":"thread_demo","run_id":"run_completed"}`, "instructions"}}},
	{"cancel a run that has ended", [][3]string{
		{"cancel_run", `{"thread_id":"thread_demo","run_id":"run_completed"}`, "its status is completed, the run has ended"}}},
	{"a run of a thread that is not there", [][3]string{
		{"get_run", `{"thread_id":"thread_gone","run_id":"run_1"}`, "they come from the application"}}},
	{"recover from a wrong argument", [][3]string{
		{"get_run", `{"threadId":"thread_demo","run_id":"run_failed"}`, "did you mean thread_id?"},
		{"get_run", `{"thread_id":"thread_demo","run_id":"run_failed","fields":["last_error"]}`, "rate_limit_exceeded"}}},
	{"recover from ids the wrong way round", [][3]string{
		{"get_run", `{"thread_id":"run_failed","run_id":"thread_demo"}`, "run_id thread_demo looks like a thread id"},
		{"get_run", `{"thread_id":"thread_demo","run_id":"run_failed","fields":["last_error"]}`, "rate_limit_exceeded"}}},
}

var requestID = regexp.MustCompile(`, request id \w+`)

func TestTasks(t *testing.T) {
	var got strings.Builder
	for _, task := range tasks {
		synctest.Test(t, func(t *testing.T) {
			h := connect(t, sandbox.New())
			bytes := 0
			for _, step := range task.steps {
				r := h.call(step[0], step[1])
				text := r.Text
				if !strings.Contains(text, step[2]) {
					t.Errorf("%s: %s %s: %q is missing in %s", task.task, step[0], step[1], step[2], text)
				}
				text = requestID.ReplaceAllString(text, "") // differs from run to run
				if !r.IsError && !gjson.Valid(text) {
					t.Errorf("%s: %s", task.task, text)
				}
				bytes += len(text)
			}
			fmt.Fprintf(&got, "%d calls, %5d bytes: %s\n", len(task.steps), bytes, task.task)
		})
	}
	// A host that follows MCP tasks polls by itself. Its model reads two things: that the task was created, and how it ended.
	synctest.Test(t, func(t *testing.T) {
		h := connect(t, sandbox.New())
		created := h.start("get_run", `{"thread_id":"thread_demo","run_id":"run_queued","wait":true,"fields":["usage"]}`)
		ended := h.finish(created.Get("taskId").Str).Get("result.content.0.text").Str
		if !strings.Contains(ended, `"total_tokens":500`) {
			t.Errorf("wait for a run as a task: %s", ended)
		}
		fmt.Fprintf(&got, "1 calls, %5d bytes: wait for a run as a task\n", len(created.Get("taskId").Str)+len(created.Get("statusMessage").Str)+len(ended))
	})
	golden(t, "testdata/tasks.golden.txt", []byte(got.String()))
}

// What eight hosts show their model of a result, by what they do with its text, its
// structured content and its length.
var hostShows = map[string]func(text, structured string) string{
	"Claude Code": func(text, structured string) string { return cutAt(50000, cmp.Or(structured, text)) },
	"Codex":       func(text, structured string) string { return withoutMiddle(12000, text+structured) },
	"Gemini CLI":  func(text, structured string) string { return cutAt(40000, text) },
	"Copilot CLI": func(text, structured string) string { return cutAt(20000, text) },
	"opencode":    func(text, structured string) string { return wholeLines(50000, text) },
	"Qwen Code":   func(text, structured string) string { return cutAt(100000, text+structured) },
	"Cline":       func(text, structured string) string { return withoutMiddle(8000, text+structured) },
	"Continue":    func(text, structured string) string { return text },
}

func cutAt(limit int, text string) string { return text[:min(limit, len(text))] }

func withoutMiddle(limit int, text string) string {
	if len(text) <= limit {
		return text
	}
	return text[:limit/2] + "…" + text[len(text)-limit/2:]
}

func wholeLines(limit int, text string) string {
	if len(text) <= limit {
		return text
	}
	return text[:strings.LastIndex(text[:limit], "\n")+1]
}

// With --results text each host's model reads a result once, and the beginning of one that
// is too long, as whole runs.
func TestWhatHostsShowOfATextResult(t *testing.T) {
	h := connect(t, sandbox.New(), func(o *tools.Options) { o.TextOnly = true })
	shown := func(params string, show func(text, structured string) string) string {
		raw, _ := h.ask("tools/call", params)
		return show(gjson.Get(raw, "content.0.text").Str, gjson.Get(raw, "structuredContent").Raw)
	}
	for host, show := range hostShows {
		short := shown(`{"name":"list_runs","arguments":{"thread_id":"thread_demo","fields":["created_at"]}}`, show)
		if !gjson.Valid(short) || strings.Count(short, `"run_failed"`) != 1 {
			t.Errorf("%s shows %s", host, short)
		}
		long := shown(`{"name":"list_runs","arguments":{"thread_id":"thread_long","all":true}}`, show)
		lines := strings.Split(long, "\n")
		if len(lines) < 6 || !gjson.Valid(strings.TrimSuffix(lines[1], ",")) || !gjson.Valid(strings.TrimSuffix(lines[2], ",")) {
			t.Errorf("%s shows %d lines: %.300s", host, len(lines), long)
		}
	}
}
