package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tidwall/gjson"

	"runs-mcp/runsapi/sandbox"
)

// definition compiles a schema of OpenAI's API document.
func definition(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile("testdata/runs-api.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("runs-api.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("runs-api.json#/$defs/" + name)
}

// ask sends a request as the API wants it and returns status and body.
func ask(t *testing.T, rt http.RoundTripper, method, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://sandbox"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("OpenAI-Beta", "assistants=v2")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAnswersFollowTheAPIDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := sandbox.Transport(t.Context(), sandbox.New())
		requests := []struct {
			method, path, schema string
			status               int
		}{
			{"GET", "/v1/threads/thread_demo/runs", "ListRunsResponse", 200},
			{"GET", "/v1/threads/thread_demo/runs?order=asc&limit=3&after=run_completed", "ListRunsResponse", 200},
			{"GET", "/v1/threads/thread_long/runs?limit=100&before=run_long_120", "ListRunsResponse", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_queued", "RunObject", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_requires_action", "RunObject", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_incomplete", "RunObject", 200},
			{"POST", "/v1/threads/thread_demo/runs/run_in_progress/cancel", "RunObject", 200},
			{"POST", "/v1/threads/thread_demo/runs/run_completed/cancel", "ErrorResponse", 400},
			{"GET", "/v1/threads/thread_demo/runs/run_completed/steps", "ListRunStepsResponse", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_expired/steps", "ListRunStepsResponse", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_failed/steps?limit=1&order=asc", "ListRunStepsResponse", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_incomplete/steps", "ListRunStepsResponse", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_cancelled/steps", "ListRunStepsResponse", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_requires_action/steps", "ListRunStepsResponse", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_in_progress/steps", "ListRunStepsResponse", 200},
			{"GET", "/v1/threads/thread_demo/runs/run_completed/steps?limit=0", "ErrorResponse", 400},
			{"GET", "/v1/threads/thread_demo/runs/run_completed/steps?before=step_none", "ErrorResponse", 404},
			{"GET", "/v1/threads/thread_demo/runs/run_none/steps", "ErrorResponse", 404},
			{"GET", "/v1/threads/thread_none/runs/run_completed/steps", "ErrorResponse", 404},
			{"GET", "/v1/threads/thread_demo/runs?limit=101", "ErrorResponse", 400},
			{"GET", "/v1/threads/thread_demo/runs?limit=x", "ErrorResponse", 400},
			{"GET", "/v1/threads/thread_demo/runs?order=up", "ErrorResponse", 400},
			{"GET", "/v1/threads/thread_demo/runs?after=run_none", "ErrorResponse", 404},
			{"GET", "/v1/threads/thread_none/runs", "ErrorResponse", 404},
			{"GET", "/v1/threads/thread_demo/runs/run_none", "ErrorResponse", 404},
			{"DELETE", "/v1/threads/thread_demo/runs/run_queued", "ErrorResponse", 404},
		}
		for range 2 { // at once, and once the clock has moved what moves
			for _, r := range requests {
				status, body := ask(t, rt, r.method, r.path)
				if r.method == "POST" && r.status == 200 && status == 400 {
					continue // cancelled the first time round
				}
				if status != r.status {
					t.Errorf("%s %s: status %d, want %d: %s", r.method, r.path, status, r.status, body)
				}
				v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(body)))
				if err != nil {
					t.Fatalf("%s %s: %v", r.method, r.path, err)
				}
				if err := definition(t, r.schema).Validate(v); err != nil {
					t.Errorf("%s %s: %v", r.method, r.path, err)
				}
			}
			time.Sleep(10 * time.Second)
		}
	})
}

// The document types first_id and last_id as strings; an empty list of the real
// API has null there.
func TestEmptyListHasNullIDs(t *testing.T) {
	rt := sandbox.Transport(t.Context(), sandbox.New())
	for _, path := range []string{"/v1/threads/thread_demo/runs?order=asc&after=run_queued", "/v1/threads/thread_demo/runs/run_queued/steps"} {
		_, body := ask(t, rt, "GET", path)
		if v := gjson.Parse(body); v.Get("data").Raw != "[]" || v.Get("first_id").Raw != "null" || v.Get("last_id").Raw != "null" {
			t.Errorf("%s: got %s, want no data and null ids", path, body)
		}
	}
}

// The document lacks these fields, which the real API sends.
func TestRunsHaveTheFieldsOfRecordedOnes(t *testing.T) {
	rt := sandbox.Transport(t.Context(), sandbox.New())
	_, body := ask(t, rt, "GET", "/v1/threads/thread_demo/runs/run_completed")
	for path, want := range map[string]string{
		"tool_resources":                                   "{}",
		"reasoning_effort":                                 "null",
		"usage.prompt_token_details.cached_tokens":         "0",
		"usage.completion_tokens_details.reasoning_tokens": "0",
	} {
		if got := gjson.Get(body, path).Raw; got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestRunsMoveWithTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := sandbox.Transport(t.Context(), sandbox.New())
		status := func(run string) string {
			_, body := ask(t, rt, "GET", "/v1/threads/thread_demo/runs/"+run)
			return gjson.Get(body, "status").String()
		}
		expect := func(run, want string) {
			t.Helper()
			if got := status(run); got != want {
				t.Errorf("%s is %s, want %s", run, got, want)
			}
		}
		time.Sleep(time.Hour) // nobody looks: nothing moves
		expect("run_queued", "queued")
		expect("run_cancelling", "cancelling")
		time.Sleep(1500 * time.Millisecond)
		expect("run_queued", "in_progress")
		expect("run_cancelling", "cancelled")
		time.Sleep(2 * time.Second)
		expect("run_queued", "completed")

		if _, body := ask(t, rt, "POST", "/v1/threads/thread_demo/runs/run_requires_action/cancel"); gjson.Get(body, "status").String() != "cancelling" {
			t.Error(body)
		}
		if _, body := ask(t, rt, "POST", "/v1/threads/thread_demo/runs/run_requires_action/cancel"); gjson.Get(body, "error.message").String() != "Cannot cancel run with status 'cancelling'." {
			t.Error(body)
		}
		time.Sleep(1100 * time.Millisecond)
		expect("run_requires_action", "cancelled")
	})
}

func TestSeedHasEveryStatusAndALongThread(t *testing.T) {
	rt := sandbox.Transport(t.Context(), sandbox.New())
	_, body := ask(t, rt, "GET", "/v1/threads/thread_demo/runs?limit=100")
	seen := map[string]bool{}
	for _, s := range gjson.Get(body, "data.#.status").Array() {
		seen[s.String()] = true
	}
	if len(seen) != 9 {
		t.Errorf("statuses %v", seen)
	}
	_, body = ask(t, rt, "GET", "/v1/threads/thread_long/runs")
	if n := gjson.Get(body, "data.#").Int(); n != 20 {
		t.Errorf("a page has %d runs if the query does not say how many", n)
	}
	runs, after := 0, ""
	for {
		_, body := ask(t, rt, "GET", "/v1/threads/thread_long/runs?order=asc&limit=100"+after)
		runs += int(gjson.Get(body, "data.#").Int())
		if !gjson.Get(body, "has_more").Bool() {
			break
		}
		after = "&after=" + gjson.Get(body, "last_id").String()
	}
	if runs != 250 {
		t.Errorf("%d runs in %s", runs, sandbox.LongThread)
	}
}

func TestBetaHeaderIsNeeded(t *testing.T) {
	rt := sandbox.Transport(t.Context(), sandbox.New())
	req, _ := http.NewRequest("GET", "http://sandbox/v1/threads/thread_demo/runs", nil)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var e struct{ Error struct{ Code string } }
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || resp.StatusCode != 400 || e.Error.Code != "invalid_beta" || !strings.HasPrefix(resp.Header.Get("X-Request-Id"), "req_") {
		t.Errorf("%d %v %+v %v", resp.StatusCode, resp.Header, e, err)
	}
}

func TestFaultAnswersOneRequest(t *testing.T) {
	api := sandbox.New()
	rt := sandbox.Transport(t.Context(), api)
	api.Fault(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	if status, _ := ask(t, rt, "GET", "/v1/threads/thread_demo/runs"); status != 500 {
		t.Error(status)
	}
	if status, _ := ask(t, rt, "GET", "/v1/threads/thread_demo/runs"); status != 200 {
		t.Error(status)
	}
}
