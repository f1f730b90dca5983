package tools_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A canary in every setting that may hold a secret, a server that echoes all
// that it gets in every way it can fail, the log at its most talkative: the
// canaries are seen by the configured host, and nowhere else.
func TestSecretsGoToTheHostAlone(t *testing.T) {
	echo := func(r *http.Request) string {
		all := r.URL.RawQuery
		for name, values := range r.Header {
			all += " " + name + ": " + strings.Join(values, " ")
		}
		return all
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s reached another host with %s", r.URL, echo(r))
	}))
	defer elsewhere.Close()
	var mu sync.Mutex
	seen := map[string]bool{}
	send := func(status int, body func(all string) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", echo(r))
			w.WriteHeader(status)
			io.WriteString(w, body(echo(r)))
		}
	}
	openAI := func(all string) string {
		quoted, _ := json.Marshal(all)
		return fmt.Sprintf(`{"error":{"message":%s,"type":%s,"code":%s,"param":%s}}`, quoted, quoted, quoted, quoted)
	}
	plain := func(all string) string { return all }
	failures := map[string]http.HandlerFunc{
		"400": send(400, openAI), "401": send(401, openAI), "403": send(403, plain), "404": send(404, openAI), "429": send(429, openAI), "500": send(500, plain),
		"html":   send(502, func(all string) string { return "<html><body>" + all + "</body></html>" }),
		"no-run": send(200, plain), "list": send(200, func(all string) string { return "[" + openAI(all) + "]" }), "error-200": send(200, openAI),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/?"+r.URL.RawQuery, http.StatusFound)
		},
		"drop": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, part := range strings.Fields(echo(r)) {
			if i := strings.Index(part, "canary-"); i >= 0 {
				mu.Lock()
				seen[strings.TrimRight(part[i:], "&")] = true
				mu.Unlock()
			}
		}
		for name, fail := range failures {
			if strings.Contains(r.URL.Path, "/"+name+"/") {
				fail(w, r)
			}
		}
	}))
	defer h.Close()

	var in strings.Builder
	for name := range failures {
		for _, call := range []string{
			`"get_run","arguments":{"thread_id":"` + name + `","run_id":"r","wait":true,"timeout_sec":1}`,
			`"cancel_run","arguments":{"thread_id":"` + name + `","run_id":"r","force":true,"wait":true,"timeout_sec":1}`,
			`"list_runs","arguments":{"thread_id":"` + name + `","all":true}`,
			`"list_runs","arguments":{"thread_id":"` + name + `"}`,
		} {
			fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":"%s %d","method":"tools/call","params":{"name":%s}}`+"\n", name, in.Len(), call)
		}
	}
	credentials := map[string][]string{
		"key":         {"OPENAI_API_KEY=canary-key-0001"},
		"api-key":     {"OPENAI_API_KEY=canary-key-0002", "OPENAI_AUTH=api-key"},
		"command":     {"OPENAI_API_KEY_COMMAND=echo canary-err-0003 >&2; echo canary-key-0003; echo canary-more-0003"},
		"bad command": {"OPENAI_API_KEY_COMMAND=echo canary-err-0004 >&2; echo canary-out-0004; exit 4"},
		"portkey":     {"PORTKEY_API_KEY=canary-pk-0005", "PORTKEY_VIRTUAL_KEY=canary-vk-0005", `PORTKEY_CONFIG={"api_key":"canary-cfg-0005"}`},
		"headers":     {"RUNS_MCP_HEADERS=X-A: canary-xa-0006\nAuthorization: Basic canary-basic-0006"},
		"query":       {"RUNS_MCP_QUERY=code=canary-query-0007&x=canary%2Fslash-0007"},
	}
	for name, env := range credentials {
		env = append(env, "RUNS_MCP_LOG_LEVEL=debug", "RUNS_MCP_MAX_RETRIES=1")
		o := runProgram(t, in.String(), env, "--api-base", h.URL+"/v1?sig=canary-base-0008", "--header", "X-Flag: canary-flag-0009", "--query", "y=canary-flag-0010")
		if n := strings.Count(o.out, `"isError":true`); o.code != 0 || n != 4*len(failures) {
			t.Errorf("%s: %d errors, want %d, %s", name, n, 4*len(failures), o.stderr)
		}
		for line := range strings.Lines(o.out + o.stderr) {
			if strings.Contains(line, "canary") {
				t.Errorf("%s: a secret in %s", name, line)
			}
		}
	}
	h.Close()
	mu.Lock()
	if len(seen) < 10 {
		t.Errorf("the host itself got only %v", seen)
	}
	mu.Unlock()
	// With no server at all.
	o := runProgram(t, in.String(), append(credentials["key"], "RUNS_MCP_LOG_LEVEL=debug", "RUNS_MCP_MAX_RETRIES=0"), "--api-base", h.URL+"/v1?sig=canary-base-0008")
	if strings.Contains(o.out+o.stderr, "canary") {
		t.Errorf("a secret in %+v", o)
	}
}
