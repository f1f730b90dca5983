package tools_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"runs-mcp/runsapi/sandbox"
)

// binary builds the program, once. Under GOFLAGS=-race it has the detector too.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "runs-mcp")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "runs-mcp")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", path, "runs-mcp").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

var built string // the folder of the binary, once there is one

// program is a run of the binary that is yet to start. Its environment is env
// alone; it is killed if it takes a minute.
func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	return limitedProgram(t, time.Minute, env, args...)
}

func limitedProgram(t *testing.T, limit time.Duration, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"}, env...)
	timer := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	t.Cleanup(func() { timer.Stop() })
	return cmd
}

// outcome is what a finished program left.
type outcome struct {
	code        int
	out, stderr string
}

func runProgram(t *testing.T, stdin string, env []string, args ...string) outcome {
	t.Helper()
	cmd := program(t, env, args...)
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
}

const getQueued = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_run","arguments":{"thread_id":"thread_demo","run_id":"run_queued"}}}` + "\n"

func TestReadmesFirstCommand(t *testing.T) {
	const ask = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_runs","arguments":{"thread_id":"thread_demo","fields":["status","created_at"]}}}`
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "echo '"+ask+"' | go run . --sandbox\n") {
		t.Error("README has another command")
	}
	o := runProgram(t, ask+"\n", nil, "--sandbox")
	if lines := strings.Split(o.out, "\n"); o.code != 0 || len(lines) != 2 || gjson.Get(o.out, "result.structuredContent.data.#").Int() != 9 {
		t.Errorf("%+v", o)
	}
	if !strings.Contains(o.stderr, "sandbox") {
		t.Errorf("stderr says nothing of the sandbox: %s", o.stderr)
	}
}

// README's recipes work, as they stand there.
func TestReadmesRecipes(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not installed")
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "## Recipes\n")
	_, rest, _ = strings.Cut(rest, "```sh\n")
	script, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("README has no recipes")
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-ec", script)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	for _, want := range []string{`"status": "cancelled"`, `"cancelled_at": `, `"status": "completed"`, `"total_tokens": 500`, `"id": "run_failed"`, `"error": "Rate limit`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s is missing", want)
		}
	}
	if err != nil || t.Failed() {
		t.Errorf("%v: %s", err, out)
	}
}

// README's tables say what the program says.
func TestReadmesTables(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	section := func(title string) string {
		_, rest, ok := strings.Cut(string(readme), "\n## "+title+"\n")
		if !ok {
			t.Fatalf("README has no section %s", title)
		}
		part, _, _ := strings.Cut(rest, "\n## ")
		return part
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	column := func(table string, n int) (cells []string) {
		for line := range strings.Lines(table) {
			if parts := strings.Split(line, " | "); strings.HasPrefix(line, "| ") && len(parts) > n {
				for _, m := range quoted.FindAllStringSubmatch(parts[n], -1) {
					cells = append(cells, m[1])
				}
			}
		}
		slices.Sort(cells)
		return slices.Compact(cells)
	}

	var flags, variables []string
	for line := range strings.Lines(runProgram(t, "", nil, "--help").out) {
		name, isFlag := strings.CutPrefix(line, "  --")
		line = strings.TrimSpace(line)
		if isFlag {
			flags = append(flags, "--"+strings.Fields(name)[0])
		} else if regexp.MustCompile(`^[A-Z_]+(, [A-Z_]+)*$`).MatchString(line) {
			variables = append(variables, strings.Split(line, ", ")...)
		}
	}
	slices.Sort(flags)
	slices.Sort(variables)
	settings := strings.ReplaceAll(section("Settings"), "\n| | ", "\n|  | ")
	if got := column(settings, 0); !slices.Equal(got, flags) || len(flags) < 10 {
		t.Errorf("README has the flags %q, --help %q", got, flags)
	}
	if got := column(settings, 1); !slices.Equal(got, variables) || len(variables) < 10 {
		t.Errorf("README has the variables %q, --help %q", got, variables)
	}

	var arguments []string
	list := runProgram(t, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, nil, "--sandbox").out
	for _, schema := range gjson.Get(list, "result.tools.#.inputSchema.properties").Array() {
		schema.ForEach(func(name, _ gjson.Result) bool {
			arguments = append(arguments, name.Str)
			return true
		})
	}
	slices.Sort(arguments)
	arguments = slices.Compact(arguments)
	if got := column(section("Tools"), 1); !slices.Equal(got, arguments) || len(arguments) < 10 {
		t.Errorf("README has the arguments %q, the tools %q", got, arguments)
	}
}

func TestBadSettings(t *testing.T) {
	key := []string{"OPENAI_API_KEY=sk-canary"}
	for _, tc := range []struct {
		env  []string
		args []string
		want string
	}{
		{nil, nil, "no API key: set OPENAI_API_KEY"},
		{[]string{"OPENAI_API_KEY="}, nil, "no API key"},
		{[]string{"OPENAI_BASE_URL=https://gateway.example/v1"}, nil, "no API key"},
		{[]string{"PORTKEY_API_KEY=pk-canary"}, []string{"--api-base", "https://api.openai.com/v1"}, "no API key"},
		{[]string{"OPENAI_API_KEY=${OPENAI_API_KEY}"}, nil, "OPENAI_API_KEY still reads ${OPENAI_API_KEY}"},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_BASE_URL=${env:BASE}/v1"}, nil, "OPENAI_BASE_URL still reads ${env:BASE}"},
		{[]string{"RUNS_MCP_HEADERS=Authorization: Bearer ${TOKEN:-x}"}, nil, "RUNS_MCP_HEADERS still reads ${TOKEN:-x}"},
		{[]string{"OPENAI_API_KEY_COMMAND=${CMD}"}, nil, "OPENAI_API_KEY_COMMAND still reads ${CMD}"},
		{key, []string{"--api-base", "${BASE}"}, "--api-base still reads ${BASE}"},
		{key, []string{"--api-base", "gateway.example/v1"}, "the base URL must begin with https:// or http:// (--api-base, OPENAI_BASE_URL)"},
		{key, []string{"--api-base", "https://"}, "names no host"},
		{key, []string{"--api-base", "https://user:canary@h/v1"}, "must not hold a user name"},
		{key, []string{"--api-base", "https://h/%zz?canary"}, "cannot be parsed"},
		{key, []string{"--api-base", "http://gateway.example/v1"}, "or allow it with --allow-http"},
		{key, []string{"--max-retries", "101"}, "--max-retries is not a whole number from 0 to 100"},
		{key, []string{"--max-retries=-1"}, "--max-retries is not a whole number from 0 to 100"},
		{append(key, "RUNS_MCP_MAX_RETRIES=many"), nil, "RUNS_MCP_MAX_RETRIES is not a whole number"},
		{key, []string{"--timeout", "-3s"}, "--timeout is not a duration"},
		{key, []string{"--timeout", "soon"}, "--timeout is not a duration"},
		{key, []string{"--auth", "basic"}, "--auth is not one of bearer, api-key, none"},
		{key, []string{"--log-level", "loud"}, "--log-level is not one of debug"},
		{append(key, "RUNS_MCP_READ_ONLY=maybe"), nil, "RUNS_MCP_READ_ONLY is neither true nor false"},
		{key, []string{"--header", "canary"}, "--header is not of the form 'Name: value'"},
		{key, []string{"--header", "X Y: canary"}, "--header is not of the form 'Name: value'"},
		{key, []string{"--header", "Host: canary"}, "--header cannot set Host"},
		{key, []string{"--header", "content-length: 5"}, "--header cannot set Content-Length"},
		{key, []string{"--header", "X: canary\x01"}, `control character`},
		{key, []string{"--header", "X: canary\r\nY: z"}, "--header has a line break in it"},
		{[]string{"OPENAI_API_KEY=sk-canary\nx"}, nil, "OPENAI_API_KEY has a line break"},
		{key, []string{"--query", "canary"}, "--query is not of the form name=value"},
		{key, []string{"--query", "a;b=canary%zz"}, "--query is not of the form name=value"},
		{key, []string{"--query", "after=canary"}, `the query "after"`},
		{key, []string{"--nonsense"}, "--nonsense"},
		{key, []string{"--api-key", "sk-canary"}, "--api-key"},
		{key, []string{"--timeout"}, "--timeout"},
		{nil, []string{"--api-base", "https://h/v1", "--header", "Authorization:"}, "no API key"},
		{nil, []string{"--api-base", "http://gateway.example/?subscriptionKey=canary", "--auth", "none"}, "plain http"},
		{key, []string{"---api-key=canary"}, "---api-key"},
		{key, []string{"--api-base", "https://h/v1", "--auth", "bearer", "--header", "X-Design: 1", "--api-key-command", "${X}"}, "--api-key-command still reads ${X}"},
		{[]string{"PORTKEY_PROVIDER=openai"}, []string{"--api-base", "https://gateway.example", "--header", "X-Design: 1"}, "no API key"},
		{key, []string{"serve"}, "no arguments but flags"},
	} {
		o := runProgram(t, getQueued, tc.env, tc.args...)
		if o.code != 2 || o.out != "" || strings.Count(o.stderr, "\n") != 1 || !strings.HasPrefix(o.stderr, "runs-mcp: ") || !strings.Contains(o.stderr, tc.want) {
			t.Errorf("%q %q: %+v, want %q", tc.env, tc.args, o, tc.want)
		}
		if strings.Contains(o.stderr, "canary") {
			t.Errorf("%q %q: a secret in %s", tc.env, tc.args, o.stderr)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, flag := range []string{"--help", "-h"} {
		if o := runProgram(t, "", nil, flag); o.code != 0 || o.stderr != "" || !strings.Contains(o.out, "--api-key-command CMD\n") || !strings.Contains(o.out, "PORTKEY_VIRTUAL_KEY") {
			t.Errorf("%+v", o)
		}
	}
	if o := runProgram(t, "", []string{"RUNS_MCP_TIMEOUT=soon"}, "--version"); o.code != 0 || !strings.HasPrefix(o.out, "runs-mcp ") || !strings.Contains(o.out, runtime.Version()) {
		t.Errorf("%+v", o)
	}
}

// What the settings make of a request.
func TestSettingsOnTheWire(t *testing.T) {
	var got *http.Request
	api := sandbox.New()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		http.StripPrefix("/proxy", api).ServeHTTP(w, r)
	}))
	defer h.Close()
	base := h.URL + "/proxy/v1"
	for _, tc := range []struct {
		env, args []string
		header    map[string]string // what must come, "" is absent
		query     string
	}{
		{[]string{"OPENAI_API_KEY=k", "OPENAI_BASE_URL=" + base}, nil, map[string]string{"Authorization": "Bearer k", "Openai-Beta": "assistants=v2", "Accept": "application/json"}, ""},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_API_BASE=" + base}, nil, map[string]string{"Authorization": "Bearer k"}, ""},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_BASE_URL=" + base, "OPENAI_API_BASE=https://nowhere.example"}, nil, map[string]string{"Authorization": "Bearer k"}, ""},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_BASE_URL=https://nowhere.example"}, []string{"--api-base", base + "/?api-version=v1&x=1", "--query", "x=2"}, nil, "api-version=v1&x=2"},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_BASE_URL=" + base}, []string{"--api-base", "", "--auth="}, map[string]string{"Authorization": "Bearer k"}, ""},
		{[]string{"RUNS_MCP_QUERY=api-version=v1&y=a%20b"}, []string{"--api-base", base, "--query", "z=3"}, map[string]string{"Authorization": ""}, "api-version=v1&y=a+b&z=3"},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_AUTH=api-key"}, []string{"--api-base", base}, map[string]string{"Authorization": "", "Api-Key": "k"}, ""},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_AUTH=api-key"}, []string{"--api-base", base, "--auth", "none"}, map[string]string{"Authorization": "", "Api-Key": ""}, ""},
		{[]string{"OPENAI_ORG_ID=o", "OPENAI_PROJECT_ID=p"}, []string{"--api-base", base}, map[string]string{"Openai-Organization": "o", "Openai-Project": "p"}, ""},
		{[]string{"OPENAI_ORG_ID=o", "OPENAI_ORGANIZATION=first"}, []string{"--api-base", base, "--project", "flag"}, map[string]string{"Openai-Organization": "first", "Openai-Project": "flag"}, ""},
		{[]string{"PORTKEY_API_KEY=pk", "PORTKEY_VIRTUAL_KEY=vk", "PORTKEY_PROVIDER=openai", "PORTKEY_CONFIG=c"}, []string{"--api-base", base},
			map[string]string{"X-Portkey-Api-Key": "pk", "X-Portkey-Virtual-Key": "vk", "X-Portkey-Provider": "openai", "X-Portkey-Config": "c", "Authorization": ""}, ""},
		{[]string{"OPENAI_API_KEY=k", "RUNS_MCP_HEADERS=authorization: Token t\r\nX-A: 1\n\nX-B: env"}, []string{"--api-base", base, "--header", "x-b: flag", "--header", "X-C: a: b"},
			map[string]string{"Authorization": "Token t", "X-A": "1", "X-B": "flag", "X-C": "a: b"}, ""},
		{[]string{"OPENAI_API_KEY=old", "OPENAI_API_KEY_COMMAND=echo ${KEY:-fresh}"}, []string{"--api-base", base}, map[string]string{"Authorization": "Bearer fresh"}, ""},
	} {
		got = nil
		o := runProgram(t, getQueued, tc.env, tc.args...)
		if o.code != 0 || got == nil || gjson.Get(o.out, "result.structuredContent.id").Str != "run_queued" {
			t.Errorf("%q %q: %+v", tc.env, tc.args, o)
			continue
		}
		for name, want := range tc.header {
			if v := got.Header.Get(name); v != want {
				t.Errorf("%q %q: %s is %q, want %q", tc.env, tc.args, name, v, want)
			}
		}
		if got.URL.RawQuery != tc.query || !strings.HasPrefix(got.Header.Get("User-Agent"), "runs-mcp/") {
			t.Errorf("%q %q: query %q, User-Agent %q", tc.env, tc.args, got.URL.RawQuery, got.Header.Get("User-Agent"))
		}
	}
}

func TestMoreSettings(t *testing.T) {
	failing := atomic.Int32{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		failing.Add(1)
		w.Header().Set("Retry-After-Ms", "1")
		w.WriteHeader(503)
	}))
	defer h.Close()
	for retries, want := range map[string]int32{"0": 1, "5": 6} {
		failing.Store(0)
		o := runProgram(t, getQueued, []string{"RUNS_MCP_LOG_LEVEL=debug"}, "--api-base", h.URL+"?code=canary-123456", "--max-retries", retries)
		if failing.Load() != want || !strings.Contains(o.stderr, "method=GET path=/threads/thread_demo/runs/run_queued status=503") || !strings.Contains(o.stderr, fmt.Sprintf("tries=%d", want)) {
			t.Errorf("--max-retries %s: %d tries, %+v", retries, failing.Load(), o)
		}
		if strings.Contains(o.stderr+o.out, "canary") {
			t.Errorf("the query is in %+v", o)
		}
	}
	list := `{"jsonrpc":"2.0","id":1,"method":"tools/list"}` + "\n"
	for _, set := range [][2][]string{{{"RUNS_MCP_READ_ONLY=1"}, {"--sandbox"}}, {nil, {"--sandbox", "--read-only"}}, {{"RUNS_MCP_READ_ONLY=1", "RUNS_MCP_SANDBOX=true"}, nil}} {
		if o := runProgram(t, list, set[0], set[1]...); gjson.Get(o.out, "result.tools.#.name").Raw != `["get_run","list_runs"]` {
			t.Errorf("%q: %s", set, o.out)
		}
	}
	if o := runProgram(t, list, []string{"RUNS_MCP_READ_ONLY=1"}, "--sandbox", "--read-only=false"); gjson.Get(o.out, "result.tools.#").Int() != 3 {
		t.Error("a flag does not beat the environment")
	}
	o := runProgram(t, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, nil, "--sandbox")
	if !strings.Contains(gjson.Get(o.out, "result.instructions").Str, "SANDBOX") {
		t.Error(o.out)
	}
}

func TestTenThousandPipedCalls(t *testing.T) {
	h := httptest.NewServer(sandbox.New())
	defer h.Close()
	const n = 10_000
	var in strings.Builder
	for i := range n {
		in.WriteString(strings.Replace(getQueued, `"id":1`, fmt.Sprintf(`"id":%d`, i), 1))
	}
	o := runProgram(t, strings.TrimSuffix(in.String(), "\n"), nil, "--api-base", h.URL)
	seen := map[int64]bool{}
	for line := range strings.Lines(o.out) {
		if v := gjson.Parse(line); v.Get("result.structuredContent.id").Str == "run_queued" {
			seen[v.Get("id").Int()] = true
		}
	}
	if o.code != 0 || len(seen) != n || strings.Count(o.out, "\n") != n {
		t.Errorf("exit code %d, %d calls answered, %d lines, %s", o.code, len(seen), strings.Count(o.out, "\n"), o.stderr)
	}
}

func TestPipedWaitIsFinished(t *testing.T) {
	o := runProgram(t, strings.Replace(getQueued, `"run_queued"`, `"run_queued","wait":true`, 1), nil, "--sandbox")
	if o.code != 0 || gjson.Get(o.out, "result.structuredContent.status").Str != "completed" {
		t.Errorf("%+v", o)
	}
}

// session is a running program.
type session struct {
	*exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

func start(t *testing.T, args ...string) *session {
	t.Helper()
	return (&session{Cmd: program(t, nil, args...)}).start(t)
}

func (s *session) start(t *testing.T) *session {
	t.Helper()
	var err error
	if s.in, err = s.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.out, s.Stderr = bufio.NewReader(out), &s.stderr
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *session) read(t *testing.T) gjson.Result {
	t.Helper()
	line, err := s.out.ReadString('\n')
	if err != nil || !json.Valid([]byte(line)) {
		t.Fatalf("line %q, %v; stderr %s", line, err, s.stderr.String())
	}
	return gjson.Parse(line)
}

func TestSignalsEndTheProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	arrived := make(chan any, 10)
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- nil
		<-r.Context().Done()
	}))
	defer h.Close()
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for _, draining := range []bool{false, true} {
			s := start(t, "--api-base", h.URL)
			io.WriteString(s.in, getQueued)
			<-arrived
			if draining {
				s.in.Close()
			}
			begin := time.Now()
			s.Process.Signal(sig)
			a := s.read(t)
			if !a.Get("result.isError").Bool() || !strings.Contains(a.Raw, "shutting down") {
				t.Errorf("%s: %s", sig, a.Raw)
			}
			if err := s.Wait(); err != nil {
				t.Errorf("%s: %v after %s", sig, err, time.Since(begin))
			}
		}
	}
}

func TestBrokenStdoutEndsTheProgram(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := program(t, nil, "--sandbox")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.Close()
	io.WriteString(stdin, getQueued)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v, want exit code 1", err)
	}
}

func TestBrokenStdoutAtTheEndOfTheInput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full")
	}
	defer full.Close()
	for range 40 {
		cmd := program(t, nil, "--sandbox")
		cmd.Stdin, cmd.Stdout = strings.NewReader(getQueued), full
		if cmd.Run(); cmd.ProcessState.ExitCode() != 1 {
			t.Fatalf("exit code %d", cmd.ProcessState.ExitCode())
		}
	}
}

func TestClosedStderrDoesNotEndTheProgram(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd := program(t, nil, "--sandbox", "--log-level", "debug")
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(getQueued+getQueued), &out, w
	if err := cmd.Run(); err != nil || strings.Count(out.String(), "\n") != 2 {
		t.Error(err, out.String())
	}
}

func TestCancelledCallsRequestIsGone(t *testing.T) {
	arrived, gone := make(chan any), make(chan any)
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(gone)
	}))
	defer h.Close()
	s := start(t, "--api-base", h.URL)
	io.WriteString(s.in, getQueued)
	<-arrived
	io.WriteString(s.in, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`+"\n")
	<-gone
	s.in.Close()
	if rest, err := io.ReadAll(s.out); err != nil || len(rest) > 0 {
		t.Errorf("%s %v", rest, err)
	}
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
}
