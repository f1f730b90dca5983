package runsapi

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
)

// Every error shape of every backend, with where it is from.
var errorBodies = []struct {
	source, body string
	want         Error
}{
	{"OpenAI, public logs", `{"error":{"message":"No thread found with id 'thread_x'.","type":"invalid_request_error","param":null,"code":null}}`,
		Error{Message: "No thread found with id 'thread_x'.", Type: "invalid_request_error"}},
	{"OpenAI, openapi.json", `{"error":{"message":"m","type":"t","param":"p","code":"c"}}`, Error{Message: "m", Type: "t", Param: "p", Code: "c"}},
	{"Foundry classic, microsoft-foundry/foundry-samples#692", `{"error":{"code":"PermissionDenied","message":"The principal lacks the required data action."}}`,
		Error{Message: "The principal lacks the required data action.", Code: "PermissionDenied"}},
	{"Foundry classic, microsoft-foundry-for-vscode#172", `{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}`,
		Error{Message: "Access denied due to invalid subscription key or wrong API endpoint.", Code: "401"}},
	{"Azure API Management", `{ "statusCode": 401, "message": "Access denied due to missing subscription key." }`, Error{Message: "Access denied due to missing subscription key."}},
	{"Cogitator, packages/openai-compat", `{"error":{"message":"Run 'r' not found","type":"invalid_request_error","code":"not_found"}}`,
		Error{Message: "Run 'r' not found", Type: "invalid_request_error", Code: "not_found"}},
	{"open-assistant-api, app/exceptions", `{"error":{"code":"not_found","message":"Run not found","param":null,"type":null}}`, Error{Message: "Run not found", Code: "not_found"}},
	{"astra-assistants-api, FastAPI", `{"detail":"Thread not found"}`, Error{Message: "Thread not found"}},
	{"FastAPI, request validation", `{"detail":[{"loc":["query","limit"],"msg":"value is not a valid integer","type":"type_error.integer"},{"loc":["query","order"],"msg":"bad"}]}`,
		Error{Message: "limit: value is not a valid integer; order: bad"}},
	{"LumenLabs middleware", `{"error":{"code":"thread_not_found","message":"no such thread"}}`, Error{Message: "no such thread", Code: "thread_not_found"}},
	{"LiteLLM, BerriAI/litellm#11977", `{"error":{"message":"boom","type":"None","param":"None","code":"500"}}`, Error{Message: "boom", Code: "500"}},
	{"Portkey gateway, src/middlewares/requestValidator", `{"status":"failure","message":"Either x-portkey-config or x-portkey-provider header is required"}`,
		Error{Message: "Either x-portkey-config or x-portkey-provider header is required"}},
	{"plain proxies", `{"error":"upstream is down"}`, Error{Message: "upstream is down"}},
	{"OAuth 2.0, RFC 6749 section 5.2", `{"error":"invalid_client","error_description":"unknown client"}`, Error{Message: "unknown client"}},
	{"RFC 9457", `{"type":"about:blank","title":"Forbidden","detail":"no access","status":403}`, Error{Message: "no access", Type: "about:blank"}},
	{"Google, wrapped in an array", `[{"error":{"code":404,"message":"gone","status":"NOT_FOUND"}}]`, Error{Message: "gone", Code: "404"}},
	{"GraphQL style", `{"errors":[{"message":"first"},{"message":"second"}]}`, Error{Message: "first"}},
	{"nginx", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center></body></html>",
		Error{Message: "502 Bad Gateway 502 Bad Gateway nginx"}},
	{"HTML with script and entities", "<!doctype html><style>p{}</style><script>if(a<b){}</script><!-- no --><p>Tom &amp; Jerry</p>", Error{Message: "Tom & Jerry"}},
	{"plain text", "upstream connect error\n or disconnect", Error{Message: "upstream connect error or disconnect"}},
	{"JSON string", `"nope"`, Error{Message: "nope"}},
	{"JSON without any known field", `{"fault":{"x":1}}`, Error{Message: `{"fault":{"x":1}}`}},
	{"truncated JSON", `{"error":{"message":"half`, Error{Message: `{"error":{"message":"half`}},
	{"a byte order mark", "\ufeff{\"error\":{\"message\":\"m\"}}", Error{Message: "m"}},
	{"a message outside the error", `{"message":"outside","error":{"code":"x"}}`, Error{Message: "outside", Code: "x"}},
	{"errors that are strings", `{"errors":["one","two"]}`, Error{Message: "one; two"}},
	{"clicky-chats", `{"error":{"message":"invalid_request_error","type":"No run found with id"}}`, Error{Message: "No run found with id", Type: "invalid_request_error"}},
	{"a type of several words", `{"error":{"message":"two words","type":"more words"}}`, Error{Message: "two words", Type: "more words"}},
	{"a type of several words alone", `{"error":{"type":"more words"}}`, Error{Message: `{"error":{"type":"more words"}}`, Type: "more words"}},
	{"the word null", `{"error":{"message":"m","type":"null","param":null}}`, Error{Message: "m"}},
	{"an object as message", `{"error":{"message":{"a":"\u00e9<"}}}`, Error{Message: `{"a":"é<"}`}},
	{"many faults", `{"detail":["1","2","3","4","5","6","7","8","9","10","11"]}`, Error{Message: "1; 2; 3; 4; 5; 6; 7; 8; 9; 10"}},
	{"faults without a place", `{"detail":[{"loc":[],"msg":"m"},{"message":"n"},{"x":1}]}`, Error{Message: `m; n; {"x":1}`}},
	{"an unknown object that is long", `{"x":"\u00e9` + strings.Repeat("x", 2000) + `"}`, Error{Message: `{"x":"\u00e9` + strings.Repeat("x", 987) + "…"}},
	{"an empty array", "[]", Error{Message: "I'm a teapot"}},
	{"a bare number", "5", Error{Message: "5"}},
	{"a request id in the body", `{"message":"m","request_id":"abc"}`, Error{Message: "m"}}, // the header's goes first
	{"empty", "", Error{Message: "I'm a teapot"}},
	{"empty object", "{}", Error{Message: "I'm a teapot"}},
	{"null", "null", Error{Message: "I'm a teapot"}},
	{"invalid UTF-8", "{\"message\":\"a\xff\"}", Error{Message: "a\ufffd"}},
}

func TestErrorBodies(t *testing.T) {
	for _, tc := range errorBodies {
		_, err := dial(t, status(418, tc.body, "x-request-id", "req_1")).GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", tc.source, err)
			continue
		}
		want := tc.want
		want.Method, want.Path, want.ThreadID, want.RunID = "GET", "/v1/threads/t/runs/r", "t", "r"
		want.Status, want.RequestID, want.Attempts = 418, "req_1", 1
		if *e != want {
			t.Errorf("%s:\n got %+v\nwant %+v", tc.source, *e, want)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	for _, name := range []string{"x-request-id", "apim-request-id", "x-ms-request-id", "request-id"} {
		_, err := dial(t, status(400, "", name, "id-1")).GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) || e.RequestID != "id-1" {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c, err := New(Config{BaseURL: "http://" + l.Addr().String() + "/v1?code=canary-123456"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.GetRun(t.Context(), "t", "r")
	var e *Error
	if !errors.As(err, &e) || e.Status != 0 || e.Attempts != 1 || !strings.Contains(e.Message, "connection refused") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// A server that echoes all that it gets, in every form that an error may take.
func TestSecretsAreNotEchoed(t *testing.T) {
	const canary = "canary/+\"&=\\ 9f8e7d6c"
	cfg := Config{
		APIKey: canary + "1", Portkey: Portkey{APIKey: canary + "2", VirtualKey: canary + "3", Config: canary + "4"},
		Header: http.Header{"X-Own": {"Token " + canary + "5"}}, Query: url.Values{"code": {canary + "6"}},
	}
	for _, form := range []func(w http.ResponseWriter, all string){
		func(w http.ResponseWriter, all string) { status(400, all)(w, nil) },
		func(w http.ResponseWriter, all string) { status(200, all)(w, nil) },
		func(w http.ResponseWriter, all string) { status(200, "<p>"+all)(w, nil) },
		func(w http.ResponseWriter, all string) { status(500, strings.Repeat("x", 990)+all)(w, nil) },
		func(w http.ResponseWriter, all string) {
			status(404, `{"error":{"message":`+quote(all)+`,"type":`+quote(all)+`,"code":`+quote(all)+`}}`, "x-request-id", url.QueryEscape(all))(w, nil)
		},
		func(w http.ResponseWriter, all string) {
			status(302, "", "Location", "https://elsewhere.example/"+url.PathEscape(all))(w, nil)
		},
		func(w http.ResponseWriter, all string) { status(200, `{`+quote(all)+`:1}`)(w, nil) },
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			all := r.URL.RawQuery + " " + r.URL.Query().Get("code")
			for _, values := range r.Header {
				all += " " + strings.Join(values, " ")
			}
			if strings.Count(all, "9f8e7d6c") < 7 {
				t.Errorf("not all of the credentials were sent: %s", all)
			}
			form(w, all)
		}))
		cfg.BaseURL = h.URL
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) {
			t.Error(err)
			continue
		}
		for _, s := range []string{err.Error(), e.Message, e.Type, e.Code, e.Param, e.RequestID, e.Path} {
			if strings.Contains(s, "canary") || strings.Contains(s, "7d6c") {
				t.Errorf("an echo of a secret: %s", s)
			}
		}
		h.Close()
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func TestRelativeRedirectSaysWhereTo(t *testing.T) {
	_, err := dial(t, status(302, "", "Location", "/login?secret=1")).GetRun(t.Context(), "t", "r")
	if err == nil || !strings.Contains(err.Error(), "redirected to https://api.example/login;") {
		t.Error(err)
	}
}

func TestSecretsInOddSpellings(t *testing.T) {
	c := dial(t, nil, func(cfg *Config) {
		cfg.APIKey = "abc/defghij+klm"
		cfg.Header = http.Header{"X-Api-Key": {"s3cret7"}, "X-Team": {"alpha  beta"}}
	})
	for _, echo := range []string{
		`{"seen":"abc\/defghij\u002Bklm"}`, "code=abc%2fdefghij%2bklm", `<p>abc/defghij+klm`, "bad key s3cret7", "team alpha  beta",
	} {
		e := decodeError([]byte(echo))
		got := c.complete(&e, &answer{}).Message
		for _, secret := range []string{"defghij", "s3cret7", "beta"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s: %s", echo, got)
			}
		}
	}
}

// Nested without end, but read in one go.
func TestDeepErrorBody(t *testing.T) {
	body := `{"detail":` + strings.Repeat("[", 4900) + `"` + strings.Repeat("x", 1<<20-10_000) + `"` + strings.Repeat("]", 4900) + `}`
	_, err := dial(t, status(400, body)).GetRun(t.Context(), "t", "r")
	var e *Error
	if !errors.As(err, &e) || e.Message == "" {
		t.Error(err)
	}
}

func TestOddRedirects(t *testing.T) {
	_, err := dial(t, status(302, "", "Location", "http://h/%zz?code=canary-123")).GetRun(t.Context(), "t", "r")
	var found *Error
	if !errors.As(err, &found) || found.Status != 302 || found.Message != "Found" {
		t.Errorf("302 to a place that cannot be read: %v", err)
	}
	for _, location := range []string{"", "http://h/%zz?code=canary-123"} {
		tries := 0
		_, err := dial(t, func(w http.ResponseWriter, r *http.Request) {
			tries++
			status(304, "", "Location", location)(w, r)
		}).GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) || e.Status != 304 || e.Message != "Not Modified" || tries != 1 {
			t.Errorf("%s: %v after %d tries", location, err, tries)
		}
	}
}

// Wherever a text is cut, no half of a secret is left.
func TestSecretsAtTheCut(t *testing.T) {
	secret := "sk-" + strings.Repeat("SECRET", 20)
	for _, tc := range []struct {
		status int
		body   string
	}{
		{500, "x" + strings.Repeat(" ", maxErrorBody-10) + secret + " y"},
		{200, "<p>page: " + strings.Repeat(" ", 64<<10-20) + secret + "</p>"},
		{400, `{"detail":[{"loc":["h"],"msg":"` + strings.Repeat("x", 978) + secret + `"}]}`},
		{400, `{"detail":[{"input":"\u0073` + secret[1:] + `"}]}`},
	} {
		c := dial(t, status(tc.status, tc.body, "x-should-retry", "false"), func(cfg *Config) { cfg.APIKey = secret })
		if _, err := c.GetRun(t.Context(), "t", "r"); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%.300v", err)
		}
	}
}

// Errors that servers answer with a success status, and what they stand for.
func TestErrorsInTheBodyOfASuccess(t *testing.T) {
	for body, want := range map[string]struct {
		status  int
		message string
	}{
		`{"error":{"message":"Rate limit is exceeded.","code":"429"}}`:                          {429, "Rate limit is exceeded."},
		`{"error":{"message":"m","code":429}}`:                                                  {429, "m"},
		`{"error":{"message":"m","code":null,"type":"rate_limit_exceeded"}}`:                    {429, "m"},
		`{"error":{"code":"TooManyRequests","message":"m"}}`:                                    {429, "m"},
		`{"error":{"code":7,"message":"m","status":"RESOURCE_EXHAUSTED"}}`:                      {429, "m"},
		`{"error":{"message":"m","code":"insufficient_quota"}}`:                                 {429, "m"},
		`{"error":{"message":"m","type":"authentication_error"}}`:                               {401, "m"},
		`{"error":{"message":"m","code":"PermissionDenied"}}`:                                   {403, "m"},
		`{"error":{"message":"m","code":"run_not_found"}}`:                                      {404, "m"},
		`{"error":{"message":"m","type":"server_error"}}`:                                       {500, "m"},
		`{"error":{"message":"m","code":"Timeout"}}`:                                            {504, "m"},
		`{"error":{"message":"m","type":"invalid_request_error"}}`:                              {400, "m"},
		`{"error":{"message":"invalid_request_error","type":"the run is not there","code":""}}`: {400, "the run is not there"},
		`{"error":{"message":"m","code":"odd"}}`:                                                {0, "m"},
		`{"error":"upstream timed out"}`:                                                        {0, "upstream timed out"},
		`{"error":"Insufficient balance","status":402}`:                                         {402, "Insufficient balance"},
		`{"statusCode":401,"message":"missing key"}`:                                            {401, "missing key"},
		`{"success":false,"result":[],"error":[{"code":2001,"message":"Please configure"}]}`:    {0, "Please configure"},
		`{"result":null,"success":false,"errors":[{"code":7003,"message":"no route"}]}`:         {0, "no route"},
		`{"status":"failure","message":"header is required"}`:                                   {0, "header is required"},
		`{"object":"error","message":"m","code":40303}`:                                         {0, "m"},
		`[{"error":{"code":503,"message":"gone","status":"UNAVAILABLE"}}]`:                      {503, "gone"},
		`{"success":false}`:                       {0, `{"success":false}`},
		`{"id":"r","status":"failed","error":{}}`: {-1, ""},
		`{"error":null,"id":"r"}`:                 {-1, ""},
		`{"errors":[],"success":true}`:            {-1, ""},
		`{"status":"queued","statusCode":200}`:    {-1, ""},
		`{"code":404}`:                            {-1, ""},
		`"error"`:                                 {-1, ""},
		`[]`:                                      {-1, ""},
	} {
		e, ok := errorBody(document{text: body, isJSON: true})
		if ok != (want.status >= 0) || ok && (e.bodyStatus != want.status || e.Message != want.message) {
			t.Errorf("%s: %t, %d %q, want %+v", body, ok, e.bodyStatus, e.Message, want)
		}
	}
	// As a call has them.
	for _, body := range []string{`{"error":{"message":"m","code":"429"}}`, `[{"error":{"message":"m","code":"429"}}]`} {
		_, err := dial(t, answers(body)).ListRuns(t.Context(), "t", ListParams{})
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrInBody) || e.Status != 200 || e.EffectiveStatus() != 429 || e.Message != "m" || e.ThreadID != "t" || e.RunID != "" {
			t.Errorf("%s: %+v", body, e)
		}
	}
	e := &Error{Status: 404}
	if e.EffectiveStatus() != 404 {
		t.Error(e.EffectiveStatus())
	}
}

func TestCodesThatStandForAStatus(t *testing.T) {
	for want, names := range map[int][]string{
		0: {"", "odd", "399", "600", "-429", "42900"}, 400: {"400", "bad_request", "invalid-request", "InvalidArgument", "invalid_request_error"},
		401: {"401", "Unauthorized", "UNAUTHENTICATED", "invalid_token", "invalid_api_key", "authentication_error"}, 403: {"forbidden", "AccessDenied", "permission_error", "PERMISSION_DENIED"},
		404: {"not_found", "NotFoundError", "thread_not_found", "run_not_found", "ResourceNotFound"}, 429: {"rate_limit_error", "Rate Limit", "throttled", "too_many_requests", "insufficient_quota"},
		500: {"internal_server_error", "InternalError", "INTERNAL", "UNAVAILABLE", "service_unavailable", "overloaded", "overloaded_error", "server_error"},
		504: {"timeout", "GatewayTimeout", "deadline_exceeded"}, 599: {"599"},
	} {
		for _, name := range names {
			if got := statusOf("", "odd", name, "402"); got != want && (want != 0 || got != 402) {
				t.Errorf("%q: %d, want %d", name, got, want)
			}
		}
	}
}

func TestWhatABodyIsInstead(t *testing.T) {
	long := strings.Repeat("n", 200)
	many := ""
	for i := range 25 {
		many += fmt.Sprintf(`,"m%d":1`, i)
	}
	for body, want := range map[string]string{
		`{"a":{},"b":[],"c":"","d":true,"e":false,"f":null,"g":-1}`: "an object with a (object), b (array), c (string), d (boolean), e (boolean), f (null), g (number)",
		`{"` + long + `":1}`:                                       "an object with " + long[:99] + "… (number)",
		"{" + many[1:] + "}":                                       "m18 (number), m19 (number)",
		`{"run_id":"r","multitask_strategy":"x"}`:                  "a run of a LangGraph server",
		`{"run_id":"r","multitask_strategy":"x","status":"error"}`: "a run of a LangGraph server",
		"\ufeff<b>page</b>":                                        "an HTML page: page",
		`{"run_id":5,"kwargs":{}}`:                                 "an object with run_id (number), kwargs (object)",
		"plain <b> text":                                           "not JSON: plain <b> text",
		"<b>page</b>":                                              "an HTML page: page",
	} {
		_, err := dial(t, answers(body)).GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrNotRuns) || !strings.HasSuffix(e.Message, want) && !strings.Contains(e.Message, want+" ") && !strings.Contains(e.Message, want+",") {
			t.Errorf("%.50s: %v, want %q", body, err, want)
		}
	}
	if _, err := dial(t, answers("\ufeff{\"id\":\"r\"")).GetRun(t.Context(), "t", "r"); !errors.Is(err, ErrTruncated) {
		t.Errorf("JSON with a byte order mark that is cut short: %v", err)
	}
	var refusal *Error
	if _, err := dial(t, status(403, "\ufeff<b>no</b>")).GetRun(t.Context(), "t", "r"); !errors.As(err, &refusal) || refusal.Message != "no" {
		t.Errorf("a page with a byte order mark: %v", err)
	}
	_, err := dial(t, status(200, "\x1b\x0f\xf8\xff\xff", "Content-Encoding", "br")).GetRun(t.Context(), "t", "r")
	if !errors.Is(err, ErrEncoding) || !strings.HasSuffix(err.Error(), ": br") {
		t.Errorf("an encoding that was not asked for: %v", err)
	}
	_, err = dial(t, status(200, "{}", "Content-Encoding", "br")).GetRun(t.Context(), "t", "r")
	if !errors.Is(err, ErrNotRuns) {
		t.Errorf("JSON with a wrong label: %v", err)
	}
}

func TestDetailsAreCut(t *testing.T) {
	long := strings.Repeat("x", 200)
	_, err := dial(t, status(400, `{"error":{"message":"m","type":"`+long+`","code":"`+long+`","param":"`+long+`"}}`, "x-request-id", long)).GetRun(t.Context(), "t", "r")
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for _, s := range []string{e.Type, e.Code, e.Param, e.RequestID, TooDeep(long).Param} {
		if s != long[:99]+"…" {
			t.Errorf("%q", s)
		}
	}
}

func TestWhereARedirectIsTold(t *testing.T) {
	for code, want := range map[int]bool{300: true, 301: true, 308: true, 399: true, 400: false, 201: false} {
		_, err := dial(t, status(code, "", "Location", "/there")).GetRun(t.Context(), "t", "r")
		if err == nil || strings.Contains(err.Error(), "redirected to https://api.example/there;") != want {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestTextsOfErrors(t *testing.T) {
	cause := &Error{Method: "GET", Path: "/p", Message: "m"}
	for want, err := range map[string]error{
		"GET /p: m":                       cause,
		"GET /p: HTTP 404: m":             &Error{Method: "GET", Path: "/p", Message: "m", Status: 404},
		"the answer is nested too deeply": TooDeep("x"),
		"run r was not cancelled, its status is failed: GET /p: m": &NotCancelledError{Run{ID: "r", Status: "failed"}, cause},
		"cancel was requested, but GET /p: m":                      &AfterCancelError{cause},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q does not wrap its cause", err)
		}
	}
}

// Plain words may say that a quota is spent, too.
func TestASpentQuotaIsNotTriedAgain(t *testing.T) {
	for body, want := range map[string]int{"Your quota is used up.": 1, "<p>quota</p>": 1, "slow down": 3} {
		tries := 0
		dial(t, func(w http.ResponseWriter, r *http.Request) {
			tries++
			status(429, body, "Retry-After-Ms", "")(w, r)
		}).GetRun(t.Context(), "t", "r")
		if tries != want {
			t.Errorf("%s: %d tries, want %d", body, tries, want)
		}
	}
}

func TestWhenAQuotaIsSpent(t *testing.T) {
	for _, tc := range []struct {
		name, body, header, value string
		want                      bool
	}{
		{"code", `{"error":{"message":"m","code":"insufficient_quota"}}`, "", "", true},
		{"code, with a time", `{"error":{"message":"m","code":"insufficient_quota"}}`, "Retry-After", "5", true},
		{"type", `{"error":{"message":"m","type":"insufficient_quota"}}`, "", "", true},
		{"words", `{"error":{"message":"You exceeded your current quota"}}`, "", "", true},
		{"words, with a time", `{"error":{"message":"Quota exceeded per minute"}}`, "Retry-After", "3", false},
		{"words, with no time at all", `{"error":{"message":"Quota exceeded per minute"}}`, "Retry-After", "0", false},
		{"words, with milliseconds", `{"error":{"message":"Quota exceeded per minute"}}`, "Retry-After-Ms", "3", false},
		{"words, with a date", `{"error":{"message":"Quota exceeded per minute"}}`, "Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT", false},
		{"part of a word", `{"error":{"message":"see https://aka.ms/quotaincrease"}}`, "", "", false},
		{"other words", `{"error":"INSUFFICIENT QUOTA","message":"concurrent requests"}`, "", "", false},
	} {
		_, err := dial(t, status(429, tc.body, tc.header, tc.value, "X-Should-Retry", "false")).GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) || e.QuotaSpent() != tc.want {
			t.Errorf("%s: %t, want %t", tc.name, e.QuotaSpent(), tc.want)
		}
	}
}

func TestReasonsInAChallenge(t *testing.T) {
	for _, tc := range []struct {
		values []string
		want   string
	}{
		{nil, ""},
		{[]string{`Bearer realm="x", error="invalid_token", error_description="it is over"`}, "invalid_token: it is over"},
		{[]string{`Bearer error=insufficient_scope, scope="a b"`}, "insufficient_scope"},
		{[]string{"Basic realm=x", `Bearer Error = "gone"`}, "gone"},
		{[]string{"Basic realm=x", "Negotiate"}, "Basic realm=x, Negotiate"},
		{[]string{strings.Repeat("x", 1<<20)}, strings.Repeat("x", 4<<10)},
	} {
		if got := challenge(tc.values, strings.Clone); got != tc.want {
			t.Errorf("%.100q: %.100q, want %.100q", tc.values, got, tc.want)
		}
	}
	const key = "sk-SECRETSECRETSECRET0123456789"
	for _, value := range []string{`Bearer realm="` + strings.Repeat("x", 4050) + `", error=` + key, "Bearer" + strings.Repeat(" ", 4070) + key} {
		_, err := dial(t, status(401, "", "WWW-Authenticate", value), func(cfg *Config) { cfg.APIKey = key }).GetRun(t.Context(), "t", "r")
		if strings.Contains(fmt.Sprintf("%+v", err.(*Error)), "sk-SECRET") {
			t.Errorf("a part of the key is in %+v", err)
		}
	}
	refusal := &http.Response{StatusCode: 407, Status: "407 Who?", Header: http.Header{"Proxy-Authenticate": {"Basic" + strings.Repeat(" ", 4070) + key}}}
	if err := proxyRefusal(refusal, func(s string) string { return strings.ReplaceAll(s, key, "***") }); strings.Contains(err.Error(), "SECRET") {
		t.Errorf("a part of the password is in %s", err)
	}
	_, err := dial(t, status(403, "", "WWW-Authenticate", "Bearer "+strings.Repeat("é", 500)+" key-1234567"), func(cfg *Config) { cfg.APIKey = "key-1234567" }).GetRun(t.Context(), "t", "r")
	var e *Error
	if !errors.As(err, &e) || len([]rune(e.Challenge)) != 200 {
		t.Errorf("%+v", e)
	}
}

func TestShorten(t *testing.T) {
	for _, tc := range []struct {
		s    string
		most int
		want string
	}{{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"éàü", 3, "éàü"}, {"éàüö", 3, "éà…"}, {"ab", 1, "…"}} {
		if got := Shorten(tc.s, tc.most); got != tc.want {
			t.Errorf("%q to %d: %q, want %q", tc.s, tc.most, got, tc.want)
		}
	}
}

func TestWhatEndsEarly(t *testing.T) {
	for body, want := range map[string]bool{
		"": false, "x": false, "{": true, ` {"a":1`: true, `{"a":"}`: true, `{"a":"\"}`: true, `{"a":"\\"}`: false, `[[1]`: true, `{"a":1}}`: false, `{"a" 1}`: false, `"abc`: false,
	} {
		if got := endsEarly([]byte(body)); got != want {
			t.Errorf("%q: %t", body, got)
		}
	}
}

// A page that is mostly text costs no more than what is read of it.
func TestLargeErrorBodiesAreCheap(t *testing.T) {
	for name, body := range map[string]string{
		"text": strings.Repeat("word ", maxErrorBody/5), "HTML": strings.Repeat("<p>word ", maxErrorBody/8), "tags": strings.Repeat("<", maxErrorBody),
		"an object": `{"x":"` + strings.Repeat("x", maxErrorBody-8) + `"}`, "a message": `{"error":{"message":"` + strings.Repeat(`\u002b`, maxErrorBody/6-10) + `"}}`,
		"nothing known": "[" + strings.Repeat("[],", maxErrorBody/3-1) + "1]",
	} {
		c := direct(t, func(*http.Request) *http.Response { return response(400, []byte(body)) }, func(cfg *Config) { cfg.APIKey = "sk-12345678" })
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.GetRun(t.Context(), "t", "r")
		runtime.ReadMemStats(&after)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 { // several times the body: the race detector keeps buffers from being used again
			t.Errorf("%s: %d KiB were allocated", name, used>>10)
		}
		if e.Message == "" || len(e.Message) > 4*maxMessage {
			t.Errorf("%s: a message of %d bytes", name, len(e.Message))
		}
	}
}
