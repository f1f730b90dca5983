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
	"os/signal"
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
	if o.stderr != "" {
		t.Errorf("nothing is wrong, and stderr has %s", o.stderr)
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

// Bad settings are one line on stderr, which says what to set, and exit code 2.
func TestBadSettings(t *testing.T) {
	key := "OPENAI_API_KEY=sk-canary"
	for _, tc := range []struct {
		env  []string
		args []string
		want string
	}{
		{nil, nil, "no API key: set OPENAI_API_KEY or --api-key-command; without a key, give --auth none; to try it out, --sandbox"},
		{[]string{"OPENAI_API_KEY=", "OPENAI_BASE_URL=https://gateway.example/v1"}, nil, "no API key: set OPENAI_API_KEY"},
		{[]string{"PORTKEY_API_KEY=pk-canary"}, []string{"--api-base", "https://api.openai.com/v1"}, "no API key: set OPENAI_API_KEY"},
		{[]string{"OPENAI_API_KEY=${CANARY}"}, nil, "OPENAI_API_KEY holds a placeholder"},
		{[]string{"OPENAI_API_KEY_FILE=" + os.DevNull}, nil, "the API key file cannot be read: it is not a regular file (OPENAI_API_KEY_FILE)\n"},
		{[]string{key}, []string{"--api-base", "https://h/v1?sig=canary%zz"}, "invalid base URL: its query cannot be parsed (--api-base, OPENAI_BASE_URL, OPENAI_API_BASE)"},
		{[]string{key}, []string{"--api-base", "http://gateway.example/v1"}, "plain http would send the credential in the clear: use https, or allow it with --allow-http"},
		{[]string{key, "HTTPS_PROXY=http://canary%zz@proxy"}, nil, "HTTPS_PROXY is not a proxy's URL"},
		{[]string{key}, []string{"--query", "after=canary"}, `the query parameter "after" is set by each call`},
		{[]string{key}, []string{"--api-key", "sk-canary"}, "flag provided but not defined: --api-key; --help lists the flags"},
	} {
		o := runProgram(t, getQueued, tc.env, tc.args...)
		if o.code != 2 || o.out != "" || strings.Count(o.stderr, "\n") != 1 || !strings.HasPrefix(o.stderr, "runs-mcp: "+tc.want) {
			t.Errorf("%q %q: %+v, want %q", tc.env, tc.args, o, tc.want)
		}
		if strings.Contains(o.stderr, "canary") {
			t.Errorf("%q %q: a secret in %s", tc.env, tc.args, o.stderr)
		}
	}
}

// Which host a program with these settings serves from, by what it logs.
func TestWhereSettingsLead(t *testing.T) {
	key := "OPENAI_API_KEY=sk-canary"
	for _, tc := range []struct {
		env, args []string
		want      string
	}{
		{[]string{key}, nil, "api=https://api.openai.com/v1 sandbox=false"},
		{[]string{key, "PORTKEY_PROVIDER=openai"}, nil, "api=https://api.openai.com/v1 sandbox=false"},
		{[]string{key, "PORTKEY_API_KEY=pk-canary"}, nil, "api=https://api.portkey.ai/v1 sandbox=false"},
		{[]string{key, "PORTKEY_API_KEY=pk-canary"}, []string{"--api-base", "https://gateway.example/v1/?sig=canary"}, "api=https://gateway.example/v1 sandbox=false"},
		{nil, []string{"--api-base", "https://gateway.example", "--auth", "none"}, "api=https://gateway.example sandbox=false"},
		{nil, []string{"--api-base", "http://localhost:8080/v1"}, "api=http://localhost:8080/v1 sandbox=false"},
		{[]string{key}, []string{"--api-base", "http://gateway.example", "--allow-http"}, "api=http://gateway.example sandbox=false"},
		{[]string{key}, []string{"--sandbox"}, "api=http://sandbox/v1 sandbox=true"},
	} {
		o := runProgram(t, "", tc.env, append(tc.args, "--log-level", "info")...)
		if o.code != 0 || !strings.HasSuffix(o.stderr, " "+tc.want+"\n") || strings.Contains(o.stderr, "canary") {
			t.Errorf("%q %q: %+v, want %q", tc.env, tc.args, o, tc.want)
		}
		if o := runProgram(t, "", tc.env, tc.args...); o != (outcome{}) {
			t.Errorf("%q %q: nothing is wrong, and it left %+v", tc.env, tc.args, o)
		}
	}
}

// An error text names the setting that a key came from.
func TestA401NamesTheSettingOfTheKey(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sk-canary" {
			t.Errorf("sent %q", r.Header)
		}
		w.WriteHeader(401)
	}))
	defer h.Close()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("sk-canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, env := range map[string]string{
		"OPENAI_API_KEY_FILE":              "OPENAI_API_KEY_FILE=" + file,
		"RUNS_MCP_HEADERS (Authorization)": "RUNS_MCP_HEADERS=Authorization: Bearer sk-canary",
		"(OPENAI_API_KEY_COMMAND)":         "OPENAI_API_KEY_COMMAND=echo sk-canary",
	} {
		o := runProgram(t, getQueued, []string{env}, "--api-base", h.URL)
		if !strings.Contains(o.out, want) || strings.Contains(o.out+o.stderr, "canary") {
			t.Errorf("%s: %+v, want %q", env, o, want)
		}
	}
}

// If a proxy stands between and no answer comes, either of the two may be at fault.
func TestAnErrorNamesTheProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer proxy.Close()
	o := runProgram(t, getQueued, []string{"HTTP_PROXY=" + proxy.URL}, "--api-base", "http://gateway.example", "--auth", "none", "--max-retries", "0")
	if !strings.Contains(o.out, "got no answer") || !strings.Contains(o.out, "The requests go through the proxy in HTTP_PROXY: it may be the proxy that fails.") {
		t.Errorf("%+v", o)
	}
}

func TestHelpAndVersion(t *testing.T) {
	if o := runProgram(t, "", nil, "--help"); o.code != 0 || o.stderr != "" || !strings.Contains(o.out, "--api-key-command CMD\n") {
		t.Errorf("%+v", o)
	}
	version := regexp.MustCompile(`^runs-mcp (\(devel\)|v\d[\w.-]*)(\+(dirty|[0-9a-f]{12}))*, `)
	if o := runProgram(t, "", nil, "--version"); o.code != 0 || o.stderr != "" || !version.MatchString(o.out) || !strings.Contains(o.out, runtime.Version()) {
		t.Errorf("%+v", o)
	}
}

// An output that cannot be written is a failure, whatever is asked for.
func TestBrokenStdout(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	for _, redirection := range []string{">/dev/full", ">&-"} {
		for _, flag := range []string{"--version", "--help", "--sandbox"} {
			cmd := exec.Command("sh", "-c", `exec "$0" "$1" `+redirection, path, flag)
			var stderr bytes.Buffer
			cmd.Stdin, cmd.Stderr = strings.NewReader(getQueued), &stderr
			if cmd.Run(); cmd.ProcessState.ExitCode() != 1 || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("%s %s: exit code %d, stderr %q", flag, redirection, cmd.ProcessState.ExitCode(), stderr.String())
			}
		}
	}
	for _, redirection := range []string{">/dev/null", ">/dev/null 2>&1", "1<>/dev/null 2<>/dev/null", "1<>" + filepath.Join(t.TempDir(), "out")} {
		if out, err := exec.Command("sh", "-c", `exec "$0" --version `+redirection, path).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v, %s", redirection, err, out)
		}
	}
}

// A person who starts it in a terminal is told what it waits for.
func TestTerminalGetsALine(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there is no /dev/ptmx")
	}
	defer terminal.Close()
	cmd := program(t, nil, "--sandbox")
	cmd.Stdin = terminal
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(stderr).ReadString('\n')
	if !strings.HasPrefix(line, "runs-mcp: an MCP server ") || !strings.HasSuffix(line, "| runs-mcp --sandbox\n") {
		t.Errorf("stderr has %q", line)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	cmd = program(t, nil, "--sandbox") // its input is /dev/null, a device too
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s, %v", out, err)
	}
}

// The key command and what it started end with the program, and at once.
func TestKeyCommandEndsWithTheProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	h := httptest.NewServer(sandbox.New())
	defer h.Close()
	for _, how := range append(endings(), nil) {
		file := filepath.Join(t.TempDir(), "pid")
		s := &session{Cmd: program(t, []string{fmt.Sprintf("OPENAI_API_KEY_COMMAND=sh -c 'echo $$ >%s.new; mv %s.new %s; sleep 60; true'; true", file, file, file)}, "--api-base", h.URL)}
		s.start(t)
		io.WriteString(s.in, getQueued)
		pid := 0
		for n := 0; n == 0; runtime.Gosched() {
			b, _ := os.ReadFile(file)
			n, _ = fmt.Sscan(string(b), &pid)
		}
		begin := time.Now()
		if how == nil { // the call is given up, and the input ends
			io.WriteString(s.in, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`+"\n")
			s.in.Close()
		} else {
			s.Process.Signal(how)
		}
		if err := s.Wait(); err != nil || time.Since(begin) > 10*time.Second {
			t.Errorf("%v: %v after %s", how, err, time.Since(begin))
		}
		command, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); command.Signal(syscall.Signal(0)) == nil; runtime.Gosched() {
			if state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); strings.Contains(string(state), ") Z ") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v: process %d runs on", how, pid)
			}
		}
	}
}

// What a server sends after its answer, which may be an echo of our request, is
// logged by nobody.
func TestUnsolicitedBytesAreNotLogged(t *testing.T) {
	sent := make(chan any)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		const run = `{"id":"run_queued","status":"queued"}`
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(run), run, r.Header.Get("Authorization"))
		io.Copy(io.Discard, conn) // until the client has found it out
		conn.Close()
		close(sent)
	}))
	defer h.Close()
	s := &session{Cmd: program(t, []string{"OPENAI_API_KEY=sk-canary"}, "--api-base", h.URL, "--log-level", "error")}
	s.start(t)
	io.WriteString(s.in, getQueued)
	s.read(t)
	<-sent
	s.in.Close()
	if err := s.Wait(); err != nil || s.stderr.Len() > 0 {
		t.Errorf("%v, stderr has %q", err, s.stderr.String())
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
		{[]string{"OPENAI_API_KEY=k", "OPENAI_BASE_URL=https://nowhere.example"}, []string{"--api-base", base + "/?api-version=v1&x=1", "--query", "x=2"}, nil, "api-version=v1&x=2"},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_AUTH=api-key"}, []string{"--api-base", base}, map[string]string{"Authorization": "", "Api-Key": "k"}, ""},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_AUTH=api-key"}, []string{"--api-base", base, "--auth", "none"}, map[string]string{"Authorization": "", "Api-Key": ""}, ""},
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
	initialize := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
	for _, tc := range []struct {
		args            []string
		sandbox, cancel bool // what the instructions speak of
	}{
		{[]string{"--sandbox"}, true, true},
		{[]string{"--sandbox", "--read-only"}, true, false},
		{[]string{"--api-base", h.URL}, false, true},
	} {
		o := runProgram(t, initialize, nil, tc.args...)
		instructions := gjson.Get(o.out, "result.instructions").Str
		if strings.Contains(instructions, "SANDBOX") != tc.sandbox || strings.Contains(instructions, "cancel_run") != tc.cancel {
			t.Errorf("%q: %s, want sandbox %t, cancel_run %t", tc.args, o.out, tc.sandbox, tc.cancel)
		}
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

// endings returns the signals that end the program. Tests under nohup, which has SIGHUP ignored,
// start programs that ignore it, too.
func endings() []os.Signal {
	signals := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
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
	for _, sig := range endings() {
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

// Under nohup, which has SIGHUP ignored, the program outlives its terminal.
func TestNohup(t *testing.T) {
	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Skip("nohup is not installed")
	}
	s := &session{Cmd: program(t, nil, "--sandbox")}
	s.Path, s.Args = nohup, append([]string{nohup}, s.Args...)
	s.start(t)
	for range 50 { // a signal takes a moment to arrive
		io.WriteString(s.in, `{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n")
		if a := s.read(t); !a.Get("result").Exists() {
			t.Fatal(a.Raw)
		}
		s.Process.Signal(syscall.SIGHUP)
	}
	s.in.Close()
	if err := s.Wait(); err != nil {
		t.Error(err)
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
