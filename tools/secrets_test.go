package tools_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
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

// spelled spells each character of s in a way of its own.
func spelled(rnd *rand.Rand, s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch rnd.IntN(9) {
		case 0:
			fmt.Fprintf(&b, `\u%04X`, c)
		case 1:
			fmt.Fprintf(&b, `\\u%04x`, c)
		case 2:
			fmt.Fprintf(&b, "%%%02X", c)
		case 3:
			fmt.Fprintf(&b, "%%25%02x", c)
		case 4:
			fmt.Fprintf(&b, "&#%d;", c)
		case 5:
			fmt.Fprintf(&b, "&amp;#x%x;", c)
		case 6:
			if c == '/' || c == '"' {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// A server that knows the secrets, and tells them on every path to the client or
// the log, in any spelling.
func TestSecretsAreNotToldInAnySpelling(t *testing.T) {
	secrets := map[string]string{ // what is configured, and what must not be seen of it
		"OPENAI_API_KEY=k+y/WITH==SECRET-abcdef":                                 "k+y/WITH==SECRET-abcdef",
		`PORTKEY_CONFIG={"provider":"openai","api_key":"inner+SECRET/123456"}`:   "inner+SECRET/123456",
		"RUNS_MCP_HEADERS=Cookie: lang=en; sid=cookie+SECRET/123456":             "cookie+SECRET/123456",
		"RUNS_MCP_HEADERS=Authorization: Basic am9lOnBhc3MrU0VDUkVULzEyMzQ1Ng==": "pass+SECRET/123456",
		`RUNS_MCP_HEADERS=Authorization: Own token="token+SECRET/1", realm="x"`:  "token+SECRET/1",
		"HTTPS_PROXY=http://joe:proxy+SECRET%2F123456@127.0.0.1:9":               "proxy+SECRET/123456",
		"RUNS_MCP_QUERY=sig=query%2BSECRET%2F123456":                             "query+SECRET/123456",
	}
	for setting, secret := range secrets {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			testSecretIsNotTold(t, setting, secret)
		})
	}
}

func testSecretIsNotTold(t *testing.T, setting, secret string) {
	t.Helper()
	reply := func(w http.ResponseWriter, status int, body string) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
	paths := map[string]func(w http.ResponseWriter, tell, asJSON func() string){
		"message": func(w http.ResponseWriter, tell, asJSON func() string) {
			reply(w, 400, `{"error":{"message":`+asJSON()+`,"type":`+asJSON()+`,"code":`+asJSON()+`,"param":`+asJSON()+`}}`)
		},
		"nested": func(w http.ResponseWriter, tell, asJSON func() string) {
			reply(w, 400, `{"error":{"message":{"a":[`+asJSON()+`]},"code":{"b":`+asJSON()+`}}}`)
		},
		"unknown": func(w http.ResponseWriter, tell, asJSON func() string) {
			reply(w, 500, `{"fault":{`+asJSON()+`:`+asJSON()+`}}`)
		},
		"text": func(w http.ResponseWriter, tell, asJSON func() string) { reply(w, 403, tell()) },
		"html": func(w http.ResponseWriter, tell, asJSON func() string) { reply(w, 502, "<html><h1>"+tell()+"</h1>") },
		"success": func(w http.ResponseWriter, tell, asJSON func() string) {
			reply(w, 200, `{"error":{"message":`+asJSON()+`}}`)
		},
		"no-run": func(w http.ResponseWriter, tell, asJSON func() string) { reply(w, 200, `{`+asJSON()+`:1}`) },
		"half":   func(w http.ResponseWriter, tell, asJSON func() string) { reply(w, 200, tell()) },
		"status": func(w http.ResponseWriter, tell, asJSON func() string) {
			reply(w, 200, `{"id":`+asJSON()+`,"status":`+asJSON()+`}`)
		},
		"cursor": func(w http.ResponseWriter, tell, asJSON func() string) {
			reply(w, 200, `{"data":[],"has_more":true,"last_id":`+asJSON()+`}`)
		},
		"redirect": func(w http.ResponseWriter, tell, asJSON func() string) {
			w.Header().Set("Location", "/"+tell()+"?"+tell())
			reply(w, 302, "")
		},
		"headers": func(w http.ResponseWriter, tell, asJSON func() string) {
			w.Header().Set("WWW-Authenticate", `Bearer error_description="`+strings.ReplaceAll(tell(), `"`, "")+`"`)
			w.Header().Set("X-Request-Id", tell())
			reply(w, 401, "")
		},
		"reason": func(w http.ResponseWriter, tell, asJSON func() string) {
			c, out, _ := http.NewResponseController(w).Hijack()
			fmt.Fprintf(out, "HTTP/1.1 500 %s\r\nX-Should-Retry: false\r\n\r\n", tell())
			out.Flush()
			c.Close()
		},
		"no-http": func(w http.ResponseWriter, tell, asJSON func() string) {
			c, out, _ := http.NewResponseController(w).Hijack()
			fmt.Fprintf(out, "%s\r\n\r\n", tell())
			out.Flush()
			c.Close()
		},
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, serve := range paths {
			if strings.Contains(r.URL.Path, "/"+name+"/") {
				seed := fnv.New64()
				io.WriteString(seed, r.Method+r.URL.Path)
				rnd := rand.New(rand.NewPCG(seed.Sum64(), 1))
				tell := func() string { return spelled(rnd, secret) }
				serve(w, tell, func() string { // a string of JSON, whose content is spelled
					b, _ := json.Marshal(tell())
					return string(b)
				})
			}
		}
	}))
	var in strings.Builder
	for name := range paths {
		for _, call := range []string{
			`"get_run","arguments":{"thread_id":"` + name + `","run_id":"r","wait":true,"timeout_sec":1}`,
			`"cancel_run","arguments":{"thread_id":"` + name + `","run_id":"r"}`,
			`"list_runs","arguments":{"thread_id":"` + name + `","all":true}`,
		} {
			fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":"%s %d","method":"tools/call","params":{"name":%s,"_meta":{"progressToken":"p"}}}`+"\n", name, in.Len(), call)
		}
	}
	o := runProgram(t, in.String(), []string{setting, "RUNS_MCP_LOG_LEVEL=debug", "RUNS_MCP_MAX_RETRIES=0"}, "--api-base", h.URL+"/v1")
	h.Close()
	if n := strings.Count(o.out, `"isError":true`); o.code != 0 || n < 3*len(paths)-2 {
		t.Errorf("%d errors of %d calls, %s", n, 3*len(paths), o.stderr)
	}
	if n := strings.Count(o.out, "***"); n < 3*len(paths) {
		t.Errorf("the secret was told %d times only", n)
	}
	for line := range strings.Lines(o.out + o.stderr) {
		if left := unspelled(line); strings.Contains(left, "SECRET") {
			t.Errorf("it is told in %s\nread as %s", line, left)
		}
	}
}

// unspelled undoes every spelling of spelled, and that of JSON around it.
func unspelled(s string) string {
	escape := regexp.MustCompile(`\\+u([0-9a-fA-F]{4})|%(?:25)*([0-9a-fA-F]{2})|&(?:amp;)*#(?:x([0-9a-fA-F]+)|([0-9]+));`)
	for range 3 {
		s = escape.ReplaceAllStringFunc(s, func(e string) string {
			m := escape.FindStringSubmatch(e)
			n, _ := strconv.ParseUint(m[1]+m[2]+m[3], 16, 32)
			if m[4] != "" {
				n, _ = strconv.ParseUint(m[4], 10, 32)
			}
			return string(rune(n))
		})
	}
	return s
}
