package runsapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"runs-mcp/runsapi/sandbox"
)

const runJSON = `{"id":"run_1","status":"in_progress"}`

// dial makes a client whose requests h answers, over pipes.
func dial(t testing.TB, h http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{BaseURL: "https://api.example/v1", MaxRetries: 2, Transport: sandbox.Transport(t.Context(), h)}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if errors.Is(err, ErrNoCredential) {
		cfg.Auth = AuthNone
		c, err = New(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func answers(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }
}

// sent is a request as a server gets it.
type sent struct {
	Method, URI, Body string
	Header            http.Header
}

func recorder(into *[]sent, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*into = append(*into, sent{r.Method, r.URL.RequestURI(), string(b), r.Header.Clone()})
		io.WriteString(w, body)
	}
}

func TestRequests(t *testing.T) {
	list := `{"data":[]}`
	calls := []struct {
		name, base, body, want string
		query                  url.Values
		call                   func(*Client) error
	}{
		{"get", "https://h/v1", runJSON, "GET /v1/threads/t/runs/r", nil, func(c *Client) error { _, err := c.GetRun(t.Context(), "t", "r"); return err }},
		{"cancel", "https://h/v1", `{"id":"r","status":"cancelling"}`, "POST /v1/threads/t/runs/r/cancel", nil, func(c *Client) error { _, err := c.CancelRun(t.Context(), "t", "r"); return err }},
		{"list", "https://h/v1", list, "GET /v1/threads/t/runs", nil, func(c *Client) error { _, err := c.ListRuns(t.Context(), "t", ListParams{}); return err }},
		{"list with everything", "https://h/v1", list, "GET /v1/threads/t/runs?after=a&before=b&limit=7&order=asc", nil, func(c *Client) error {
			_, err := c.ListRuns(t.Context(), "t", ListParams{Limit: 7, Order: "asc", After: "a", Before: "b"})
			return err
		}},
		{"list in an order", "https://h/v1", list, "GET /v1/threads/t/runs?limit=7&order=asc", nil,
			func(c *Client) error {
				_, err := c.ListRuns(t.Context(), "t", ListParams{Limit: 7, Order: "asc"})
				return err
			}},
		{"list with one run", "https://h/v1", list, "GET /v1/threads/t/runs?limit=1", nil, func(c *Client) error { _, err := c.ListRuns(t.Context(), "t", ListParams{Limit: 1}); return err }},
		{"list with one run, in an order", "https://h/v1", list, "GET /v1/threads/t/runs?limit=2&order=asc", nil,
			func(c *Client) error {
				_, err := c.ListRuns(t.Context(), "t", ListParams{Limit: 1, Order: "asc"})
				return err
			}},
		{"list with one run before another", "https://h/v1", list, "GET /v1/threads/t/runs?before=b&limit=1&order=asc", nil,
			func(c *Client) error {
				_, err := c.ListRuns(t.Context(), "t", ListParams{Limit: 1, Order: "asc", Before: "b"})
				return err
			}},
		{"steps", "https://h/v1", list, "GET /v1/threads/t/runs/r/steps?limit=7&order=desc", nil, func(c *Client) error { _, err := c.Steps(t.Context(), "t", "r", 7); return err }},
		{"slash behind the base", "https://h/v1/", runJSON, "GET /v1/threads/t/runs/r", nil, func(c *Client) error { _, err := c.GetRun(t.Context(), "t", "r"); return err }},
		{"no path", "https://h", runJSON, "GET /threads/t/runs/r", nil, func(c *Client) error { _, err := c.GetRun(t.Context(), "t", "r"); return err }},
		{"prefix and query in the base", "https://h/api/projects/p%2Fq?api-version=v1", list, "GET /api/projects/p%2Fq/threads/t/runs?api-version=v1&limit=7", nil,
			func(c *Client) error { _, err := c.ListRuns(t.Context(), "t", ListParams{Limit: 7}); return err }},
		{"query beats the base's", "https://h/v1?api-version=v1&x=1", runJSON, "GET /v1/threads/t/runs/r?api-version=v2&x=1", url.Values{"api-version": {"v2"}},
			func(c *Client) error { _, err := c.GetRun(t.Context(), "t", "r"); return err }},
		{"ids are escaped", "https://h/v1", runJSON, "GET /v1/threads/t%3Bx:@&=+$%2C/runs/%E4%BD%A0", nil,
			func(c *Client) error { _, err := c.GetRun(t.Context(), "t;x:@&=+$,", "你"); return err }},
		{"cursors are escaped", "https://h/v1", list, "GET /v1/threads/t/runs?after=a%26limit%3D1", nil,
			func(c *Client) error {
				_, err := c.ListRuns(t.Context(), "t", ListParams{After: "a&limit=1"})
				return err
			}},
	}
	for _, tc := range calls {
		t.Run(tc.name, func(t *testing.T) {
			var got []sent
			c := dial(t, recorder(&got, tc.body), func(cfg *Config) { cfg.BaseURL, cfg.Query = tc.base, tc.query })
			if err := tc.call(c); err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || got[0].Method+" "+got[0].URI != tc.want {
				t.Errorf("sent %+v, want %s", got, tc.want)
			}
			if got[0].Body != "" || got[0].Header.Get("Content-Type") != "" {
				t.Errorf("a body %q of type %q", got[0].Body, got[0].Header.Get("Content-Type"))
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	portkey := Portkey{APIKey: "pk", VirtualKey: "vk", Provider: "openai", Config: "cfg"}
	tests := []struct {
		name string
		cfg  Config
		want map[string]string
	}{
		{"always", Config{UserAgent: "runs-mcp/1"}, map[string]string{"Openai-Beta": "assistants=v2", "Accept": "application/json", "User-Agent": "runs-mcp/1"}},
		{"bearer", Config{APIKey: "k"}, map[string]string{"Authorization": "Bearer k"}},
		{"api-key", Config{APIKey: "k", Auth: AuthAPIKey}, map[string]string{"Api-Key": "k", "Authorization": ""}},
		{"none", Config{APIKey: "k", Auth: AuthNone}, map[string]string{"Authorization": "", "Api-Key": ""}},
		{"organization and project", Config{Organization: "o", Project: "p"}, map[string]string{"Openai-Organization": "o", "Openai-Project": "p"}},
		{"portkey", Config{Portkey: portkey}, map[string]string{"X-Portkey-Api-Key": "pk", "X-Portkey-Virtual-Key": "vk", "X-Portkey-Provider": "openai", "X-Portkey-Config": "cfg"}},
		{"own headers win", Config{APIKey: "k", Header: http.Header{"Authorization": {"Basic x"}, "Openai-Beta": {"v3"}}}, map[string]string{"Authorization": "Basic x", "Openai-Beta": "v3"}},
		{"own header beats the key command", Config{KeyCommand: "exit 1", Header: http.Header{"Authorization": {"Basic x"}}}, map[string]string{"Authorization": "Basic x"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			var got []sent
			c := dial(t, recorder(&got, runJSON), func(cfg *Config) {
				tc.cfg.BaseURL, tc.cfg.Transport = cfg.BaseURL, cfg.Transport
				*cfg = tc.cfg
			})
			if _, err := c.CancelRun(t.Context(), "t", "r"); err != nil {
				t.Fatal(err)
			}
			for name, want := range tc.want {
				if v := got[0].Header.Get(name); v != want {
					t.Errorf("%s: %q, want %q", name, v, want)
				}
			}
		})
	}
}

func TestCredentialsKnowWhereTheyComeFrom(t *testing.T) {
	file, _ := keyInFile(t, "k")
	portkey := Portkey{APIKey: "k", VirtualKey: "k", Provider: "p", Config: "k"}
	for _, tc := range []struct {
		cfg  Config
		want []Credential
	}{
		{Config{APIKey: "k"}, []Credential{{"Authorization", SourceAPIKey}}},
		{Config{APIKey: "k", Auth: AuthAPIKey}, []Credential{{"Api-Key", SourceAPIKey}}},
		{Config{APIKey: "k", KeyFile: file}, []Credential{{"Authorization", SourceKeyFile}}},
		{Config{APIKey: "k", KeyFile: file, KeyCommand: "k"}, []Credential{{"Authorization", SourceKeyCommand}}},
		{Config{APIKey: "k", KeyFile: "/no/file", KeyCommand: "k", Header: http.Header{"authorization": {"k"}}}, []Credential{{"Authorization", SourceHeader}}},
		{Config{APIKey: "k", KeyFile: "/no/file", KeyCommand: "k", Auth: AuthNone}, nil},
		{Config{Portkey: portkey}, []Credential{{"X-Portkey-Api-Key", SourcePortkeyAPIKey}, {"X-Portkey-Config", SourcePortkeyConfig}, {"X-Portkey-Virtual-Key", SourcePortkeyVirtualKey}}},
		{Config{BaseURL: "https://localhost?sig=1&code=2&x=3", Header: http.Header{"X-A": {"1"}, "X-Token": {"1"}}, Query: url.Values{"code": {"4"}, "key": {""}}},
			[]Credential{{"X-Token", SourceHeader}, {"code", SourceQuery}, {"sig", SourceBaseURL}}},
	} {
		tc.cfg.BaseURL = cmp.Or(tc.cfg.BaseURL, "https://localhost")
		c, err := New(tc.cfg)
		if err != nil || !slices.Equal(c.Credentials(), tc.want) {
			t.Errorf("%+v: %v, want %v, %v", tc.cfg, c.Credentials(), tc.want, err)
		}
	}
}

// Which host gets which key.
func TestWhoseKeyGoesWhere(t *testing.T) {
	for _, tc := range []struct {
		base    string
		portkey bool
	}{
		{"https://api.portkey.ai/v1", true},
		{"https://aigw.portkey.ai/v1", true},
		{"http://localhost:8787/v1", true},
		{"https://gateway.example/v1", true},
		{"https://notopenai.com/v1", true},
		{"https://api.openai.com/v1", false},
		{"https://API.OpenAI.com./v1", false},
		{"https://x.services.ai.azure.com/api/projects/p", false},
		{"https://x.openai.azure.com/openai", false},
	} {
		var got []sent
		c := dial(t, recorder(&got, runJSON), func(cfg *Config) {
			cfg.BaseURL, cfg.APIKey = tc.base, "openai-key"
			cfg.Portkey = Portkey{APIKey: "pk", VirtualKey: "vk", Provider: "openai", Config: "cfg"}
		})
		if _, err := c.GetRun(t.Context(), "t", "r"); err != nil {
			t.Fatal(err)
		}
		for name := range got[0].Header {
			if strings.HasPrefix(name, "X-Portkey") && !tc.portkey {
				t.Errorf("%s got %s", tc.base, name)
			}
		}
		if tc.portkey != (got[0].Header.Get("X-Portkey-Api-Key") == "pk") || got[0].Header.Get("Authorization") != "Bearer openai-key" {
			t.Errorf("%s got %v", tc.base, got[0].Header)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, tc := range []struct {
		cfg  Config
		want string // "" is fine
	}{
		{Config{BaseURL: "https://h/v1", APIKey: "k"}, ""},
		{Config{BaseURL: ""}, "invalid base URL: it must begin with https:// or http://"},
		{Config{BaseURL: "h/v1"}, "https://"},
		{Config{BaseURL: "ftp://h/v1"}, "https://"},
		{Config{BaseURL: "https:///v1"}, "names no host"},
		{Config{BaseURL: "https://user:secret@h/v1"}, "user name or password"},
		{Config{BaseURL: "https://h:secret\x7f/"}, "cannot be parsed"},
		{Config{BaseURL: "https://h/v1?sig=secret%zz&api-version=v1"}, "query cannot be parsed"},
		{Config{BaseURL: "https://h/v1?a=1;sig=secret"}, "query cannot be parsed"},
		{Config{BaseURL: "https://h/v1?limit=3"}, `"limit"`},
		{Config{BaseURL: "https://h/v1", Query: url.Values{"after": {"x"}}}, `"after"`},
		{Config{BaseURL: "https://h/v1/threads", APIKey: "k"}, "it must end before /threads"},
		{Config{BaseURL: "https://h/threads//?api-version=v1", APIKey: "k"}, "it must end before /threads"},
		{Config{BaseURL: "https://h/v1/Threads/thread_abc", APIKey: "k"}, "it must end before /threads"},
		{Config{BaseURL: "https://h/v1/threads/t/runs", APIKey: "k"}, "it must end before /threads"},
		{Config{BaseURL: "https://h/v1/threads/t/runs/r/cancel", APIKey: "k"}, "it must end before /threads"},
		{Config{BaseURL: "https://h/threads/v1", APIKey: "k"}, ""},
		{Config{BaseURL: "https://threads/mythreads", APIKey: "k"}, ""},
		{Config{BaseURL: "https://h/v1", Auth: "basic"}, "bearer, api-key, none"},
		{Config{BaseURL: "https://h/v1"}, "no API key"},
		{Config{BaseURL: "https://h/v1", Header: http.Header{"X-Trace": {"1"}}}, "no API key"},
		{Config{BaseURL: "https://h/v1", Header: http.Header{"Authorization": {""}}}, "no API key"},
		{Config{BaseURL: "https://h/v1", APIKey: "k", Header: http.Header{"authorization": {""}}}, "no API key"},
		{Config{BaseURL: "https://h/v1", Portkey: Portkey{Provider: "openai"}}, "no API key"},
		{Config{BaseURL: "https://api.openai.com/v1", Portkey: Portkey{APIKey: "k"}}, "no API key"},
		{Config{BaseURL: "https://h/v1", Portkey: Portkey{VirtualKey: "k"}}, ""},
		{Config{BaseURL: "https://h/v1", Auth: AuthNone}, ""},
		{Config{BaseURL: "http://h/v1", Auth: AuthNone}, ""},
		{Config{BaseURL: "http://h/v1", Auth: AuthNone, APIKey: "k", KeyFile: "/k", KeyCommand: "k"}, ""},
		{Config{BaseURL: "http://h/v1", Auth: AuthNone, Query: url.Values{"api-version": {"v1"}}}, ""},
		{Config{BaseURL: "http://h/v1", Auth: AuthNone, Query: url.Values{"code": {"k"}}}, "plain http"},
		{Config{BaseURL: "http://h/v1", APIKey: "k"}, "plain http"},
		{Config{BaseURL: "http://h/v1", KeyCommand: "k"}, "plain http"},
		{Config{BaseURL: "http://h/v1", Portkey: Portkey{APIKey: "k"}}, "plain http"},
		{Config{BaseURL: "http://h/v1", Portkey: Portkey{Config: "k"}}, "plain http"},
		{Config{BaseURL: "http://h/v1", Header: http.Header{"X-Api-Key": {"k"}}}, "plain http"},
		{Config{BaseURL: "http://h/v1", Auth: AuthNone, Header: http.Header{"X-Trace": {"1"}}}, ""},
		{Config{BaseURL: "http://h/v1?code=k"}, "plain http"},
		{Config{BaseURL: "http://h/v1", APIKey: "k", AllowHTTP: true}, ""},
		{Config{BaseURL: "http://127.8.9.1:80/v1", APIKey: "k"}, ""},
		{Config{BaseURL: "http://[::1]/v1", APIKey: "k"}, ""},
		{Config{BaseURL: "http://LOCALHOST/v1"}, ""},
		{Config{BaseURL: "https://h/v1", APIKey: "k\nx"}, "control character"},
		{Config{BaseURL: "https://h/v1", APIKey: "k\x7f"}, "control character"},
		{Config{BaseURL: "https://h/v1", Header: http.Header{"Authorization": {"a\tb"}}}, ""},
	} {
		_, err := New(tc.cfg)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.cfg, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a secret in %q", err)
		}
	}
}

var badIDs = []string{"\xff", "a\xc3", "", ".", "..", "a/b", `a\b`, "a?b", "a#b", "a%2fb", "a b", "a\tb", "a\u00a0b", "a\nb", "a\x00b", "a\u0085b", strings.Repeat("x", 257)}

// Package net/http knows only localhost in lower case as this machine, for which no proxy is
// used.
func TestTheHostIsSentInLowerCase(t *testing.T) {
	host := ""
	c := direct(t, func(r *http.Request) *http.Response {
		host = r.URL.Host
		return response(200, []byte(runJSON))
	}, func(c *Config) { c.BaseURL = "http://LocalHost:8080/V1" })
	if _, err := c.GetRun(t.Context(), "t", "r"); err != nil || host != "localhost:8080" {
		t.Errorf("%q, %v", host, err)
	}
}

// A key that was given as an id by mistake is neither logged nor shown.
func TestAKeyInThePathIsRedacted(t *testing.T) {
	var log strings.Builder
	c := dial(t, status(404, ""), func(c *Config) {
		c.APIKey = "sk-supersecret123"
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	_, err := c.GetRun(t.Context(), "sk-supersecret123", "sk-supersecret123")
	var e *Error
	if !errors.As(err, &e) || strings.Contains(fmt.Sprintf("%+v %s", *e, err), "supersecret") {
		t.Errorf("%+v", err)
	}
	if !strings.Contains(log.String(), "path=/v1/threads/***") && !strings.Contains(log.String(), "/threads/***/runs/***") || strings.Contains(log.String(), "supersecret") {
		t.Errorf("log: %s", log.String())
	}
}

func TestBadIDsAreNeverSent(t *testing.T) {
	c := dial(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("sent %s", r.URL) })
	for _, id := range badIDs {
		errs := map[string]error{}
		_, errs["thread_id"] = c.GetRun(t.Context(), id, "r")
		_, errs["run_id"] = c.GetRun(t.Context(), "t", id)
		_, cancel := c.CancelRun(t.Context(), "t", id)
		_, list := c.ListRuns(t.Context(), id, ListParams{})
		_, steps := c.Steps(t.Context(), "t", id, 1)
		if cancel == nil || list == nil || steps == nil {
			t.Errorf("%q was taken", id)
		}
		if id != "" { // an empty cursor is one that was not given
			_, errs["after"] = c.ListRuns(t.Context(), "t", ListParams{After: id})
			_, errs["before"] = c.ListRuns(t.Context(), "t", ListParams{Before: id})
		}
		for name, err := range errs {
			var argument *ArgumentError
			if !errors.As(err, &argument) || argument.Name != name || len(id) > 256 && !strings.Contains(err.Error(), "has 257 bytes, at most 256") {
				t.Errorf("%s %q: %v", name, id, err)
			}
		}
	}
	if _, err := c.GetRun(t.Context(), "..", "a/b"); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("both faults should be named: %v", err)
	}
}

// A redirect must not carry a credential elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	c := dial(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/new?x=1", http.StatusTemporaryRedirect)
	},
		func(cfg *Config) { cfg.APIKey = "sk-canary-123456" })
	_, err := c.CancelRun(t.Context(), "t", "r")
	var e *Error
	if !errors.As(err, &e) || e.Status != 307 || !strings.Contains(e.Message, elsewhere.URL+"/new;") {
		t.Error(err)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	opened := map[string]bool{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		opened[r.RemoteAddr] = true
		status := []int{200, 404, 500}[len(r.URL.Path)%3]
		w.WriteHeader(status)
		fmt.Fprint(w, runJSON)
	}))
	defer h.Close()
	c, err := New(Config{BaseURL: h.URL})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		c.GetRun(t.Context(), "t", strings.Repeat("r", 1+i%3))
	}
	if len(opened) != 1 {
		t.Errorf("%d connections for 30 calls, one after the other", len(opened))
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	gone := make(chan any)
	c := dial(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(gone) })
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("no longer wanted")
	cancel(cause)
	if _, err := c.GetRun(ctx, "t", "r"); !errors.Is(err, cause) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	go func() {
		_, err := c.GetRun(ctx, "t", "r")
		if !errors.Is(err, cause) {
			t.Error(err)
		}
	}()
	cancel(cause)
}
