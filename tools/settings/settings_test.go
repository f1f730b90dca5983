package settings

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"runs-mcp/runsapi"
)

// environment is a getenv of NAME=value pairs.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for _, pair := range pairs {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		env, args []string
		change    func(*Settings) // what it changes of the defaults
	}{
		{nil, nil, func(*Settings) {}},
		{[]string{"OPENAI_BASE_URL=https://a/v1", "OPENAI_API_BASE=https://b/v1"}, nil, func(s *Settings) { s.Client.BaseURL = "https://a/v1" }},
		{[]string{"OPENAI_BASE_URL= ", "OPENAI_API_BASE=https://b/v1", "OPENAI_API_KEY_COMMAND= ", "RUNS_MCP_TIMEOUT="}, []string{"--max-retries", " "}, func(s *Settings) { s.Client.BaseURL = "https://b/v1" }},
		{[]string{"OPENAI_BASE_URL=https://a/v1"}, []string{"--api-base", " https://c/v1 "}, func(s *Settings) { s.Client.BaseURL = "https://c/v1" }},
		{[]string{"OPENAI_BASE_URL=https://a/v1"}, []string{"--api-base=", "--auth="}, func(s *Settings) { s.Client.BaseURL = "https://a/v1" }},
		{[]string{"PORTKEY_API_KEY=pk"}, nil, func(s *Settings) { s.Client.BaseURL, s.Client.Portkey.APIKey = portkey, "pk" }},
		{[]string{"PORTKEY_API_KEY=pk", "OPENAI_BASE_URL=https://a"}, nil, func(s *Settings) { s.Client.BaseURL, s.Client.Portkey.APIKey = "https://a", "pk" }},
		{[]string{"PORTKEY_VIRTUAL_KEY=vk", "PORTKEY_PROVIDER=p", `PORTKEY_CONFIG={"retry":{"attempts":3}}`}, nil,
			func(s *Settings) {
				s.Client.Portkey = runsapi.Portkey{VirtualKey: "vk", Provider: "p", Config: `{"retry":{"attempts":3}}`}
			}},
		{[]string{"OPENAI_API_KEY= k ", "OPENAI_API_KEY_FILE=/run/key", "OPENAI_API_KEY_COMMAND=echo ${KEY} $OTHER '{{x}}' …"}, nil, func(s *Settings) {
			s.Client.APIKey, s.Client.KeyFile, s.Client.KeyCommand = "k", "/run/key", "echo ${KEY} $OTHER '{{x}}' …"
		}},
		{[]string{"OPENAI_API_KEY_COMMAND=a"}, []string{"--api-key-command", "b"}, func(s *Settings) { s.Client.KeyCommand = "b" }},
		{[]string{"OPENAI_AUTH=none\r", "RUNS_MCP_READ_ONLY= true ", "RUNS_MCP_MAX_RETRIES=3\n", "RUNS_MCP_TIMEOUT=30s\r", "RUNS_MCP_LOG_LEVEL= info"}, nil, func(s *Settings) {
			s.Client.Auth, s.ReadOnly, s.Client.MaxRetries, s.Client.Timeout, s.LogLevel = "none", true, 3, 30*time.Second, slog.LevelInfo
		}},
		{[]string{"HTTP_PROXY=::bad"}, []string{"--sandbox"}, func(s *Settings) { s.Sandbox = true }},
		{nil, []string{"--auth", "api-key"}, func(s *Settings) { s.Client.Auth = "api-key" }},
		{[]string{"OPENAI_AUTH=none"}, nil, func(s *Settings) { s.Client.Auth = "none" }},
		{[]string{"OPENAI_ORG_ID=o", "OPENAI_PROJECT_ID=p"}, nil, func(s *Settings) { s.Client.Organization, s.Client.Project = "o", "p" }},
		{[]string{"OPENAI_ORG_ID=o", "OPENAI_ORGANIZATION=first"}, []string{"--project", "q"}, func(s *Settings) { s.Client.Organization, s.Client.Project = "first", "q" }},
		{[]string{"RUNS_MCP_HEADERS=authorization: Token t\r\nX-A: 1\n\nX-B: \"1\""}, []string{"--header", "x-a: 2", "--header", "X-C:a: b "}, func(s *Settings) {
			s.Client.Header = http.Header{"Authorization": {"Token t"}, "X-A": {"2"}, "X-B": {`"1"`}, "X-C": {"a: b"}}
		}},
		{[]string{"RUNS_MCP_QUERY=?api-version=v1&a=b%20c"}, []string{"--query", "a=d", "--query", "$top=3"}, func(s *Settings) {
			s.Client.Query = url.Values{"api-version": {"v1"}, "a": {"d"}, "$top": {"3"}}
		}},
		{[]string{"RUNS_MCP_ALLOW_HTTP=1", "RUNS_MCP_READ_ONLY=true", "RUNS_MCP_SANDBOX=TRUE"}, nil, func(s *Settings) { s.Client.AllowHTTP, s.ReadOnly, s.Sandbox = true, true, true }},
		{[]string{"RUNS_MCP_READ_ONLY=true"}, []string{"--allow-http", "--sandbox", "--read-only=false"}, func(s *Settings) { s.Client.AllowHTTP, s.Sandbox = true, true }},
		{[]string{"RUNS_MCP_TIMEOUT=90", "RUNS_MCP_MAX_RETRIES=0"}, nil, func(s *Settings) { s.Client.Timeout, s.Client.MaxRetries = 90*time.Second, 0 }},
		{nil, []string{"--timeout", "0", "--max-retries", "100"}, func(s *Settings) { s.Client.Timeout, s.Client.MaxRetries = 0, 100 }},
		{nil, []string{"--timeout=1m30s"}, func(s *Settings) { s.Client.Timeout = 90 * time.Second }},
		{[]string{"RUNS_MCP_LOG_LEVEL=error"}, []string{"--log-level", "Debug"}, func(s *Settings) { s.LogLevel = slog.LevelDebug }},
		{[]string{"HTTPS_PROXY=http://user:p%40ss@proxy:3128", "HTTP_PROXY=proxy.example:3128", "http_proxy=%zz"}, nil, func(*Settings) {}},
		{[]string{"https_proxy=socks5://[::1]:1080", "http_proxy=proxy"}, nil, func(*Settings) {}},
	} {
		want := &Settings{LogLevel: slog.LevelWarn, Client: runsapi.Config{
			BaseURL: "https://api.openai.com/v1", Auth: "bearer", Timeout: 45 * time.Second, MaxRetries: 2, Header: http.Header{}, Query: url.Values{},
		}}
		tc.change(want)
		got, err := Parse(tc.args, environment(tc.env...))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q %q: %+v, %v, want %+v", tc.env, tc.args, got, err, want)
		}
	}
}

// Nothing keeps --help and --version from being printed.
// Hosts that split a text into arguments leave empty ones.
func TestEmptyArgumentsDoNotCount(t *testing.T) {
	for _, args := range [][]string{{""}, {" ", "--sandbox", ""}, {"--sandbox", "", "", "--read-only"}} {
		s, err := Parse(args, func(string) string { return "" })
		if err != nil || s.Sandbox != (len(args) > 1) || s.ReadOnly != (len(args) > 3) {
			t.Errorf("%q: %+v, %v", args, s, err)
		}
	}
}

func TestHelpAndVersionComeFirst(t *testing.T) {
	bad := environment("RUNS_MCP_TIMEOUT=soon", "OPENAI_API_KEY=$KEY")
	for _, args := range [][]string{{"--help"}, {"-h"}, {"--timeout", "soon", "-help"}} {
		if s, err := Parse(args, bad); err != nil || !s.Help || s.Version {
			t.Errorf("%q: %+v, %v", args, s, err)
		}
	}
	for _, args := range [][]string{{"--version"}, {"--timeout", "soon", "-version", "more"}} {
		if s, err := Parse(args, bad); err != nil || s.Help || !s.Version {
			t.Errorf("%q: %+v, %v", args, s, err)
		}
	}
}

func TestBadSettings(t *testing.T) {
	for _, tc := range []struct {
		env, args []string
		want      string // the whole error
	}{
		{nil, []string{"--max-retries", "101"}, "--max-retries is not a whole number from 0 to 100"},
		{nil, []string{"--max-retries=-1"}, "--max-retries is not a whole number from 0 to 100"},
		{[]string{"RUNS_MCP_MAX_RETRIES=canary"}, nil, "RUNS_MCP_MAX_RETRIES is not a whole number from 0 to 100"},
		{nil, []string{"--timeout", "-3s"}, "--timeout is not a duration such as 90s or 2m, or 0 for no limit"},
		{nil, []string{"--timeout", "canary"}, "--timeout is not a duration such as 90s or 2m, or 0 for no limit"},
		{nil, []string{"--auth", "canary"}, "--auth is not one of bearer, api-key, none"},
		{nil, []string{"--log-level", "canary"}, "--log-level is not one of debug, info, warn, error"},
		{[]string{"RUNS_MCP_READ_ONLY=canary"}, nil, "RUNS_MCP_READ_ONLY is neither true nor false"},
		{nil, []string{"--sandbox=canary"}, "--sandbox is neither true nor false"},
		{nil, []string{"--header", "canary"}, "--header is not of the form 'Name: value'"},
		{nil, []string{"--header", "X Y: canary"}, "--header is not of the form 'Name: value'"},
		{nil, []string{"--header", "Ü: canary"}, "--header is not of the form 'Name: value'"},
		{nil, []string{"--header", ": canary"}, "--header is not of the form 'Name: value'"},
		{nil, []string{"--header", "Host: canary"}, "--header cannot set Host"},
		{nil, []string{"--header", "content-length: 5"}, "--header cannot set Content-Length"},
		{nil, []string{"--header", "Transfer-Encoding: canary"}, "--header cannot set Transfer-Encoding"},
		{nil, []string{"--header", "X: canary\r\nY: z"}, "--header has a line break in it"},
		{nil, []string{"--header", "X: canary\n"}, "--header has a line break in it"},
		{[]string{"OPENAI_API_KEY=canary\nx"}, nil, "OPENAI_API_KEY has a line break or another control character in it"},
		{[]string{"OPENAI_API_KEY_FILE=canary\x7f"}, nil, "OPENAI_API_KEY_FILE has a line break or another control character in it"},
		{nil, []string{"--query", "canary"}, "--query is not of the form name=value"},
		{nil, []string{"--query", "=canary"}, "--query is not of the form name=value"},
		{nil, []string{"--query", "a=1&canary"}, "--query is not of the form name=value"},
		{[]string{"RUNS_MCP_QUERY=a=canary%zz"}, nil, "RUNS_MCP_QUERY is not of the form name=value"},
		{[]string{"RUNS_MCP_QUERY=a=1;b=canary"}, nil, "RUNS_MCP_QUERY is not of the form name=value"},
		{nil, []string{"--canary-flag"}, "flag provided but not defined: --canary-flag; --help lists the flags"},
		{nil, []string{"-nonsense=canary"}, "flag provided but not defined: --nonsense; --help lists the flags"},
		{nil, []string{"---api-key=canary"}, "bad flag syntax: ---api-key; --help lists the flags"},
		{nil, []string{"--timeout"}, "flag needs an argument: --timeout; --help lists the flags"},
		{nil, []string{"", "canary"}, "there are no arguments but flags; --help lists them"},
		{[]string{"HTTPS_PROXY=http://joe:canary%zz@proxy:3128"}, nil, "HTTPS_PROXY is not a proxy's URL, such as http://proxy.example:3128"},
		{[]string{"HTTP_PROXY= http://canary"}, nil, "HTTP_PROXY is not a proxy's URL, such as http://proxy.example:3128"},
		{[]string{"http_proxy=http://joe:can#ary@proxy"}, nil, "http_proxy is not a proxy's URL, such as http://proxy.example:3128"},
		{[]string{"https_proxy=ftp://canary"}, nil, "https_proxy is not a proxy's URL, such as http://proxy.example:3128"},
		{[]string{"https_proxy=http://"}, nil, "https_proxy is not a proxy's URL, such as http://proxy.example:3128"},
	} {
		s, err := Parse(tc.args, environment(tc.env...))
		if err == nil || err.Error() != tc.want {
			t.Errorf("%q %q: %+v, %v, want %q", tc.env, tc.args, s, err, tc.want)
		}
	}
}

// What a host should have replaced, and what documentation writes for a key.
func TestPlaceholdersAreRefused(t *testing.T) {
	for _, word := range []string{
		"${CANARY}", "${env:CANARY}", "${{ secrets.CANARY }}", "${CANARY:-x}", "$CANARY", "$canary_2", "$env:CANARY", "$(cat canary)",
		"{{CANARY}}", "{{ canary.key }}", "{CANARY}", "%CANARY%", "<CANARY>", "<your canary key>", "…", "...", "sk-…", "sk-...canary", "canary…",
	} {
		for _, set := range []struct{ name, before, after string }{
			{"OPENAI_API_KEY", "", ""}, {"PORTKEY_API_KEY", " ", "\t"}, {"PORTKEY_CONFIG", `{"api_key":"`, `"}`}, {"OPENAI_API_KEY_FILE", "", "/key"},
			{"OPENAI_API_KEY_COMMAND", "", ""}, {"OPENAI_BASE_URL", "https://", ".example:80/v1"}, {"OPENAI_BASE_URL", "", "/v1"},
			{"OPENAI_BASE_URL", "https://h/v1?sig=", "&x=1"}, {"OPENAI_ORG_ID", "", ""}, {"OPENAI_AUTH", "", ""}, {"RUNS_MCP_TIMEOUT", "", ""},
			{"RUNS_MCP_HEADERS", "Authorization: Bearer ", ""}, {"RUNS_MCP_HEADERS", "X-Api-Key:", "\nX-A: 1"}, {"RUNS_MCP_HEADERS", "Cookie: a=", "; b=c"}, {"RUNS_MCP_QUERY", "sig=", "&x=1"},
		} {
			_, err := Parse(nil, environment(set.name+"="+set.before+word+set.after))
			if want := set.name + " holds a placeholder that nothing has replaced"; err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(strings.ToLower(err.Error()), "canary") {
				t.Errorf("%s=%s%s%s: %v, want %q", set.name, set.before, word, set.after, err, want)
			}
		}
	}
	for _, word := range []string{"sk-canary", "eyJh.eyJe.", "ab$cd", "$2y$10$abc", "50%", "a%20b%20c", "a..b", "{3F25-04E0}", "a<b", "https://h/%E4%BD%A0/v1", "$top=1&$skip=2", "http://[::1]:80"} {
		if isPlaceholder(word, false) {
			t.Errorf("%q is no placeholder", word)
		}
	}
}

func TestQuotesAreRefused(t *testing.T) {
	for _, quoted := range []string{`"canary"`, `'canary'`, `“canary”`, "`canary`", `"canary`, `canary'`, `\"canary\"`, ` "canary" `} {
		for _, setting := range []string{"OPENAI_API_KEY=", "PORTKEY_API_KEY=", "PORTKEY_VIRTUAL_KEY=", "PORTKEY_CONFIG=",
			"OPENAI_BASE_URL=", "OPENAI_API_KEY_FILE=", "OPENAI_ORGANIZATION=", "OPENAI_PROJECT_ID=", "PORTKEY_PROVIDER=",
			"RUNS_MCP_HEADERS=Authorization: Bearer ", "RUNS_MCP_HEADERS=x-api-key: ", "RUNS_MCP_HEADERS=X-Auth-Token:"} {
			name, _, _ := strings.Cut(setting, "=")
			_, err := Parse(nil, environment(setting+quoted))
			if err == nil || !strings.HasPrefix(err.Error(), name+" has quotes around ") || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s%s: %v", setting, quoted, err)
			}
		}
	}
	for _, header := range []string{`"X-A: canary"`, `'X-A: canary'`} {
		if _, err := Parse([]string{"--header", header}, environment()); err == nil || !strings.HasPrefix(err.Error(), "--header has quotes around a header") {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestKeyNames(t *testing.T) {
	for want, credentials := range map[string][]runsapi.Credential{
		"":                    nil,
		"OPENAI_API_KEY":      {{Name: "Authorization", Source: runsapi.SourceAPIKey}},
		"OPENAI_API_KEY_FILE": {{Name: "Authorization", Source: runsapi.SourceKeyFile}},
		"--api-key-command (OPENAI_API_KEY_COMMAND)": {{Name: "Api-Key", Source: runsapi.SourceKeyCommand}},
		"PORTKEY_API_KEY and PORTKEY_CONFIG and PORTKEY_VIRTUAL_KEY": {
			{Name: "X-Portkey-Api-Key", Source: runsapi.SourcePortkeyAPIKey}, {Name: "X-Portkey-Config", Source: runsapi.SourcePortkeyConfig},
			{Name: "X-Portkey-Virtual-Key", Source: runsapi.SourcePortkeyVirtualKey},
		},
		"--header or RUNS_MCP_HEADERS (X-Token) and --query or RUNS_MCP_QUERY (code) and the query of --api-base or OPENAI_BASE_URL (sig)": {
			{Name: "X-Token", Source: runsapi.SourceHeader}, {Name: "code", Source: runsapi.SourceQuery}, {Name: "sig", Source: runsapi.SourceBaseURL},
		},
	} {
		if got := KeyNames(credentials); got != want {
			t.Errorf("%v: %q, want %q", credentials, got, want)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestHelpFitsATerminal(t *testing.T) {
	var out bytes.Buffer
	if err := Help(&out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 81 && strings.HasPrefix(line, "        ") || strings.HasSuffix(line, " \n") {
			t.Errorf("%d characters: %q", len(line)-1, line)
		}
	}
	for _, want := range []string{"\n  --api-key-command CMD\n      OPENAI_API_KEY_COMMAND\n        shell command", "\n  PORTKEY_API_KEY\n        x-portkey", "\n  --read-only\n      RUNS_MCP_READ_ONLY\n        only"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in %s", want, out.String())
		}
	}
	if err := Help(brokenWriter{}); err == nil {
		t.Error("a broken output is no error")
	}
}

func TestAFlagReplacesABadVariable(t *testing.T) {
	s, err := Parse([]string{"--auth", "none", "--query", "b=2"}, environment("OPENAI_AUTH=foo", "RUNS_MCP_QUERY=a=1"))
	if err != nil || s.Client.Auth != "none" || s.Client.Query.Encode() != "a=1&b=2" {
		t.Errorf("%+v, %v", s, err)
	}
}
