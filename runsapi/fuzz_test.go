package runsapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// roundTrip answers requests without a server.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func response(status int, body []byte) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
}

// direct is dial without HTTP between.
func direct(t testing.TB, f roundTrip, change ...func(*Config)) *Client {
	cfg := Config{BaseURL: "https://api.example/v1", Auth: AuthNone, Transport: f}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func addBodies(f *testing.F, pattern string) {
	files, err := filepath.Glob("testdata/" + pattern)
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, s := range []string{
		"", "null", "[]", "{}", "{\"id\":\"r\",\"status\":\"s\"} {}", "{\"id\":5,\"status\":\"s\"}", "{\"id\":\"r\",\"status\":\"s\",\"x\":1 2}",
		"\ufeff{\"id\":\"r\",\"status\":\"\\ud800\"}", "{\"id\":\"\xff\",\"status\":\"s\",\"a\":\"\\\" \\\\\",\"b\":[1.0 ,\n-0e+5]}",
		"{\"id\":1,\"status\":null,\"id\":\"r\",\"status\":\"s\"}", "{\"\\u0069d\":\"r\",\"status\":\"s\"}", "{\"id\":\"r\",\"status\":\"s\",\"t\":\"\u2028 \x7f\"}",
		"{\"data\":[{\"id\":\"a\"},null,5],\"has_more\":true}", "{\"data\":[],\"data\":[{}],\"last_id\":{}}", "<html>&lt;</html>",
		"{\"error\":{\"message\":\"sk-secret-123456\",\"code\":5}}", "{\"detail\":[{\"loc\":[\"a\"],\"msg\":\"b\"}]}", "{\"error\":[[[]]]}", strings.Repeat("[", 20_000),
	} {
		f.Add([]byte(s))
	}
}

// expected is what must come through of body, by encoding/json's account.
func expected(body []byte) (string, bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	var fixed []rune
	for _, r := range string(body) {
		fixed = append(fixed, r)
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, []byte(string(fixed)))
	text := halfPair.ReplaceAllStringFunc(compact.String(), func(s string) string {
		if strings.HasPrefix(s, `\\`) || len(s) == 12 {
			return s
		}
		return "\ufffd"
	})
	return strings.NewReplacer("\u0085", `\u0085`, "\u2028", `\u2028`, "\u2029", `\u2029`).Replace(text), err == nil
}

var halfPair = regexp.MustCompile(`\\\\|(?i:\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\ud[89a-f][0-9a-f]{2})`)

func FuzzRunBody(f *testing.F) {
	addBodies(f, "run_*.json")
	f.Add([]byte(`{"id":"run_1","status":"queued","created_at":1e6126}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		run, err := direct(t, func(*http.Request) *http.Response { return response(200, bytes.Clone(body)) }).GetRun(t.Context(), "t", "r")
		want, ok := expected(body)
		var fields map[string]any
		decoder := json.NewDecoder(strings.NewReader(want))
		decoder.UseNumber() // a number may be too large for a float64
		ok = ok && decoder.Decode(&fields) == nil
		id, idOK := fields["id"].(string)
		status, statusOK := fields["status"].(string)
		if !ok || !idOK || !statusOK {
			if !errors.Is(err, ErrNotRuns) && !errors.Is(err, ErrInBody) && !errors.Is(err, ErrTruncated) {
				t.Errorf("%q is no Run, but %v", body, err)
			}
			return
		}
		if err != nil || run.RawJSON() != want || run.ID != id || run.Status != status {
			t.Errorf("%q: got %q (id %q, status %q), %v", body, run.RawJSON(), run.ID, run.Status, err)
		}
	})
}

func FuzzListBody(f *testing.F) {
	addBodies(f, "list_*.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := direct(t, func(*http.Request) *http.Response { return response(200, bytes.Clone(body)) }).ListRuns(t.Context(), "t", ListParams{})
		want, ok := expected(body)
		var list map[string]json.RawMessage
		var data []json.RawMessage
		ok = ok && json.Unmarshal([]byte(want), &list) == nil && json.Unmarshal(list["data"], &data) == nil && list["data"] != nil
		if err != nil {
			if !errors.Is(err, ErrNotRuns) && !errors.Is(err, ErrInBody) && !errors.Is(err, ErrTruncated) {
				t.Error(err)
			}
			for _, item := range data {
				if ok && item[0] == '{' {
					t.Errorf("%q is a list, but %v", body, err)
				}
			}
			return
		}
		if !ok {
			t.Fatalf("%q is no list", body)
		}
		var runs []Run
		for _, item := range data {
			if item[0] == '{' {
				run, _ := parseRun(string(item))
				runs = append(runs, run)
			}
		}
		got := joined(page)
		if len(runs) == len(data) && data != nil && !mixed(runs) && got != want || !json.Valid([]byte(got)) {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	})
}

func FuzzErrorBody(f *testing.F) {
	const secret = "sk-secret-123456"
	addBodies(f, "*.json")
	for _, e := range errorBodies {
		f.Add([]byte(e.body))
	}
	f.Add([]byte("x\x9c"))
	f.Add([]byte(`{"error":{"message":" ","code":"c"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := direct(t, func(*http.Request) *http.Response { return response(400, bytes.Clone(body)) }, func(c *Config) { c.APIKey = secret })
		_, err := c.GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) || e.Status != 400 || e.Message == "" {
			t.Fatalf("%q: %v", body, err)
		}
		for _, s := range []string{e.Message, e.Type, e.Code, e.Param} {
			if !utf8.ValidString(s) || len([]rune(s)) > maxMessage || strings.ContainsFunc(s, unicode.IsControl) || strings.Contains(s, secret) {
				t.Errorf("%q: %q", body, s)
			}
		}
	})
}

// Whatever the ids and cursors, a request goes to {base}/threads/{one
// segment}/runs[/{one segment}[/cancel]], with only the query that was set.
func FuzzIDs(f *testing.F) {
	for _, id := range append(badIDs, "run_1", "a;b", "a&limit=1", "你", "\xff", "a:b@c", "%2e%2e", "...", "=", "+", "~") {
		f.Add(id, "run_1", "", "")
		f.Add("thread_1", id, id, "")
		f.Add("thread_1", "run_1", "", id)
	}
	f.Fuzz(func(t *testing.T, thread, run, after, before string) {
		const base = "/prefix%2Fed/v1/threads/"
		var method, want string
		c := direct(t, func(r *http.Request) *http.Response {
			for _, id := range strings.Split(want, "/runs") {
				id = strings.TrimSuffix(strings.TrimPrefix(id, "/"), "/cancel")
				if strings.ContainsAny(id, "/\\?#%\x00\t\n\r ") || len(id) > 256 {
					t.Errorf("the id %q was sent", id)
				}
			}
			path := r.URL.EscapedPath()
			parts := strings.Split(strings.TrimPrefix(path, base), "/")
			for i, s := range parts {
				if u, err := url.PathUnescape(s); err != nil || u == "." || u == ".." || u == "" {
					t.Errorf("a segment %q", s)
				} else {
					parts[i] = u
				}
			}
			if r.Method != method || !strings.HasPrefix(path, base) || strings.Join(parts, "/") != want || r.URL.Host != "api.example" || r.Host != "api.example" {
				t.Errorf("%s %s, want %s %s", r.Method, r.URL, method, want)
			}
			query := url.Values{"api-version": {"v1"}}
			if method == "GET" && len(parts) == 2 {
				for name, value := range map[string]string{"after": after, "before": before, "limit": "7"} {
					if value != "" {
						query.Set(name, value)
					}
				}
			}
			if got, err := url.ParseQuery(r.URL.RawQuery); err != nil || got.Encode() != query.Encode() {
				t.Errorf("query %s, want %s", r.URL.RawQuery, query.Encode())
			}
			if _, err := url.ParseRequestURI(r.URL.RequestURI()); err != nil {
				t.Error(err)
			}
			return response(200, []byte(`{"id":"r","status":"cancelling","data":[]}`))
		}, func(cfg *Config) { cfg.BaseURL = "https://api.example/prefix%2Fed/v1?api-version=v1" })

		method, want = "GET", thread+"/runs/"+run
		c.GetRun(t.Context(), thread, run)
		method, want = "POST", thread+"/runs/"+run+"/cancel"
		c.CancelRun(t.Context(), thread, run)
		method, want = "GET", thread+"/runs"
		c.ListRuns(t.Context(), thread, ListParams{Limit: 7, After: after, Before: before})
	})
}
