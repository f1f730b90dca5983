package tools_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"runs-mcp/runsapi/sandbox"
)

// withSteps is an API with one run, whose steps h answers.
func withSteps(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/steps") {
			h(w, r)
			return
		}
		answers(`{"id":"r","status":"failed","last_error":{"code":"x"}}`)(w, r)
	}
}

// The steps that were asked for replace a member of that name that the run has.
func TestARunThatHasStepsOfItsOwn(t *testing.T) {
	h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/steps") {
			answers(`{"data":[{"id":"s"}]}`)(w, r)
			return
		}
		answers(`{"id":"r","status":"failed","steps":["own"],"x":1}`)(w, r)
	}))
	for args, want := range map[string]string{
		`"steps":1`:                     `{"id":"r","status":"failed","x":1,"steps":[{"id":"s"}]}`,
		`"steps":1,"fields":["steps"]`:  `{"id":"r","status":"failed","steps":[{"id":"s"}]}`,
		`"steps":1,"fields":["x","id"]`: `{"id":"r","status":"failed","x":1,"steps":[{"id":"s"}]}`,
		`"fields":["steps"]`:            `{"id":"r","status":"failed","steps":["own"]}`,
		`"steps":0`:                     `{"id":"r","status":"failed","steps":["own"],"x":1}`,
	} {
		if got := h.good("get_run", `{"thread_id":"t","run_id":"r",`+args+`}`); got != want {
			t.Errorf("%s: %s", args, got)
		}
	}
}

func TestSteps(t *testing.T) {
	steps := func(list string) http.HandlerFunc { return withSteps(answers(list)) }
	for name, tc := range map[string]struct {
		api        http.Handler
		args, want string
	}{
		"newest first, as they came": {
			steps(`{"object":"list","data":[{"id":"s2","x":1.0,"created_at":2},{"id":"s1","created_at":1}],"has_more":false}`),
			`"steps":5`, `{"id":"r","status":"failed","last_error":{"code":"x"},"steps":[{"id":"s2","x":1.0,"created_at":2},{"id":"s1","created_at":1}]}`,
		},
		"with fields":                     {steps(`{"data":[{"id":"s"}]}`), `"steps":1,"fields":["last_error.message"]`, `{"id":"r","status":"failed","last_error":{"code":"x"},"steps":[{"id":"s"}]}`},
		"with fields that leave them out": {steps(`{"data":[{"id":"s"}]}`), `"steps":1,"fields":["id"]`, `{"id":"r","status":"failed","steps":[{"id":"s"}]}`},
		"none":                            {steps(`{"data":[]}`), `"steps":1,"fields":["id"]`, `{"id":"r","status":"failed","steps":[]}`},
		"a server without":                {withSteps(status(404, "")), `"steps":1,"fields":["id"]`, `{"id":"r","status":"failed","steps":null}`},
		"a server without, by a success":  {steps(`{"error":{"message":"Not found","code":404}}`), `"steps":1,"fields":["id"]`, `{"id":"r","status":"failed","steps":null}`},
		"not allowed":                     {withSteps(status(405, "")), `"steps":1,"fields":["id"]`, `{"id":"r","status":"failed","steps":null}`},
		"not implemented":                 {withSteps(status(501, "")), `"steps":1,"fields":["id"]`, `{"id":"r","status":"failed","steps":null}`},
		"a server that ignores limit and order": {
			steps(`{"data":[{"id":"s1","created_at":1},{"id":"s2","created_at":2},{"id":"s3","created_at":3}]}`),
			`"steps":2,"fields":["id"]`, `{"id":"r","status":"failed","steps":[{"id":"s3","created_at":3},{"id":"s2","created_at":2}]}`,
		},
		"not asked for": {withSteps(func(http.ResponseWriter, *http.Request) { t.Error("asked for steps") }), `"steps":0,"fields":["id"]`, `{"id":"r","status":"failed"}`},
		"after a wait":  {steps(`{"data":[{"id":"s"}]}`), `"steps":1,"fields":["id"],"wait":true,"timeout_sec":1`, `{"id":"r","status":"failed","steps":[{"id":"s"}]}`},
	} {
		if got := connect(t, tc.api).good("get_run", `{"thread_id":"t","run_id":"r",`+tc.args+`}`); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tc.want)
		}
	}
}

// The steps are read after a wait without a limit as after any other, however long they take.
func TestSlowStepsAfterAWait(t *testing.T) {
	for _, limit := range []int{0, 60} {
		synctest.Test(t, func(t *testing.T) {
			h := connect(t, withSteps(func(w http.ResponseWriter, r *http.Request) {
				pause(r, 5*time.Second)
				answers(`{"data":[{"id":"s"}]}`)(w, r)
			}))
			h.good("get_run", fmt.Sprintf(`{"thread_id":"t","run_id":"r","steps":1,"wait":true,"timeout_sec":%d}`, limit))
		})
	}
}

// The steps have what is left of the time of a wait, and at least 4 s.
func TestStepsThatHangAfterAWait(t *testing.T) {
	for limit, want := range map[int]time.Duration{60: 60 * time.Second, 31: 34 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case strings.HasSuffix(r.URL.Path, "/steps"):
					<-r.Context().Done()
				case time.Since(begin) == 0:
					answers(`{"id":"r","status":"in_progress"}`)(w, r)
				default: // the second reading, which takes until 30 s have passed
					pause(r, 30*time.Second-time.Since(begin))
					answers(`{"id":"r","status":"completed"}`)(w, r)
				}
			}))
			got := h.bad("get_run", fmt.Sprintf(`{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":%d,"steps":1}`, limit))
			if took := time.Since(begin); took != want || !strings.Contains(got, "its status is completed, but its steps could not be") {
				t.Errorf("a wait of %d s took %s, want %s: %s", limit, took, want, got)
			}
		})
	}
}

func TestStepsThatCannotBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		api  http.HandlerFunc
		want string
	}{
		"forbidden": {withSteps(status(403, "no")), "HTTP 403: no"},
		"broken":    {withSteps(status(500, "boom")), "HTTP 500: boom"},
		"no list":   {withSteps(answers("[]")), "not a Runs API response"},
		"too deep":  {withSteps(answers(`{"data":[{"id":"s","x":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}]}`)), "call again without steps"},
	} {
		got := connect(t, tc.api).bad("get_run", `{"thread_id":"t","run_id":"r","steps":1}`)
		if !strings.Contains(got, tc.want) || name != "too deep" && !strings.Contains(got, "its status is failed") {
			t.Errorf("%s: %s", name, got)
		}
		if strings.Contains(got, "check the ids") || strings.Contains(got, "must be what comes before /threads") {
			t.Errorf("%s: the run was read, so its ids and the base URL are right: %s", name, got)
		}
	}
}

func TestStepsOfMegabytes(t *testing.T) {
	step := fmt.Sprintf(`{"id":"s","output":"%s"}`, strings.Repeat("x", 1<<20))
	h := connect(t, withSteps(answers(`{"data":[`+step+","+step+","+step+`]}`)))
	got := h.good("get_run", `{"thread_id":"t","run_id":"r","steps":3,"fields":["id"]}`)
	if want := `{"id":"r","status":"failed","steps":[` + step + "," + step + "," + step + `]}`; got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
}

func TestStepsOfTheSandbox(t *testing.T) {
	h := connect(t, sandbox.New())
	for run, want := range map[string]string{"run_failed": "tool_calls tool_calls", "run_completed": "message_creation tool_calls tool_calls tool_calls"} {
		got := h.good("get_run", `{"thread_id":"thread_demo","run_id":"`+run+`","steps":100}`)
		var types []string
		for _, step := range gjson.Get(got, "steps.#.type").Array() {
			types = append(types, step.Str)
		}
		if strings.Join(types, " ") != want {
			t.Errorf("%s: %q, want %s", run, types, want)
		}
	}
}
