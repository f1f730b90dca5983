package runsapi

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/tidwall/gjson"
)

func TestRunIsKeptAsItCame(t *testing.T) {
	for body, want := range map[string]string{
		" {\n \"id\" : \"r\" ,\t\"status\":\"queued\"\r\n} ":                                                           `{"id":"r","status":"queued"}`,
		`{"b":1.0,"id":"r","big":12345678901234567890,"e":1E+2,"status":"s","a":null}`:                                 `{"b":1.0,"id":"r","big":12345678901234567890,"e":1E+2,"status":"s","a":null}`,
		`{"id":"r","status":"s","t":"a  b\n\u00e9 \" \\ <&>/\/"}`:                                                      `{"id":"r","status":"s","t":"a  b\n\u00e9 \" \\ <&>/\/"}`,
		"{\"id\":\"r\",\"status\":\"s\",\"t\":\"\u2027 \U0001F600 \x7f\"}":                                             "{\"id\":\"r\",\"status\":\"s\",\"t\":\"\u2027 \U0001F600 \x7f\"}",
		"{\"id\":\"r\",\"status\":\"s\",\"t\":\"\xff\xfe a\xc3\"}":                                                     "{\"id\":\"r\",\"status\":\"s\",\"t\":\"\ufffd\ufffd a\ufffd\"}",
		`{"id":"r","status":"s","a":"\\" , "b" : "\\\" , \\\\" }`:                                                      `{"id":"r","status":"s","a":"\\","b":"\\\" , \\\\"}`,
		`{"id":"r","status":"s","t":"\n\ud83d\n"}`:                                                                     "{\"id\":\"r\",\"status\":\"s\",\"t\":\"\\n\ufffd\\n\"}",
		`{"id":"r","status":"s","t":"\u00e9\uD83D x"}`:                                                                 "{\"id\":\"r\",\"status\":\"s\",\"t\":\"\\u00e9\ufffd x\"}",
		`{"id":"r","status":"s","t":"\u00e9\ud83d\ude00\u0041"}`:                                                       `{"id":"r","status":"s","t":"\u00e9\ud83d\ude00\u0041"}`,
		"\ufeff{\"id\":\"r\",\"status\":\"s\"}":                                                                        `{"id":"r","status":"s"}`,
		`{"id":"r","status":"s","cut":"\ud83d x","pair":"\uD83D\uDE00","a\udc00":"\ud83d\ud83d\ude00","no":"\\ud83d"}`: "{\"id\":\"r\",\"status\":\"s\",\"cut\":\"\ufffd x\",\"pair\":\"\\uD83D\\uDE00\",\"a\ufffd\":\"\ufffd\\ud83d\\ude00\",\"no\":\"\\\\ud83d\"}",
		"{\"id\":\"r\",\"status\":\"s\",\"t\":\"a\u0085b\u2028c\u2029\"}":                                              `{"id":"r","status":"s","t":"a\u0085b\u2028c\u2029"}`,
		`{"id":5,"id":"r","status":"s","x":{"id":1},"x":{"id":2}}`:                                                     `{"id":5,"id":"r","status":"s","x":{"id":1},"x":{"id":2}}`,
		`{"id":"first","status":"s","x":{"id":1},"x":{"id":2}}`:                                                        `{"id":"first","status":"s","x":{"id":1},"x":{"id":2}}`,
		`{"id":"r","status":"s","deep":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`:                 `{"id":"r","status":"s","deep":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`,
	} {
		run, err := dial(t, answers(body)).GetRun(t.Context(), "t", "r")
		if err != nil || run.RawJSON() != want {
			t.Errorf("%.100q\n got %.200q\nwant %.200q\n%v", body, run.RawJSON(), want, err)
		}
	}
}

// Bodies as the servers of the Runs API send them; see testdata/README.md.
func TestRunsOfEveryBackend(t *testing.T) {
	for _, name := range []string{"openai", "foundry", "foundry_tool_approval", "cogitator", "open_assistant_api", "astra", "lumenlabs", "portkey_docs"} {
		body, err := os.ReadFile("testdata/run_" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		run, err := dial(t, answers(string(body))).GetRun(t.Context(), "t", "r")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if run.ID != gjson.GetBytes(body, "id").Str || run.Status != gjson.GetBytes(body, "status").Str {
			t.Errorf("%s: %+v", name, run)
		}
		var want bytes.Buffer
		for _, c := range body { // these hold no white space within strings but spaces
			if c != '\n' {
				want.WriteByte(c)
			}
		}
		if got, wanted := strings.ReplaceAll(run.RawJSON(), " ", ""), strings.ReplaceAll(want.String(), " ", ""); got != wanted {
			t.Errorf("%s:\n got %s\nwant %s", name, got, wanted)
		}
	}
}

func TestListsOfEveryBackend(t *testing.T) {
	for name, want := range map[string]struct {
		runs int
		last string
		more bool
	}{
		"openai":             {1, "run_abc456", false},
		"openai_empty":       {0, "", false},
		"foundry":            {2, "run_vN2bQyK4dHqS", true},
		"open_assistant_api": {0, "", false},
		"lumenlabs":          {1, "run_0b8e3a57-1f0c-4f0e-9d4c-5d3b0a3b0c11", false},
	} {
		body, err := os.ReadFile("testdata/list_" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		page, err := dial(t, answers(string(body))).ListRuns(t.Context(), "t", ListParams{})
		if err != nil || len(page.Data) != want.runs || page.LastID != want.last || page.HasMore() != want.more {
			t.Errorf("%s: %d runs, last %q, more %t, %v", name, len(page.Data), page.LastID, page.HasMore(), err)
		}
	}
}

// An object with a string id and a string status is a run, whatever else it has.
func TestRunsWithAnError(t *testing.T) {
	body := `{"id":"run_1","object":"thread.run","thread_id":"t","status":"failed","error":{"code":"server_error","message":"m"}}`
	if run, err := dial(t, answers(body)).GetRun(t.Context(), "t", "run_1"); err != nil || run.Status != "failed" {
		t.Error(run, err)
	}
	if _, err := dial(t, answers(`{"id":"err_1","status":"failed","error":{"message":"m"}}`)).GetRun(t.Context(), "t", "run_1"); !errors.Is(err, ErrInBody) {
		t.Error(err)
	}
}

func TestWhatIsNoRun(t *testing.T) {
	for body, want := range map[string]string{
		"":                                      "the body is empty",
		" \n":                                   "the body is empty",
		"[]":                                    "a JSON array",
		`[{"id":"r","status":"s"}]`:             "a JSON array",
		"null":                                  "a bare JSON value",
		`"ok"`:                                  "a bare JSON value",
		"{}":                                    "an object",
		`{"run_id":"r","status":"pending"}`:     "an object with run_id (string), status (string)", // LangGraph
		`{"id":5,"status":"queued"}`:            "an object with id (number), status (string)",
		`{"id":"r","status":"s","status":null}`: "an object",
		`{"id":"r","status":null}`:              "an object",
		`{"id":"r"}`:                            "an object",
		`{"id":"r","status":"s"}}`:              "not JSON",
		`{"id":"r","status":"s","n":1 2}`:       "not JSON",
		"<!DOCTYPE html><html><head><title>Sign in</title><script>x()</script></head><body>Please <b>sign in</b></body></html>": "an HTML page: Sign in Please sign in",
	} {
		_, err := dial(t, answers(body)).GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.Is(err, ErrNotRuns) || !errors.As(err, &e) || e.Status != 200 || !strings.Contains(e.Message, want) || e.Attempts != 1 {
			t.Errorf("%.80q: %v, want %q", body, err, want)
		}
	}
	if _, err := dial(t, status(204, "")).GetRun(t.Context(), "t", "r"); !errors.Is(err, ErrNotRuns) {
		t.Error(err)
	}
}

func TestWhatIsNoList(t *testing.T) {
	for _, body := range []string{"", "[]", "{}", runJSON, `{"data":{}}`, `{"data":["a"]}`, `{"data":[1,null]}`, "<html>"} {
		if _, err := dial(t, answers(body)).ListRuns(t.Context(), "t", ListParams{}); !errors.Is(err, ErrNotRuns) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestAnOddItemDoesNotLoseTheList(t *testing.T) {
	var log bytes.Buffer
	c := dial(t, answers(`{"x":1,"data":[{"id":"a"},null,{"status":7},"s"],"has_more":null}`), func(cfg *Config) { cfg.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	page, err := c.ListRuns(t.Context(), "t", ListParams{})
	if got := joined(page); err != nil || got != `{"x":1,"has_more":null,"data":[{"id":"a"},{"status":7}]}` {
		t.Error(got, err)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "items=2 path=/v1/threads/t/runs") {
		t.Errorf("logged %q", log.String())
	}
}

func TestOfTwoDataTheLastCounts(t *testing.T) {
	for body, want := range map[string]int{
		`{"data":[{"id":"a"}],"data":null}`:                    0,
		`{"data":null,"data":[{"id":"a"},{}]}`:                 2,
		`{"data":[{"id":"a"}],"data":[{"id":"b"},{"id":"c"}]}`: 2,
	} {
		if page, err := dial(t, answers(body)).ListRuns(t.Context(), "t", ListParams{}); err != nil || len(page.Data) != want {
			t.Errorf("%s: %d runs, want %d, %v", body, len(page.Data), want, err)
		}
	}
	if _, err := dial(t, answers(`{"data":[{"id":"a"}],"data":7}`)).ListRuns(t.Context(), "t", ListParams{}); !errors.Is(err, ErrNotRuns) {
		t.Error(err)
	}
}

// joined is the JSON of a page.
func joined(p Page) string {
	head, tail := p.Envelope()
	var runs []string
	for _, run := range p.Data {
		runs = append(runs, run.RawJSON())
	}
	return head + strings.Join(runs, ",") + tail
}

func TestGzip(t *testing.T) {
	c := dial(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("Accept-Encoding %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write([]byte(runJSON))
		z.Close()
	})
	if run, err := c.GetRun(t.Context(), "t", "r"); err != nil || run.RawJSON() != runJSON {
		t.Error(run, err)
	}
}

// Bodies are decompressed by what they are, not by what their label says.
func TestCompressionWhateverTheLabel(t *testing.T) {
	long := ""
	compress := func(f func(io.Writer) io.WriteCloser) string {
		var b bytes.Buffer
		w := f(&b)
		io.WriteString(w, long)
		w.Close()
		return b.String()
	}
	raw := ""
	for n := 50; n < 500 && (raw == "" || !isText([]byte(raw[:1]))); n++ { // until raw begins as a text may begin
		long = `{"id":"run_1","status":"completed"`
		for i := range n {
			long += fmt.Sprintf(`,"field %d":"%x"`, i, i*i*i)
		}
		long += "}"
		raw = compress(func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 9); return f })
	}
	zipped := compress(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	zlibbed := compress(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	for name, tc := range map[string]struct {
		body   string
		labels []string
	}{
		"plain":               {long, []string{"", "gzip", "deflate", "identity"}},
		"white space":         {"\r\n\t" + long, []string{"", "deflate"}},
		"a byte order mark":   {"\ufeff" + long, []string{"", "deflate"}},
		"gzip":                {zipped, []string{"", "gzip", "deflate", "identity"}},
		"gzip and a line end": {zipped + "\r\n", []string{"gzip"}},
		"gzip in two members": {gzipped(long[:100]) + gzipped(long[100:]), []string{"", "gzip"}},
		"two and a line end":  {gzipped(long[:100]) + gzipped(long[100:]) + "\r\n", []string{"", "gzip"}},
		"zlib":                {zlibbed, []string{"", "gzip", "deflate", "identity"}},
		"deflate":             {raw, []string{"gzip", "deflate"}},
	} {
		for _, label := range tc.labels {
			var header []string
			if label != "" {
				header = []string{"Content-Encoding", label}
			}
			run, err := dial(t, status(200, tc.body, header...)).GetRun(t.Context(), "t", "r")
			if err != nil || run.RawJSON() != long {
				t.Errorf("%s labelled %q: %q, %v", name, label, run.RawJSON(), err)
			}
		}
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

// What follows compressed data is read to its end: only then is the connection reused.
func TestACompressedBodyIsReadToItsEnd(t *testing.T) {
	rest := strings.NewReader(strings.Repeat("\n", 100))
	c := direct(t, func(*http.Request) *http.Response {
		r := response(200, nil)
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(gzipped(runJSON)), iotest.OneByteReader(rest)))
		return r
	})
	if _, err := c.GetRun(t.Context(), "t", "r"); err != nil || rest.Len() > 0 {
		t.Errorf("%v, %d bytes are left", err, rest.Len())
	}
}

// A body that is cut in the header of its compression is not an empty one, which would
// confirm a cancel.
func TestABodyCutInTheHeaderOfItsCompression(t *testing.T) {
	for name, body := range map[string]string{"gzip": gzipped(runJSON)[:6], "zlib": "x\xbb\x00\x00"} {
		c := dial(t, status(200, body), func(c *Config) { c.MaxRetries = 0 })
		_, err := c.CancelRun(t.Context(), "t", "r")
		if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrEncoding) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The bytes that data of zlib begins with may also begin a text.
// A body that came whole, but is not compressed as it seems, does not hide its status.
func TestAnErrorWhoseCompressionIsBroken(t *testing.T) {
	for _, body := range []string{"x\x9c", "\x1f\x8b", "\x1f\x8b\x08broken and long enough"} {
		_, err := dial(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, body)
		}).GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) || e.Status != http.StatusForbidden || e.Message != "Forbidden" {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestATextThatBeginsLikeZlib(t *testing.T) {
	for _, text := range []string{"x is not allowed", "x^2 is not a run", "x?"} {
		_, err := dial(t, status(403, text)).GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) || e.Message != text {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTooLargeAnswerIsAnErrorAtOnce(t *testing.T) {
	tries := 0
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries++
		pad := bytes.Repeat([]byte(" "), 1<<20)
		for range maxBody>>20 + 1 {
			w.Write(pad)
		}
	}))
	defer h.Close()
	c, err := New(Config{BaseURL: h.URL, MaxRetries: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetRun(t.Context(), "t", "r"); err == nil || !strings.Contains(err.Error(), "64 MiB") || tries != 1 {
		t.Error(err, tries)
	}
}

func TestLongErrorBodyIsCutNotRefused(t *testing.T) {
	_, err := dial(t, status(400, strings.Repeat("x", maxErrorBody+10))).GetRun(t.Context(), "t", "r")
	var e *Error
	if !errors.As(err, &e) || e.Status != 400 || len([]rune(e.Message)) != maxMessage {
		t.Error(err)
	}
}

// watched is a body that notes whether it was closed, and how much of it was read.
type watched struct {
	io.Reader
	read   int
	closed bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.read += n
	return n, err
}

func (w *watched) Close() error {
	w.closed = true
	return nil
}

// Of a long error body the rest is not even read, and no body is left open.
func TestBodiesAreClosed(t *testing.T) {
	for name, tc := range map[string]struct {
		code int
		body string
		most int // bytes that are read
	}{
		"a run":            {200, runJSON, len(runJSON)},
		"a long error":     {500, strings.Repeat("x", 5*maxErrorBody), 2 * maxErrorBody},
		"a broken gzip":    {200, "\x1f\x8b\x00" + strings.Repeat("x", maxErrorBody), maxErrorBody / 2},
		"another protocol": {101, "", 0},
		"nothing":          {204, "", 0},
	} {
		body := &watched{Reader: strings.NewReader(tc.body)}
		c := direct(t, func(*http.Request) *http.Response {
			r := response(tc.code, nil)
			r.Body = body
			return r
		})
		_, err := c.GetRun(t.Context(), "t", "r")
		if !body.closed || body.read > tc.most || (err == nil) != (tc.body == runJSON) || tc.code == 101 && !errors.Is(err, ErrHeaders) {
			t.Errorf("%s: closed %t, %d bytes read, at most %d expected, %v", name, body.closed, body.read, tc.most, err)
		}
	}
}

func TestCancel(t *testing.T) {
	cancelling, cancelled, completed := `{"id":"run_1","status":"cancelling"}`, `{"id":"run_1","status":"cancelled"}`, `{"id":"run_1","status":"completed"}`
	cannot := func(status string) string {
		return fmt.Sprintf(`{"error":{"message":"Cannot cancel run with status '%s'.","type":"invalid_request_error","param":null,"code":null}}`, status)
	}
	tests := []struct {
		name, want string // the run's status, or a part of the error
		post, get  http.HandlerFunc
	}{
		{"accepted", "cancelling", answers(cancelling), nil},
		{"empty 200", "cancelled", answers("\n"), answers(cancelled)},
		{"204", "cancelled", status(204, ""), answers(cancelled)},
		{"cancelling already", "cancelling", status(400, cannot("cancelling")), answers(cancelling)},
		{"cancelled already", "cancelled", status(400, cannot("cancelled")), answers(cancelled)},
		{"double quotes", "cancelled", status(409, strings.ReplaceAll(cannot("cancelled"), "'", `\"`)), answers(cancelled)},
		{"completed", "its status is completed", status(400, cannot("completed")), answers(completed)},
		{"cancelled by somebody else meanwhile", "canceled", status(422, `{"detail":"no"}`), answers(`{"id":"r","status":"canceled"}`)},
		{"no cancel here", "its status is in_progress: POST /v1/threads/t/runs/r/cancel: HTTP 404", status(404, ""), answers(runJSON)},
		{"cancels are not allowed", "its status is in_progress", status(405, ""), answers(runJSON)},
		{"cancels are not offered", "its status is in_progress", status(501, ""), answers(runJSON)},
		{"cancels are forbidden", "HTTP 403", status(403, `{"error":{"message":"You may not cancel runs."}}`), nil},
		{"no such run", "HTTP 404", status(404, ""), status(404, "")},
		{"a 500 that says why", "its status is completed", status(500, `{"error":{"message":"run is already finished"}}`, "x-should-retry", "false"), answers(completed)},
		{"accepted, then unreadable", "cancel was requested", status(202, ""), status(404, "")},
		{"accepted by another API", "cancel was requested", status(202, ""), answers(`{"run_id":"r","status":"interrupted"}`)},
		{"accepted, with no Run", "cancelling", answers(`{"ok":true}`), answers(cancelling)},
		{"accepted, but not carried out yet", "in_progress", answers("OK"), answers(runJSON)},
		{"accepted, and answered with a run that has ended", "its status is completed", answers(completed), answers(completed)},
		{"accepted, and answered with the run itself, which has ended", "its status is completed", answers(`{"id":"r","status":"completed"}`), answers(`{"id":"r","status":"completed"}`)},
		{"accepted, and answered with the run itself, which goes on", "in_progress", answers(`{"id":"r","status":"in_progress"}`), nil},
		{"accepted, and answered with another run", "cancelling", answers(`{"id":"other","status":"queued"}`), answers(cancelling)},
		{"accepted, and answered with something else", "cancelling", answers(`{"id":"evt_9","status":"success"}`), answers(cancelling)},
		{"a login page", "not a Runs API response", answers("<html>Sign in</html>"), answers(runJSON)},
		{"a success with an error in it", "no permission", answers(`{"error":{"message":"no permission"}}`), answers(runJSON)},
		{"accepted too late", "its status is completed", answers("{}"), answers(completed)},
		{"500", "HTTP 500", status(500, "", "x-should-retry", "false"), nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == "POST" && r.URL.Path == "/v1/threads/t/runs/r/cancel":
					tc.post(w, r)
				case r.Method == "GET" && r.URL.Path == "/v1/threads/t/runs/r" && tc.get != nil:
					tc.get(w, r)
				default:
					t.Errorf("%s %s", r.Method, r.URL)
				}
			})
			run, err := c.CancelRun(t.Context(), "t", "r")
			isStatus := !strings.Contains(tc.want, " ")
			if isStatus != (err == nil) || err == nil && run.Status != tc.want || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%+v, %v, want %q", run, err, tc.want)
			}
		})
	}
}

// The cancel arrives, its answer is lost, and the retry meets "cannot cancel".
func TestCancelWhoseAnswerWasLost(t *testing.T) {
	posts := 0
	c := dial(t, func(w http.ResponseWriter, r *http.Request) {
		switch posts++; {
		case r.Method == "GET":
			answers(`{"id":"run_1","status":"cancelling"}`)(w, r)
		case posts == 1:
			drop(w, r)
		default:
			status(400, `{"error":{"message":"Cannot cancel run with status 'cancelling'."}}`)(w, r)
		}
	})
	if run, err := c.CancelRun(t.Context(), "t", "r"); err != nil || run.Status != "cancelling" || posts != 3 {
		t.Error(run, err, posts)
	}
}

func TestPages(t *testing.T) {
	pages := map[string]string{
		"":   `{"data":[{"id":"a"},{"id":"b"}],"last_id":"b","has_more":true}`,
		"b":  `{"data":[{"id":"c"}],"has_more":true}`, // the cursor is the last run's id, then
		"c":  `{"data":[{"id":"d"}],"last_id":"d","has_more":false}`,
		"x":  `{"data":[{"id":"y"}],"last_id":"y","has_more":true}`, // a ring
		"y":  `{"data":[{"id":"x"}],"last_id":"x","has_more":true}`,
		"r":  `{"data":[{"id":"p"}],"last_id":"p","has_more":true}`, // leads into a ring
		"p":  `{"data":[{"id":"q"}],"last_id":"q","has_more":true}`,
		"q":  `{"data":[{"id":"p"}],"last_id":"p","has_more":true}`,
		"u":  `{"data":[{"id":"v"}],"last_id":"v"}`, // a ring of a server that does not say whether there are more
		"v":  `{"data":[{"id":"u"}],"last_id":"u"}`,
		"n":  `{"data":[{"id":"a"}],"last_id":"a/b"}`,
		"e":  `{"data":[],"last_id":null,"has_more":true}`,
		"e1": `{"data":[{}],"has_more":true}`,
		"s":  `{"data":[{"id":"c"}],"last_id":"c","has_more":"True"}`,
		"o":  `{"data":[{"id":"a"}],"last_id":"a/b","has_more":true}`,
		"w":  `{"data":[{"id":"1"},{"id":"2"}],"first_id":"2","last_id":"1","has_more":true}`, // the cursors are swapped
		"1":  `{"data":[{"id":"2"},{"id":"3"}],"last_id":"3","has_more":false}`,
		"2":  `{"data":[{"id":"3"}],"last_id":"3","has_more":false}`,
	}
	for _, tc := range []struct {
		after, want string
		cursor      bool // whether it ends with ErrCursor
	}{
		{"", "abcd", false},
		{"x", "yx", true},
		{"r", "pqp", true},
		{"u", "vu", false},
		{"n", "a", false},
		{"e", "", true},
		{"e1", "", true},
		{"s", "cd", false},
		{"o", "a", true},
		{"w", "123", false},
	} {
		for _, readAhead := range []bool{false, true} {
			var got, befores strings.Builder
			c := dial(t, func(w http.ResponseWriter, r *http.Request) {
				befores.WriteString(r.URL.Query().Get("before"))
				answers(pages[r.URL.Query().Get("after")])(w, r)
			})
			var last error
			n := 0
			for page, err := range c.Pages(t.Context(), "t", ListParams{After: tc.after, Before: "z"}, readAhead) {
				last = err
				for _, run := range page.Data {
					got.WriteString(run.ID)
				}
				if n++; n > 10 {
					t.Fatal("endless")
				}
			}
			if got.String() != tc.want || tc.cursor != errors.Is(last, ErrCursor) || strings.Trim(befores.String(), "z") != "" || befores.Len() == 0 {
				t.Errorf("after %q, %t: %s, %v, before %q", tc.after, readAhead, got.String(), last, befores.String())
			}
		}
	}
}

// With readAhead, the next page has been asked for before a page is yielded, and nothing is
// left of it if it is not wanted.
func TestPagesReadAhead(t *testing.T) {
	for name, tc := range map[string]struct {
		first     string
		readAhead bool
		asked     string // the cursors that the server was asked for while the first page is used
		want      string // all runs
	}{
		"as OpenAI writes it":  {`{"object":"list","data":[{"id":"a"}],"first_id":"a","last_id":"a","has_more":true}`, true, ",a", "ab"},
		"with white space":     {"{\"data\" : [{\"id\":\"a\"}],\n \"last_id\" : \"a\",\n \"has_more\" : true\n}\n", true, ",a", "ab"},
		"large":                {`{"data":[{"id":"a","x":"` + strings.Repeat("x", 3<<20) + `"}],"last_id":"a","has_more":true}`, true, "", "ab"},
		"not asked to":         {`{"data":[{"id":"a"}],"last_id":"a","has_more":true}`, false, "", "ab"},
		"no more":              {`{"data":[{"id":"a"}],"last_id":"a","has_more":false}`, true, "", "a"},
		"another order":        {`{"has_more":true,"last_id":"a","data":[{"id":"a"}]}`, true, "", "ab"},
		"no cursor":            {`{"data":[{"id":"a"}],"last_id":"","has_more":true}`, true, "", "ab"},
		"another cursor":       {`{"last_id":"a","has_more":true,"data":[{"id":"a"}],"usage":{"last_id":"x","has_more":true}}`, true, "", "ab"},
		"the end is a run's":   {`{"data":[{"id":"a"}],"x":{"last_id":"x","has_more":true}}`, true, "", "ab"},
		"cursors swapped":      {`{"data":[{"id":"a"},{"id":"c"}],"first_id":"c","last_id":"a","has_more":true}`, true, ",a", "acb"},
		"a list cut at before": {`{"data":[{"id":"a"},{"id":"z"}],"last_id":"z","has_more":true}`, true, ",z", "a"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked []string
			c := direct(t, func(r *http.Request) *http.Response {
				after := r.URL.Query().Get("after")
				asked = append(asked, after)
				if after == "" {
					return response(200, []byte(tc.first))
				}
				large := strings.Repeat("x", 1<<20)
				return response(200, []byte(`{"data":[{"id":"b","x":"`+large+`"}],"last_id":"b","has_more":false}`))
			})
			ctx, end := context.WithCancel(t.Context())
			defer end()
			got, first := "", ""
			for page, err := range c.Pages(c.Begin(ctx), "t", ListParams{Before: "z"}, tc.readAhead) {
				if synctest.Wait(); first == "" {
					first = "," + strings.Join(asked[1:], ",")
				}
				for _, run := range page.Data {
					got += run.ID
				}
				if err != nil && !errors.Is(err, ErrCursor) {
					t.Error(name, err)
				}
			}
			if strings.TrimSuffix(first, ",") != tc.asked || got != tc.want || c.memory.held != 0 {
				t.Errorf("%s: asked for %s, got %s, %d bytes are held", name, first, got, c.memory.held)
			}
			if name == "cursors swapped" && asked[len(asked)-1] != "c" {
				t.Errorf("%s: asked for %q", name, asked)
			}
		})
	}
}

// What was asked for ahead is given up when the caller wants no more pages, or cancels.
func TestPagesReadAheadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 0
		c := dial(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("after") == "" {
				answers(`{"data":[{"id":"a"}],"last_id":"a","has_more":true}`)(w, r)
				return
			}
			<-r.Context().Done()
			left++
		})
		for range c.Pages(t.Context(), "t", ListParams{}, true) {
			synctest.Wait()
			break
		}
		synctest.Wait()
		if left != 1 {
			t.Errorf("the server saw %d requests given up", left)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for _, err := range c.Pages(ctx, "t", ListParams{}, true) {
			last = err
			synctest.Wait()
			cancel()
		}
		if !errors.Is(last, context.Canceled) {
			t.Error(last)
		}
	})
}

// Within the test it is 2000-01-01T00:00:00Z, which is 946684800.
func TestSinceWhenARunHasItsStatus(t *testing.T) {
	for run, want := range map[string]int64{ // 0 if it is unknown
		`{"id":"r","status":"queued","created_at":946684740,"started_at":946684770}`:      946684740,
		`{"id":"r","status":"in_progress","created_at":946684740,"started_at":946684770}`: 946684770,
		`{"id":"r","status":"completed","created_at":946684740,"started_at":946684770}`:   0,
		`{"id":"r","status":"in_progress","created_at":946684740,"started_at":null}`:      0,
		`{"id":"r","status":"queued","created_at":"2000-01-01T00:00:00Z"}`:                0,
		`{"id":"r","status":"queued","created_at":1e999}`:                                 0,
		`{"id":"r","status":"queued","created_at":0}`:                                     0,
		`{"id":"r","status":"queued","created_at":-1}`:                                    0,
		`{"id":"r","status":"queued","created_at":946684740.75}`:                          946684740,
		`{"id":"r","status":"queued","created_at":946684740750}`:                          946684740, // in milliseconds
		`{"id":"r","status":"queued","created_at":946684800}`:                             946684800,
		`{"id":"r","status":"queued","created_at":946684801}`:                             0,
	} {
		synctest.Test(t, func(t *testing.T) {
			r, err := dial(t, answers(run)).GetRun(t.Context(), "t", "r")
			since, ok := r.Since()
			if err != nil || ok != (want != 0) || ok && since.Unix() != want {
				t.Errorf("%s: %s, %t, %v", run, since, ok, err)
			}
		})
	}
}

func TestWhatIsNestedTooDeep(t *testing.T) {
	nested := func(levels int) string {
		return `{"id":"r","status":"s","x":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
	}
	if _, err := dial(t, answers(nested(20_000))).GetRun(t.Context(), "t", "r"); !errors.Is(err, ErrNotRuns) || !strings.Contains(err.Error(), "not JSON") {
		t.Errorf("a run that could exhaust the stack: %v", err)
	}
	wide := `{"id":"r","status":"s","x":[` + strings.Repeat(`{"y":[]},`, 2*MaxDepth) + `{}]}`
	if run, err := dial(t, answers(wide)).GetRun(t.Context(), "t", "r"); err != nil || run.Deep() {
		t.Errorf("a run with much in it: %t, %v", run.Deep(), err)
	}
	objects := `{"id":"r","status":"s","x":` + strings.Repeat(`{"y":`, MaxDepth) + "1" + strings.Repeat("}", MaxDepth) + `}`
	if run, err := dial(t, answers(objects)).GetRun(t.Context(), "t", "r"); err != nil || !run.Deep() {
		t.Errorf("a run of nested objects: %t, %v", run.Deep(), err)
	}
	for depth, want := range map[int]bool{MaxDepth: false, MaxDepth + 1: true} {
		if run, err := dial(t, answers(nested(depth))).GetRun(t.Context(), "t", "r"); err != nil || run.Deep() != want {
			t.Errorf("a run of %d levels: %t, %v", depth, run.Deep(), err)
		}
		if page, err := dial(t, answers(`{"data":[`+nested(depth-2)+`]}`)).ListRuns(t.Context(), "t", ListParams{}); err != nil || page.Deep() != want {
			t.Errorf("a list of %d levels: %t, %v", depth, page.Deep(), err)
		}
	}
}
