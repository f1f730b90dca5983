package tools_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"runs-mcp/runsapi"
	"runs-mcp/runsapi/sandbox"
	"runs-mcp/tools"
	"runs-mcp/tools/stdio"
)

func TestListRunsSendsAndReturnsAPage(t *testing.T) {
	var sent []string
	h := connect(t, requests(sandbox.New(), &sent))
	for _, tc := range [][4]string{ // arguments, query, first, last
		{`{"thread_id":"thread_long"}`, "limit=20&order=asc", "run_long_001", "run_long_020"},
		{`{"thread_id":"thread_long","limit":"3","order":"desc"}`, "limit=3&order=desc", "run_long_250", "run_long_248"},
		{`{"thread_id":"thread_long","limit":2,"after":"run_long_020"}`, "after=run_long_020&limit=2&order=asc", "run_long_021", "run_long_022"},
		{`{"thread_id":"thread_long","limit":1,"before":"run_long_120"}`, "before=run_long_120&limit=1&order=asc", "run_long_119", "run_long_119"},
		{`{"thread_id":"thread_long","limit":100,"after":"run_long_020","before":"run_long_030"}`, "after=run_long_020&before=run_long_030&limit=100&order=asc", "run_long_021", "run_long_029"},
	} {
		sent = nil
		r := h.call("list_runs", tc[0])
		got := gjson.Parse(r.JSON)
		if !slices.Equal(sent, []string{"GET thread_long/runs?" + tc[1]}) || got.Get("first_id").Str != tc[2] || got.Get("last_id").Str != tc[3] || got.Get("scanned").Exists() {
			t.Errorf("%s: sent %q, got %.300s", tc[0], sent, got.Raw)
		}
		if len(r.Notes) != 1 {
			t.Errorf("progress %q", r.Notes)
		}
	}
}

func TestListRunsAll(t *testing.T) {
	var sent []string
	r := connect(t, requests(sandbox.New(), &sent)).call("list_runs", `{"thread_id":"thread_long","all":true,"limit":5,"order":"desc","before":"run_long_001","fields":["id"]}`)
	v := gjson.Parse(r.JSON)
	if v.Get("data.#").Int() != 249 || v.Get("first_id").Str != "run_long_250" || v.Get("last_id").Str != "run_long_002" || v.Get("has_more").Raw != "false" || v.Get("scanned").Exists() {
		t.Errorf("%.200s", r.JSON)
	}
	want := []string{
		// Given before alone, this server's page would end at the cursor.
		"GET thread_long/runs?limit=100&order=desc",
		"GET thread_long/runs?after=run_long_151&before=run_long_001&limit=100&order=desc",
		"GET thread_long/runs?after=run_long_051&before=run_long_001&limit=100&order=desc",
	}
	if !slices.Equal(sent, want) {
		t.Errorf("sent %q, want %q", sent, want)
	}
	if !slices.Equal(r.Notes, []string{"reading runs", "read 100 runs", "read 200 runs"}) {
		t.Errorf("progress %q", r.Notes)
	}
}

func TestListRunsByStatus(t *testing.T) {
	h := connect(t, sandbox.New())
	for _, tc := range []struct {
		args, ids, tail string // tail: what follows data
	}{
		{`"thread_id":"thread_demo","status":"active"`, "run_cancelling run_requires_action run_in_progress run_queued",
			`"first_id":"run_cancelling","last_id":"run_queued","has_more":false,"scanned":9}`},
		{`"thread_id":"thread_demo","status":["failed","queued"]`, "run_failed run_queued", `"first_id":"run_failed","last_id":"run_queued","has_more":false,"scanned":9}`},
		{`"thread_id":"thread_demo","status":"active","order":"desc","limit":1`, "run_queued", `"first_id":"run_queued","last_id":"run_queued","has_more":true,"scanned":1}`},
		{`"thread_id":"thread_demo","status":"queued","limit":1`, "run_queued", `"first_id":"run_queued","last_id":"run_queued","has_more":false,"scanned":9}`},
		{`"thread_id":"thread_long","status":["expired"]`, "", `"first_id":null,"last_id":null,"has_more":false,"scanned":250}`},
		{`"thread_id":"thread_long","status":["failed"],"limit":2,"after":"run_long_100"`, "run_long_108 run_long_118", `"first_id":"run_long_108","last_id":"run_long_118","has_more":true,"scanned":18}`},
		{`"thread_id":"thread_long","status":["failed"],"limit":2,"after":"run_long_118"`, "run_long_128 run_long_138", `"first_id":"run_long_128","last_id":"run_long_138","has_more":true,"scanned":20}`},
		{`"thread_id":"thread_long","status":["failed"],"limit":12`, "", `"first_id":"run_long_008","last_id":"run_long_118","has_more":true,"scanned":118}`},
		{`"thread_id":"thread_long","status":["failed"],"all":true,"limit":1`, "", `"first_id":"run_long_008","last_id":"run_long_248","has_more":false,"scanned":250}`},
	} {
		got := h.good("list_runs", "{"+tc.args+`,"fields":["id"]}`)
		if !strings.HasSuffix(got, "],"+tc.tail) {
			t.Errorf("%s: …%s, want %s", tc.args, got[strings.LastIndex(got, "]"):], tc.tail)
		}
		var ids []string
		for _, id := range gjson.Get(got, "data.#.id").Array() {
			ids = append(ids, id.Str)
		}
		if tc.ids != "" && strings.Join(ids, " ") != tc.ids {
			t.Errorf("%s: %q, want %s", tc.args, ids, tc.ids)
		}
	}
}

// limit runs end right where a page does: whether there are more is the API's to say.
func TestLimitAtThePagesEnd(t *testing.T) {
	for more, want := range map[string]string{"true": "true", "false": "false"} {
		h := connect(t, answers(`{"data":[{"id":"a","status":"failed"}],"last_id":"a","has_more":`+more+`}`))
		if got := gjson.Get(h.good("list_runs", `{"thread_id":"t","status":"failed","limit":1}`), "has_more").Raw; got != want {
			t.Errorf("has_more %s, want %s", got, want)
		}
	}
}

func TestUnknownAndMissingStatuses(t *testing.T) {
	h := connect(t, answers(`{"data":[{"id":"a","status":"generating"},{"id":"b"},{"id":"c","status":null},{"id":"d","status":"completed"}]}`))
	want := `{"object":"list","data":[{"id":"a","status":"generating"}],"first_id":"a","last_id":"a","has_more":false,"scanned":4}`
	if got := h.good("list_runs", `{"thread_id":"t","status":["active"]}`); got != want {
		t.Error(got)
	}
}

// paged serves pages of 100 runs without end, each after d; from the n-th page on, fail.
func paged(d time.Duration, n int, fail http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		if after/100 >= n {
			fail(w, r)
			return
		}
		select {
		case <-time.After(d):
		case <-r.Context().Done():
			return
		}
		var runs []string
		for i := range 100 {
			runs = append(runs, fmt.Sprintf(`{"id":"%d","status":"completed"}`, after+i+1))
		}
		answers(fmt.Sprintf(`{"data":[%s],"last_id":"%d","has_more":true}`, strings.Join(runs, ","), after+100))(w, r)
	}
}

func TestAScanStopsAfter45Seconds(t *testing.T) {
	for args, want := range map[string]string{
		`{"thread_id":"t","status":["failed"]}`: `"data":[],"first_id":null,"last_id":"400","has_more":true,"scanned":400}`,
		`{"thread_id":"t","all":true}`:          `"first_id":"1","last_id":"400","has_more":true}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			h := connect(t, paged(10*time.Second, 1000, nil))
			begin := time.Now()
			if got := h.good("list_runs", args); !strings.HasSuffix(got, want) || time.Since(begin) != 45*time.Second {
				t.Errorf("%s: …%s after %s", args, got[max(0, len(got)-100):], time.Since(begin))
			}
		})
	}
}

// A scan for which there is no memory any more returns what it has.
func TestAScanWithoutRoom(t *testing.T) {
	for _, room := range []int{10 << 20, 4 << 20} {
		synctest.Test(t, func(t *testing.T) {
			pages := 0
			c, err := runsapi.New(runsapi.Config{BaseURL: "https://api.example/v1", Auth: runsapi.AuthNone, Transport: sandbox.Transport(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				pages++
				answers(fmt.Sprintf(`{"data":[{"id":"r%d","status":"failed","x":%q}],"last_id":"r%[1]d","has_more":true}`, pages, strings.Repeat("x", 3<<20)))(w, r)
			}))})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Keep(c.Begin(t.Context()), 128<<20-room); err != nil {
				t.Fatal(err)
			}
			h := serve(t, tools.New(c, tools.Options{}))
			got := h.call("list_runs", `{"thread_id":"t","all":true}`)
			if room < 5<<20 {
				if !got.IsError || !strings.Contains(got.Text, "calls in progress take all memory") || !strings.Contains(got.Text, "fewer calls at a time") {
					t.Errorf("%.300s", got.Text)
				}
				return
			}
			if n := gjson.Get(got.JSON, "data.#").Int(); got.IsError || n != 2 || !strings.HasSuffix(got.JSON, fmt.Sprintf(`"last_id":"r%d","has_more":true}`, n)) {
				t.Errorf("%d runs, %.300s", n, got.Text)
			}
		})
	}
}

func TestAPageThatFailsSaysHowToGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := connect(t, paged(0, 3, status(500, "boom")))
		got := h.bad("list_runs", `{"thread_id":"t","all":true}`)
		if !strings.Contains(got, "after 300 runs") || !strings.Contains(got, `after: "300"`) || !strings.Contains(got, "HTTP 500: boom") {
			t.Error(got)
		}
		h = connect(t, paged(0, 0, status(500, "boom")))
		if got := h.bad("list_runs", `{"thread_id":"t","all":true}`); strings.Contains(got, "broke off") || !strings.Contains(got, "HTTP 500: boom") {
			t.Error(got)
		}
	})
}

func TestCursorsThatLeadNowhere(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":[{"id":"a"}],"last_id":"a","has_more":true}`: "ignores after",
		`{"data":[{"id":"b"}],"last_id":"a","has_more":true}`: "has come before",
		`{"data":[{"x":1}],"has_more":true}`:                  "gives no cursor",
	} {
		got := connect(t, answers(body)).bad("list_runs", `{"thread_id":"t","all":true}`)
		if !strings.Contains(got, want) || !strings.Contains(got, "broke off after") || !strings.Contains(got, "A page without all and status may still work.") || strings.Contains(got, "to go on, call again") {
			t.Error(got)
		}
	}
}

// Some servers refuse the page after the last one.
func TestAListThatEndsWithARefusal(t *testing.T) {
	h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("after") {
			status(404, "")(w, r)
			return
		}
		answers(`{"data":[{"id":"a","status":"failed"}],"last_id":"a"}`)(w, r)
	}))
	const want = `{"object":"list","data":[{"id":"a","status":"failed"}],"first_id":"a","last_id":"a","has_more":false}`
	if got := h.good("list_runs", `{"thread_id":"t","all":true}`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAScanThatGetsNoPageSaysWhatWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		h := connect(t, hang, func(o *tools.Options) { o.Timeout = time.Minute })
		if got := h.bad("list_runs", `{"thread_id":"t","all":true}`); !strings.HasPrefix(got, "GET /v1/threads/t/runs got no answer: no page of runs came within 45 s; try again later") {
			t.Error(got)
		}
	})
}

// A list that the end of the server breaks off is an error, unlike one that takes too long.
func TestAScanThatTheEndOfTheServerInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := sandbox.Transport(t.Context(), paged(10*time.Second, 1000, nil))
		c, err := runsapi.New(runsapi.Config{BaseURL: "https://api.example/v1", Auth: runsapi.AuthNone, Transport: api})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(25*time.Second, func() { stop(errors.New("the server is shutting down")) })
		call := stdio.Call{Name: "list_runs", Args: `{"thread_id":"t","all":true}`, Progress: func(int, string) {}}
		r := tools.New(c, tools.Options{}).Call(ctx, call)
		if !r.IsError || !strings.Contains(r.Text, "after 200 runs") || !strings.Contains(r.Text, "the server is shutting down") {
			t.Errorf("%+v", r)
		}
	})
}

func TestAPageThatFailsBehindAnEmptyOne(t *testing.T) {
	h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("after") {
			status(400, "boom")(w, r)
			return
		}
		answers(`{"data":[],"last_id":"c1","has_more":true}`)(w, r)
	}))
	if got := h.bad("list_runs", `{"thread_id":"t","all":true}`); !strings.Contains(got, `after 0 runs; to go on, call again with after: "c1"`) {
		t.Error(got)
	}
}

// Clients read JSON that is nested 100 deep, and the list takes two levels.
func TestListsThatAreNestedTooDeeplySayHowToDoWithout(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	inRun := func(depth int) string {
		return `{"data":[{"id":"a","status":"failed"},{"id":"b","status":"failed","x":` + nested(depth) + `}],"has_more":false}`
	}
	outside := `{"data":[{"id":"a","status":"failed"}],"has_more":false,"x":` + nested(100) + `}`
	for _, tc := range []struct{ name, body, args, want string }{ // without want, the call succeeds
		{"a page, as deep as may be", inRun(97), "", ""},
		{"a page", inRun(98), "", "call again with fields, naming the fields that are needed, without x"},
		{"a page, without the field", inRun(98), `,"fields":["status"]`, ""},
		{"all, as deep as may be", inRun(97), `,"all":true`, ""},
		{"all", inRun(98), `,"all":true`, "call again with fields, naming the fields that are needed, without x"},
		{"all, without the field", inRun(98), `,"all":true,"fields":["status"]`, ""},
		{"outside the runs", outside, "", "with all: true it is made anew"},
		{"outside the runs, all", outside, `,"all":true`, ""},
	} {
		r := connect(t, answers(tc.body)).call("list_runs", `{"thread_id":"t"`+tc.args+`}`)
		if r.IsError != (tc.want != "") || !strings.Contains(r.Text, tc.want) {
			t.Errorf("%s: got %.300s, want %q", tc.name, r.Text, tc.want)
		}
	}
}
