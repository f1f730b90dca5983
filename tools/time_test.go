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

	"runs-mcp/tools"
)

// pause sleeps, unless the request ends before.
func pause(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// slow is what APIs do that keep a call waiting.
var slow = map[string]http.HandlerFunc{
	"hangs before the headers": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	"hangs in mid-body": func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"id":`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	},
	"trickles": func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			pause(r, time.Second)
		}
	},
	"answers 500 after 20 s": func(w http.ResponseWriter, r *http.Request) {
		pause(r, 20*time.Second)
		status(500, "boom")(w, r)
	},
	"asks to wait 30 s":         status(429, "slow down", "Retry-After", "30"),
	"asks to wait 50,000 ms":    status(429, "slow down", "retry-after-ms", "50000"),
	"asks to wait by Azure":     status(429, "slow down", "x-ms-retry-after-ms", "50000"),
	"asks to wait for ever":     status(503, "slow down", "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"),
	"asks to wait absurdly":     status(503, "slow down", "Retry-After", "1e308"),
	"asks to wait till the end": status(503, "slow down", "Retry-After", "53.999"),
}

// Whatever the API does, a call without wait is answered before the first hosts
// give it up, and a wait when its time is over.
func TestEveryCallIsAnsweredInTime(t *testing.T) {
	for api, h := range slow {
		for tool, args := range map[string]string{
			"get_run":    `"run_id":"r"`,
			"cancel_run": `"run_id":"r","force":true`,
			"list_runs":  `"all":true`,
		} {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				connect(t, h).bad(tool, `{"thread_id":"t",`+args+`}`)
				if took := time.Since(begin); took > 55*time.Second {
					t.Errorf("%s of an API that %s took %s", tool, api, took)
				}
			})
		}
		for _, limit := range []time.Duration{time.Second, 70 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				connect(t, h).bad("get_run", fmt.Sprintf(`{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":%.0f}`, limit.Seconds()))
				if took := time.Since(begin); took > limit {
					t.Errorf("a wait of %s on an API that %s took %s", limit, api, took)
				}
			})
			synctest.Test(t, func(t *testing.T) { // the first reading succeeds
				var n atomic.Int32
				begin := time.Now()
				got := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if n.Add(1) == 1 {
						answers(`{"id":"r","status":"in_progress"}`)(w, r)
						return
					}
					h(w, r)
				})).good("get_run", fmt.Sprintf(`{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":%.0f}`, limit.Seconds()))
				if took := time.Since(begin); took != limit || gjson.Get(got, "status").Str != "in_progress" {
					t.Errorf("a wait of %s on an API that %s took %s: %s", limit, api, took, got)
				}
			})
		}
	}
}

func TestNoTimeLimitAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pause(r, time.Hour)
			answers(`{"id":"r","status":"completed"}`)(w, r)
		}), func(o *tools.Options) { o.Timeout = 0 })
		h.good("get_run", `{"thread_id":"t","run_id":"r"}`)
	})
	synctest.Test(t, func(t *testing.T) { // an attempt of 80 s ends in a call that is longer
		h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pause(r, 79*time.Second)
			answers(`{"id":"r","status":"completed"}`)(w, r)
		}), func(o *tools.Options) { o.Timeout = 80 * time.Second })
		h.good("get_run", `{"thread_id":"t","run_id":"r"}`)
	})
}

// A wait rides out what passes, from the first reading on, and ends at once with
// what does not.
func TestAWaitRidesOutWhatPasses(t *testing.T) {
	running, done := answers(`{"id":"r","status":"in_progress"}`), answers(`{"id":"r","status":"completed"}`)
	refuse := func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }
	quota := status(429, `{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}`)
	for name, tc := range map[string]struct {
		first, then http.HandlerFunc
		passes      bool
	}{
		"502":                          {running, status(502, "<html>Bad Gateway</html>"), true},
		"502 from the first reading":   {status(502, ""), status(502, ""), true},
		"429":                          {running, status(429, "", "Retry-After", "1"), true},
		"408":                          {running, status(408, ""), true},
		"409":                          {running, status(409, ""), true},
		"no connection":                {running, refuse, true},
		"no connection from the first": {refuse, refuse, true},
		"an error in a 200":            {running, answers(`{"error":{"code":"429","message":"slow down"}}`), true},
		"JSON that ends early":         {running, answers(`{"id":"r","sta`), true},
		"401":                          {running, status(401, ""), false},
		"403":                          {running, status(403, ""), false},
		"404":                          {running, status(404, ""), false},
		"501":                          {running, status(501, ""), false},
		"quota":                        {running, quota, false},
		"no run":                       {running, answers("[]"), false},
	} {
		for _, tool := range []string{"get_run", "cancel_run"} {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int32
				h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch i := n.Add(1); {
					case r.Method == "POST":
						answers(`{"id":"r","status":"cancelling"}`)(w, r)
						n.Store(1)
					case i == 1:
						tc.first(w, r)
					case i <= 11:
						tc.then(w, r)
					default:
						done(w, r)
					}
				}))
				begin := time.Now()
				args := `{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":100`
				if tool == "cancel_run" {
					args += `,"force":true`
				}
				r := h.call(tool, args+"}")
				if r.IsError == tc.passes || tc.passes && gjson.Get(r.JSON, "status").Str != "completed" {
					t.Errorf("%s, %s: %s%s", tool, name, r.Text, r.JSON)
				}
				if !tc.passes && (time.Since(begin) > 2*time.Second || !strings.Contains(r.Text, "last status seen is")) {
					t.Errorf("%s, %s: after %s: %s", tool, name, time.Since(begin), r.Text)
				}
				if tool == "cancel_run" && r.IsError != strings.HasPrefix(r.Text, "cancel was requested") {
					t.Errorf("%s, %s: %s", tool, name, r.Text)
				}
			})
		}
	}
}

// A wait heeds how long the API asks to wait, as far as it has the time.
func TestAWaitHeedsRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				status(429, "", "Retry-After", "120")(w, r)
				return
			}
			answers(`{"id":"r","status":"completed"}`)(w, r)
		}))
		begin := time.Now()
		h.good("get_run", `{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":300}`)
		if took := time.Since(begin); took != 2*time.Minute {
			t.Errorf("took %s", took)
		}
	})
}

// The run that is to be cancelled with wait is read in spite of an outage.
func TestACancelWithWaitRidesOutItsFirstReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if time.Since(begin) < 2*time.Minute { // longer than a call without wait may take
				status(503, "")(w, r)
				return
			}
			answers(`{"id":"r","status":"cancelled"}`)(w, r)
		}))
		h.good("cancel_run", `{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":300}`)
	})
}

// When the time of a call is over, the error says what was tried and what to check.
func TestTheEndOfACallsTimeIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := connect(t, slow["hangs before the headers"]).bad("get_run", `{"thread_id":"t","run_id":"r"}`)
		for _, want := range []string{"after 54s", "base URL https://api.example/v1", "2 tries were made"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is missing in %s", want, got)
			}
		}
	})
}

// An API that asks to wait for longer than a wait has left is asked once more
// before its end.
func TestAWaitReadsOnceMoreBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				status(429, "", "Retry-After", "4")(w, r)
				return
			}
			answers(`{"id":"r","status":"in_progress"}`)(w, r)
		}))
		begin := time.Now()
		h.good("get_run", `{"thread_id":"t","run_id":"r","wait":true,"timeout_sec":3}`)
		if time.Since(begin) != 3*time.Second {
			t.Errorf("took %s", time.Since(begin))
		}
	})
}
