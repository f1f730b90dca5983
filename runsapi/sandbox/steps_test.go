package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"runs-mcp/runsapi/sandbox"
)

// get asks for a path below the runs of the demo thread.
func get(t *testing.T, rt http.RoundTripper, path string) gjson.Result {
	t.Helper()
	_, body := ask(t, rt, "GET", "/v1/threads/thread_demo/runs"+path)
	return gjson.Parse(body)
}

// outline is a line for a list of steps: the type of each one, or that of its
// tool call, and its status.
func outline(list gjson.Result) string {
	var steps []string
	for _, s := range list.Get("data").Array() {
		kind := s.Get("step_details.tool_calls.0.type")
		if !kind.Exists() {
			kind = s.Get("type")
		}
		steps = append(steps, kind.String()+" "+s.Get("status").String())
	}
	return strings.Join(steps, ", ")
}

func TestStepsOfEachRun(t *testing.T) {
	rt := sandbox.Transport(t.Context(), sandbox.New())
	for run, want := range map[string]string{
		"run_queued":          "",
		"run_in_progress":     "file_search completed, code_interpreter in_progress",
		"run_requires_action": "function in_progress",
		"run_cancelling":      "function in_progress",
		"run_cancelled":       "file_search cancelled",
		"run_failed":          "function completed, code_interpreter failed",
		"run_completed":       "file_search completed, function completed, code_interpreter completed, message_creation completed",
		"run_incomplete":      "message_creation completed",
		"run_expired":         "function expired",
	} {
		if got := outline(get(t, rt, "/"+run+"/steps?order=asc")); got != want {
			t.Errorf("%s: got %s, want %s", run, got, want)
		}
	}
}

func TestStepsAppearAsTheRunMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := sandbox.Transport(t.Context(), sandbox.New())
		expect := func(run, want string) {
			t.Helper()
			if got := outline(get(t, rt, "/"+run+"/steps?order=asc")); got != want {
				t.Errorf("%s: got %q, want %q", run, got, want)
			}
		}
		get(t, rt, "/run_queued")
		get(t, rt, "/run_cancelling")
		ask(t, rt, "POST", "/v1/threads/thread_demo/runs/run_requires_action/cancel")
		expect("run_queued", "")
		expect("run_requires_action", "function in_progress")
		time.Sleep(1500 * time.Millisecond)
		expect("run_queued", "file_search in_progress")
		expect("run_requires_action", "function cancelled")
		expect("run_cancelling", "function cancelled")
		time.Sleep(2 * time.Second)
		expect("run_queued", "file_search completed, message_creation completed")
	})
}

// What a step tells of its run is what the run tells of itself, at once and
// after every run was asked to be cancelled.
func TestStepsAgreeWithTheirRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := sandbox.Transport(t.Context(), sandbox.New())
		for range 2 {
			for _, run := range get(t, rt, "?limit=100").Get("data").Array() {
				id := run.Get("id").String()
				ended := map[string]string{
					"completed": "completed_at", "incomplete": "completed_at", "failed": "failed_at", "cancelled": "cancelled_at", "expired": "expires_at",
				}[run.Get("status").String()]
				steps := get(t, rt, "/"+id+"/steps?order=asc").Get("data").Array()
				tokens, from := int64(0), run.Get("started_at").Int()
				for i, s := range steps {
					tokens += s.Get("usage.total_tokens").Int()
					if s.Get("run_id").String() != id || s.Get("thread_id").String() != run.Get("thread_id").String() || s.Get("assistant_id").String() != run.Get("assistant_id").String() {
						t.Errorf("%s: the step belongs to another run: %s", id, s)
					}
					if got := s.Get("created_at").Int(); got != from {
						t.Errorf("%s: step %d was created at %d, want %d, when the run started or the step before it ended", id, i, got, from)
					}
					status, end := s.Get("status").String(), int64(0)
					for _, name := range []string{"completed", "failed", "cancelled", "expired"} {
						at := s.Get(name + "_at")
						if (at.Raw != "null") != (status == name) {
							t.Errorf("%s: step %d is %s and has %s_at %s", id, i, status, name, at.Raw)
						}
						end += at.Int()
					}
					if i < len(steps)-1 {
						from = end
					} else if want := run.Get(ended).Int(); ended != "" && end != want {
						t.Errorf("%s: its last step ended at %d, want %d, when the run did", id, end, want)
					} else if (ended == "") != (status == "in_progress") || end != 0 && end < from {
						t.Errorf("%s is %s, its last step %s: %s", id, run.Get("status"), status, s)
					}
					if got, want := s.Get("last_error").Raw == "null", status != "failed"; got != want {
						t.Errorf("%s: step %d is %s and has last_error %s", id, i, status, s.Get("last_error").Raw)
					}
				}
				if want := run.Get("usage.total_tokens").Int(); ended != "" && tokens != want {
					t.Errorf("%s: its steps used %d tokens, want %d, as the run", id, tokens, want)
				}
			}
			for _, run := range []string{"run_in_progress", "run_requires_action", "run_queued"} {
				ask(t, rt, "POST", "/v1/threads/thread_demo/runs/"+run+"/cancel")
			}
			get(t, rt, "/run_cancelling")
			time.Sleep(5 * time.Second)
		}
	})
}

func TestARunWaitsForTheCallOfItsLastStep(t *testing.T) {
	rt := sandbox.Transport(t.Context(), sandbox.New())
	waits := get(t, rt, "/run_requires_action").Get("required_action.submit_tool_outputs.tool_calls.0")
	call := get(t, rt, "/run_requires_action/steps").Get("data.0.step_details.tool_calls.0")
	for _, path := range []string{"id", "function.name", "function.arguments"} {
		if got, want := waits.Get(path).String(), call.Get(path).String(); got == "" || got != want {
			t.Errorf("%s: the run waits for %q, its step has %q", path, got, want)
		}
	}
	if got := call.Get("function.output").Raw; got != "null" {
		t.Errorf("output of the call that waits: got %s, want null", got)
	}
}

func TestListsFollowTheirCursors(t *testing.T) {
	rt := sandbox.Transport(t.Context(), sandbox.New())
	for _, list := range []struct{ path, prefix string }{
		{"/v1/threads/thread_demo/runs/run_completed/steps", "step_completed_"},
		{"/v1/threads/thread_long/runs", "run_long_00"},
	} {
		for query, want := range map[string]struct {
			ids  string // the last digit of each
			more bool
		}{
			"?after=4&before=1":                   {"32", false},
			"?limit=2&after=4&before=1":           {"32", false},
			"?limit=1&after=4&before=1":           {"3", true},
			"?limit=2&order=asc":                  {"12", true},
			"?limit=2&order=asc&after=1&before=4": {"23", false},
			"?limit=2&order=asc&before=4":         {"23", true}, // the two that end at the cursor
			"?limit=3&order=asc&before=4":         {"123", false},
			"?order=asc&before=3":                 {"12", false},
			"?order=asc&after=1&before=1":         {"", false},
			"?after=1":                            {"", false},
		} {
			full := strings.NewReplacer("after=", "after="+list.prefix, "before=", "before="+list.prefix).Replace(query)
			_, body := ask(t, rt, "GET", list.path+full)
			page, ids := gjson.Parse(body), ""
			for _, id := range page.Get("data.#.id").Array() {
				ids += strings.TrimPrefix(id.String(), list.prefix)
			}
			if more := page.Get("has_more").Bool(); ids != want.ids || more != want.more {
				t.Errorf("%s%s: got %q, more %t, want %q, more %t", list.path, full, ids, more, want.ids, want.more)
			}
		}
	}
	for path, want := range map[string]string{
		"?after=step_completed_1":             "No run found with id 'step_completed_1'.",
		"/run_completed/steps?after=run_none": "No run step found with id 'run_none'.",
		"/run_failed/steps?before=step_x":     "No run step found with id 'step_x'.",
	} {
		if got := get(t, rt, path).Get("error.message").String(); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
