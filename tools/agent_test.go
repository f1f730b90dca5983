package tools_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tidwall/gjson"

	"runs-mcp/runsapi/sandbox"
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
	golden(t, "testdata/tasks.golden.txt", []byte(got.String()))
}
