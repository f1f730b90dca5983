package tools_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"runs-mcp/runsapi"
	"runs-mcp/runsapi/sandbox"
	"runs-mcp/tools"
	"runs-mcp/tools/stdio"
)

// advice is an answer of a server, and what the text of the tool error must say
// of it and must not say. The URL of the API is https://api.example/v1 unless a
// base is given.
type advice struct {
	name, tool, args, base, key string
	answer                      http.HandlerFunc
	want                        []string
	never                       string // alternatives, between |
}

const (
	getArgs   = `{"thread_id":"thread_1","run_id":"run_1"}`
	waitArgs  = `{"thread_id":"thread_1","run_id":"run_1","wait":true}`
	forceArgs = `{"thread_id":"thread_1","run_id":"run_1","force":true}`
	listArgs  = `{"thread_id":"thread_1","limit":5}`

	baseURLAdvice = "must be what comes before|base URL https://api.example/v1 is right"
	azure         = "https://res.services.ai.azure.com/api/projects/p"
	oldToken      = "eyJhbGciOiJub25lIn0.eyJleHAiOjkwMDAwMDAwMH0.x"  // expired in 1998
	newToken      = "eyJhbGciOiJub25lIn0.eyJleHAiOjk3MDAwMDAwMDB9.x" // expires in 2277
	oddToken      = "eyJhbGciOiJub25lIn0.eyJleHAiOiIxNzAwMDAwIn0.x"  // exp is no number
	anHour        = "Such tokens live for about an hour: the user should set --api-key-command"
	switchedOff   = "switched it off on 2026-08-26: the user has to set --api-base"
	apiVersion    = "the user should set RUNS_MCP_QUERY=api-version=v1"
	noSuchRun     = "The API does not know the run run_1 in the thread thread_1: check both ids."
	noSuchThread  = "The API does not know the thread thread_1: check the id;"
	noAPI         = "there is no Runs API at the base URL https://api.example/v1."
	runIsRunning  = `{"id":"run_1","status":"in_progress"}`
	mayHaveCome   = "The cancel may have arrived all the same: get_run shows how the run stands."
	unknownIDs    = "Some servers answer so, too, to an id that they do not know"
	networkRefuse = "It is the network that the server refuses, not the credential"
)

// drop closes the connection without an answer.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// readFirst answers a run to the first GET, and then goes on as next.
func readFirst(next http.HandlerFunc) http.HandlerFunc {
	reads := 0
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if reads++; reads == 1 {
				answers(runIsRunning)(w, r)
				return
			}
		}
		next(w, r)
	}
}

// cutShort answers with a Content-Length that the body does not reach.
func cutShort(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, out, err := http.NewResponseController(w).Hijack()
		if err == nil {
			fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body)+20, body)
			out.Flush()
			c.Close()
		}
	}
}

func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if c, out, err := http.NewResponseController(w).Hijack(); err == nil {
			out.WriteString(answer)
			out.Flush()
			c.Close()
		}
	}
}

func TestErrorsSayWhatToDoNext(t *testing.T) {
	for _, tc := range []advice{
		// 401
		{"401", "get_run", getArgs, "", "k-12345678", status(401, `{"error":{"message":"Incorrect API key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, "x-request-id", "req_7"),
			[]string{"GET /v1/threads/thread_1/runs/run_1 answered HTTP 401: Incorrect API key (type invalid_request_error, code invalid_api_key, request id req_7)", "It comes from OPENAI_API_KEY;"}, "api-key-command"},
		{"401 without a key", "get_run", getArgs, "", "-", status(401, ""), []string{"No credential was sent: the user should set OPENAI_API_KEY or --api-key-command"}, "It comes from"},
		{"expired token", "get_run", getArgs, "", oldToken, status(401, `{"message":"audience is incorrect, or have expired."}`), []string{"audience is incorrect", "The token has expired. It comes from OPENAI_API_KEY.", anHour}, ""},
		{"token that has not expired", "get_run", getArgs, "", newToken, status(401, ""), []string{"did not accept the credential"}, "expired"},
		{"token without a time", "get_run", getArgs, "", oddToken, status(401, ""), []string{"did not accept the credential"}, "expired"},
		{"expired token, but another fault", "get_run", getArgs, "", oldToken, status(403, ""), []string{"check its permissions"}, "expired"},
		{"reason in the header", "get_run", getArgs, "", "k-12345678", status(401, "", "WWW-Authenticate", `Bearer realm="x", error="invalid_token", error_description="The token audience is wrong"`),
			[]string{"HTTP 401: Unauthorized (reason invalid_token: The token audience is wrong)"}, "realm"},
		{"header without a reason", "get_run", getArgs, "", "k-12345678", status(401, "", "WWW-Authenticate", `Bearer authorization_uri="https://login.example"`), []string{`(reason Bearer authorization_uri="https://login.example")`}, ""},
		// 403
		{"403", "get_run", getArgs, "", "k-12345678", status(403, `{"error":{"code":"AccessDenied","message":"No."}}`), []string{"The credential may not do this. It comes from OPENAI_API_KEY; the user should check its permissions."}, "network"},
		{"403 without a key", "get_run", getArgs, "", "-", status(403, ""), []string{"No credential was sent. If the server wants one"}, "nowhere|permission"},
		{"403, firewall", "get_run", getArgs, "", "k-12345678", status(403, `{"error":{"code":"AccessDenied","message":"Access denied due to Virtual Network/Firewall rules."}}`), []string{networkRefuse}, "permission"},
		{"403, private endpoint", "get_run", getArgs, "", "-", status(403, `{"error":{"code":"403","message":"Public access is disabled. Please configure private endpoint."}}`), []string{networkRefuse}, "permission|No credential"},
		{"403, address", "get_run", getArgs, "", "k-12345678", status(403, `{"error":{"message":"Your IP address is not authorized."}}`), []string{networkRefuse}, "permission"},
		// 404
		{"404, no reason", "get_run", getArgs, "", "", status(404, ""), []string{"Either the thread or the run does not exist (thread ids cannot be listed, they come from the application; list_runs finds the runs of a thread), or " + noAPI}, "2026|api-version"},
		{"404, the run", "get_run", getArgs, "", "", status(404, `{"error":{"message":"No run found with id 'run_1'."}}`), []string{noSuchRun}, "no Runs API|Either"},
		{"404, the run in code", "get_run", getArgs, "", "", status(404, `{"error":{"message":"sorry","code":"run_not_found"}}`), []string{noSuchRun}, "no Runs API"},
		{"404, the run's id", "get_run", getArgs, "", "", status(404, `{"detail":"run_1 does not exist"}`), []string{noSuchRun}, "no Runs API"},
		{"404, the thread", "get_run", getArgs, "", "", status(404, `{"error":{"message":"No thread found with id 'thread_1'."}}`), []string{noSuchThread}, "no Runs API|Either|know the run"},
		{"404, the thread of a list", "list_runs", listArgs, "", "", status(404, `{"detail":"Thread not found"}`), []string{noSuchThread}, "no Runs API|cursor"},
		{"404, a route", "get_run", getArgs, "", "", status(404, `{"message":"Cannot GET /v1/threads/thread_1/runs/run_1: not found"}`), []string{noAPI}, "does not know"},
		{"404, some resource", "get_run", getArgs, "", "", status(404, `{"error":{"code":"404","message":"Resource not found"}}`), []string{noAPI}, "does not know"},
		{"404, a list", "list_runs", listArgs, "", "", status(404, ""), []string{"Either the thread does not exist", "or the cursor if there was one", "or this server does not list runs", noAPI}, "or the run does not"},
		{"410", "get_run", getArgs, "", "", status(410, `{"error":{"message":"The Assistants API was retired."}}`), []string{"HTTP 410: The Assistants API was retired.", "no Runs API at the base URL"}, "Change the arguments"},
		{"404, a cursor", "list_runs", `{"thread_id":"thread_1","after":"run_zz"}`, "", "", status(404, `{"error":{"message":"No run found with id 'run_zz'."}}`), []string{"does not know the run that the cursor"}, "check both"},
		{"a message in a 200", "get_run", getArgs, "", "", answers(`{"message":"Endpoint request timed out"}`), []string{"with an error in the body: Endpoint request timed out"}, "base URL"},
		{"a detail in a 200", "get_run", getArgs, "", "", answers(`{"detail":"Internal error"}`), []string{"Internal error"}, "base URL"},
		{"a code in a 200", "get_run", getArgs, "", "", answers(`{"code":500,"msg":"internal"}`), []string{"internal", "passing one"}, "base URL"},
		{"a page without text", "get_run", getArgs, "", "", answers("<html>"), []string{"an HTML page: without a text"}, "empty"},
		{"403, an address", "get_run", getArgs, "", "k", status(403, "Your IP 1.2.3.4 is not allowed to access this resource"), []string{"It is the network"}, "permissions"},
		{"404, a cancel", "cancel_run", forceArgs, "", "", status(404, ""), []string{"this server has no cancel, if get_run finds the run", noAPI}, ""},
		{"404 at OpenAI", "list_runs", listArgs, "https://API.openai.com./v1", "", status(404, ""), []string{"GET /v1/threads/thread_1/runs answered HTTP 404", switchedOff}, "limit"},
		{"404 at Azure without api-version", "get_run", getArgs, azure, "", status(404, `{"error":{"code":"404","message":"Resource not found"}}`), []string{apiVersion}, "Either"},
		{"404 at Azure with api-version", "get_run", getArgs, azure + "?api-version=v1", "", status(404, ""), []string{"Either the thread"}, "RUNS_MCP_QUERY"},
		{"404 at Azure, the thread", "get_run", getArgs, azure, "", status(404, `{"error":{"message":"No thread found with id 'thread_1'."}}`), []string{noSuchThread}, "RUNS_MCP_QUERY"},
		{"400 at Azure without api-version", "get_run", getArgs, azure, "", status(400, `{"error":{"code":"BadRequest","message":"Missing required query parameter: api-version"}}`), []string{apiVersion, "--query"}, ""},
		{"404 after the run was read", "get_run", waitArgs, "", "", readFirst(status(404, "")), []string{"the last status seen is in_progress", "The run was there a moment ago"}, "no Runs API|Either"},
		{"ids the wrong way round", "get_run", `{"thread_id":"run_1","run_id":"thread_1"}`, "", "", status(404, ""), []string{"run_id thread_1 looks like a thread id", "thread_id run_1 looks like a run id"}, ""},
		{"405", "cancel_run", forceArgs, "", "", status(405, ""), []string{"HTTP 405", "does not offer the call"}, "Runs API at"},
		{"501 to a list", "list_runs", listArgs, "", "", status(501, "", "x-should-retry", "false"), []string{"does not offer the call"}, "try again"},
		// 429
		{"429 with Retry-After", "cancel_run", forceArgs, "", "", status(429, "", "Retry-After", "120"), []string{"POST /v1/threads/thread_1/runs/run_1/cancel answered HTTP 429: Too Many Requests", "The API asks to wait: try again in 120 s; 1 try was made."}, "quota"},
		{"429 with a far Retry-After", "get_run", getArgs, "", "", status(429, "", "Retry-After", "9999999999"), []string{"try again in 365 days"}, ""},
		{"429", "get_run", getArgs, "", "", status(429, ""), []string{"Too many requests: try again later; 3 tries were made."}, "quota"},
		{"429, quota", "get_run", getArgs, "", "", status(429, `{"error":{"message":"m","code":"insufficient_quota"}}`), []string{"A quota is used up: trying again does not help"}, "later|tries"},
		{"429, quota by type, with Retry-After", "get_run", getArgs, "", "", status(429, `{"error":{"message":"m","type":"insufficient_quota"}}`, "Retry-After", "1"), []string{"A quota is used up"}, "later|tries"},
		{"429, quota in words", "get_run", getArgs, "", "", status(429, `{"error":{"message":"You exceeded your current quota."}}`), []string{"A quota is used up"}, "later"},
		{"429, quota per minute", "get_run", getArgs, "", "", status(429, `{"error":{"message":"Quota exceeded for requests per minute."}}`, "Retry-After", "90"), []string{"try again in 90 s"}, "used up"},
		{"429, a link with quota in it", "get_run", getArgs, "", "", status(429, `{"error":{"message":"See https://aka.ms/quotaincrease"}}`), []string{"Too many requests"}, "used up"},
		// 5xx and other faults that pass
		{"503", "get_run", getArgs, "", "", status(503, "", "Retry-After", "0.01"), []string{"HTTP 503", "3 tries were made", "try again in 1 s", unknownIDs}, ""},
		{"500", "get_run", getArgs, "", "", status(500, "boom", "x-should-retry", "false"), []string{"HTTP 500: boom", "1 try was made. Try again in a minute.", unknownIDs}, ""},
		{"500 after the run was read", "cancel_run", `{"thread_id":"thread_1","run_id":"run_1"}`, "", "", readFirst(status(500, "boom", "x-should-retry", "false")), []string{mayHaveCome, "Try again in a minute"}, "base URL"},
		{"409", "get_run", getArgs, "", "", status(409, ""), []string{"a passing one; 3 tries were made"}, "ids"},
		{"no answer", "get_run", getArgs, "", "", drop, []string{"got no answer", "base URL https://api.example/v1 is right", "3 tries"}, "may have arrived|proxy"},
		{"no answer to a cancel", "cancel_run", forceArgs, "", "", drop, []string{mayHaveCome}, ""},
		// answers that are not what they should be
		{"2xx with an error", "get_run", getArgs, "", "", answers(`{"error":{"message":"Rate limit is exceeded.","code":"429"}}`), []string{"answered HTTP 200 with an error in the body: Rate limit is exceeded. (code 429)", "Too many requests: try again later"}, baseURLAdvice},
		{"2xx with an error of words", "get_run", getArgs, "", "", answers(`{"error":{"message":"m","code":"invalid_api_key"}}`), []string{"did not accept the credential"}, baseURLAdvice},
		{"2xx with an error without code", "list_runs", listArgs, "", "", answers(`{"error":"upstream timed out"}`), []string{"upstream timed out", "The server, or one that it asked, failed; 1 try was made. Try again in a minute."}, baseURLAdvice},
		{"2xx with a failure", "list_runs", listArgs, "", "", answers(`{"success":false,"errors":[{"code":7003,"message":"Could not route"}]}`), []string{"with an error in the body: Could not route"}, baseURLAdvice},
		{"2xx, cut short", "get_run", getArgs, "", "", cutShort(`{"id":"run_1","sta`), []string{"was answered, but the answer was cut short", "ended the answer too early; 3 tries"}, "got no answer|" + baseURLAdvice},
		{"2xx, JSON that ends early", "get_run", getArgs, "", "", answers(`{"id":"run_1","sta`), []string{"the answer was cut short: its JSON ends too early, after 18 bytes", "ended the answer too early"}, baseURLAdvice},
		{"2xx, unknown encoding", "get_run", getArgs, "", "", status(200, "\x0b\x02\x80", "Content-Encoding", "br"), []string{"Content-Encoding that cannot be read: br", "--header 'Accept-Encoding: identity'"}, baseURLAdvice},
		{"400, unknown encoding", "get_run", getArgs, "", "", status(400, "\x0b\x02\x80", "Content-Encoding", "zstd"), []string{"HTTP 400: Bad Request (what it says cannot be read: its Content-Encoding is zstd)"}, ""},
		{"2xx, empty", "get_run", getArgs, "", "", answers(""), []string{"not a Runs API response", "the body is empty", "--api-base"}, ""},
		{"2xx, HTML", "list_runs", listArgs, "", "", answers("<html><body>Welcome</body></html>"), []string{"not a Runs API response", "an HTML page: Welcome"}, "<html>"},
		{"2xx, LangGraph", "get_run", getArgs, "", "", answers(`{"run_id":"r","status":"pending","multitask_strategy":"reject"}`), []string{"a run of a LangGraph server"}, ""},
		{"2xx, a list of LangGraph's", "list_runs", listArgs, "", "", answers(`[{"run_id":"r","kwargs":{}}]`), []string{"a run of a LangGraph server"}, ""},
		{"unreadable header", "get_run", getArgs, "", "", raw("hello\n"), []string{"was answered, but the header of the answer cannot be read", "does not speak HTTP"}, "got no answer"},
		{"redirect", "get_run", getArgs, "", "", status(301, "", "Location", "https://new.example/v1/threads"), []string{"redirected to https://new.example/v1/threads", "--api-base (OPENAI_BASE_URL) to where the API is now"}, ""},
		{"407", "get_run", getArgs, "", "", status(407, "", "Proxy-Authenticate", `Basic realm="corp"`), []string{`HTTP 407: Proxy Authentication Required (reason Basic realm="corp")`, "It is the proxy that failed", "HTTPS_PROXY and NO_PROXY"}, "base URL"},
		{"407 to http", "get_run", getArgs, "http://127.0.0.1/v1", "", status(407, ""), []string{"check HTTP_PROXY and NO_PROXY"}, "HTTPS_PROXY"},
		{"304", "get_run", getArgs, "", "", status(304, ""), []string{"The API refuses the request as it is"}, "where the API is now"},
		{"300", "get_run", getArgs, "", "", status(300, "", "Location", "/x"), []string{"where the API is now"}, ""},
		{"408", "get_run", getArgs, "", "", status(408, ""), []string{"a passing one; 3 tries were made"}, "ids"},
		{"404, something else of the run", "get_run", getArgs, "", "", status(404, `{"detail":"run run_1 is hidden"}`), []string{noAPI}, "does not know"},
		{"hangs", "cancel_run", forceArgs, "", "", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, []string{"no whole answer came in time", mayHaveCome, "The server is slow, or the base URL https://api.example/v1 cannot be reached"}, ""},
		{"too large", "list_runs", listArgs, "", "", tooLarge, []string{"was answered, but the answer is too large", "Ask for fewer runs: call list_runs with a smaller limit"}, "got no answer|base URL"},
		{"too large a run", "get_run", getArgs, "", "", tooLarge, []string{"The run itself is larger than can be read here"}, "got no answer|base URL"},
		// refusals
		{"a quota that is no 429", "get_run", getArgs, "", "", status(400, `{"error":{"message":"the quota is odd"}}`), []string{"The API refuses the request as it is"}, "used up"},
		{"api-version that is refused", "get_run", getArgs, azure + "?api-version=v9", "", status(400, `{"error":{"message":"unknown api-version"}}`), []string{"The API refuses the request as it is"}, "RUNS_MCP_QUERY"},
		{"another fault at Azure", "get_run", getArgs, azure, "", status(400, `{"error":{"message":"odd"}}`), []string{"The API refuses the request as it is"}, "RUNS_MCP_QUERY"},
		{"no details", "get_run", getArgs, "", "", status(400, ""), []string{"answered HTTP 400: Bad Request\nThe API refuses"}, ""},
		{"everything long", "get_run", `{"thread_id":"` + strings.Repeat("é", 128) + `","run_id":"` + strings.Repeat("é", 128) + `"}`, "", "",
			status(400, `{"error":{"message":"`+strings.Repeat("m", 5000)+`","type":"`+strings.Repeat("t", 500)+`","code":"`+strings.Repeat("c", 500)+`","param":"`+strings.Repeat("p", 500)+`"}}`, "x-request-id", strings.Repeat("i", 500), "www-authenticate", strings.Repeat("w", 500)),
			[]string{"…"}, ""},
		{"too late", "cancel_run", forceArgs, "", "", status(400, `{"error":{"message":"Cannot cancel run with status 'completed'."}}`), []string{"Cannot cancel run with status 'completed'.", "get_run shows"}, ""},
		{"a setting at fault", "get_run", getArgs, "", "", status(400, `{"status":"failure","message":"Either x-portkey-config or x-portkey-provider header is required"}`), []string{"x-portkey-provider header is required", "it is a setting"}, ""},
		{"very long", "get_run", `{"thread_id":"` + strings.Repeat("é", 128) + `","run_id":"` + strings.Repeat("é", 128) + `"}`, "", "", status(404, strings.Repeat("m", 5000)), []string{"mmm…", "Either the thread"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := connectAs(t, tc).bad(tc.tool, tc.args)
				for _, want := range tc.want {
					if !strings.Contains(got, want) {
						t.Errorf("%q is missing in:\n%s", want, got)
					}
				}
				for never := range strings.SplitSeq(tc.never, "|") {
					if never != "" && strings.Contains(got, never) {
						t.Errorf("%q is in:\n%s", never, got)
					}
				}
			})
		})
	}
}

// connectAs is connect for one row.
func connectAs(t *testing.T, tc advice) *host {
	cfg := runsapi.Config{BaseURL: "https://api.example/v1", MaxRetries: 2, Timeout: 5 * time.Second, APIKey: strings.TrimPrefix(tc.key, "-"), Transport: sandbox.Transport(t.Context(), tc.answer)}
	o := tools.Options{KeyName: "OPENAI_API_KEY", Timeout: 45 * time.Second}
	if tc.base != "" {
		cfg.BaseURL = tc.base
	}
	if tc.key == "-" {
		o.KeyName = ""
	}
	if cfg.APIKey == "" {
		cfg.Auth = runsapi.AuthNone
	}
	c, err := runsapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o.BaseURL = c.BaseURL()
	return serve(t, tools.New(c, o))
}

// tooLarge answers with more than is read.
func tooLarge(w http.ResponseWriter, _ *http.Request) {
	block := make([]byte, 1<<20)
	for range 66 {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// Certificates as they really fail, on loopback.
func TestCertificatesThatCannotBeTrusted(t *testing.T) {
	s := httptest.NewUnstartedServer(answers(runIsRunning))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	for base, want := range map[string]string{
		s.URL: "name a file with it in SSL_CERT_FILE (not on macOS and Windows)",
		strings.Replace(s.URL, "127.0.0.1", "localhost", 1): "check the host name in the base URL https://localhost:",
	} {
		transport := s.Client().Transport.(*http.Transport).Clone()
		if strings.HasPrefix(base, s.URL) {
			transport = http.DefaultTransport.(*http.Transport).Clone()
		}
		transport.Proxy = nil
		c, err := runsapi.New(runsapi.Config{BaseURL: base, Transport: transport, MaxRetries: 2})
		if err != nil {
			t.Fatal(err)
		}
		got := serve(t, tools.New(c, tools.Options{BaseURL: c.BaseURL()})).bad("get_run", getArgs)
		if !strings.Contains(got, want) || !strings.Contains(got, "Nothing was sent.") || strings.Contains(got, "tries") {
			t.Errorf("%s: %s", base, got)
		}
	}
}

func TestEchoesAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("x", 5000)
		reads := 0
		got := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if reads++; reads == 1 {
				answers(`{"id":"r","status":"`+long+`"}`)(w, r)
				return
			}
			status(403, "")(w, r)
		})).bad("get_run", waitArgs)
		if !strings.Contains(got, "the last status seen is "+long[:99]+"….\n") {
			t.Errorf("a long status: %s", got)
		}
		ids := `{"thread_id":"` + strings.Repeat("é", 128) + `","run_id":"` + strings.Repeat("é", 128) + `"}`
		got = connect(t, status(403, "")).bad("get_run", ids)
		if path, _, _ := strings.Cut(strings.TrimPrefix(got, "GET "), " answered"); len([]rune(path)) != 400 {
			t.Errorf("a path of %d characters: %s", len([]rune(path)), got)
		}
	})
}

// A server that stops in the middle of a cancel says that the cancel may have arrived.
func TestACancelThatTheEndOfTheServerInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := sandbox.Transport(t.Context(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		c, err := runsapi.New(runsapi.Config{BaseURL: "https://api.example/v1", Auth: runsapi.AuthNone, Transport: hangs})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(errors.New("the server is shutting down")) })
		r := tools.New(c, tools.Options{BaseURL: c.BaseURL()}).Call(ctx, stdio.Call{Name: "cancel_run", Args: forceArgs})
		if !r.IsError || !strings.Contains(r.Text, "the server is shutting down") || !strings.HasSuffix(r.Text, mayHaveCome) {
			t.Errorf("%+v", r)
		}
	})
}

// A run for which other calls leave no memory is not the server's fault.
func TestARunForWhichThereIsNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := answers(`{"id":"run_1","status":"failed","x":"` + strings.Repeat("x", 3<<20) + `"}`)
		c, err := runsapi.New(runsapi.Config{BaseURL: "https://api.example/v1", Auth: runsapi.AuthNone, Timeout: 5 * time.Second, Transport: sandbox.Transport(t.Context(), run)})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Keep(c.Begin(t.Context()), 127<<20); err != nil {
			t.Fatal(err)
		}
		got := serve(t, tools.New(c, tools.Options{BaseURL: c.BaseURL(), Timeout: 45 * time.Second})).bad("get_run", getArgs)
		if !strings.Contains(got, "was answered, but") || !strings.Contains(got, "Call again when the other calls have ended") || strings.Contains(got, "base URL") {
			t.Error(got)
		}
	})
}

func TestAnAPIThatAsksForLongerThanThereIsTimeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		got := connect(t, status(503, "", "Retry-After", "300")).bad("get_run", getArgs)
		if took := time.Since(begin); took > time.Second || !strings.Contains(got, "try again in 300 s") {
			t.Errorf("after %s: %s", took, got)
		}
	})
}
