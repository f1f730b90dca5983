// Command runs-mcp is an MCP server over stdio that gets, lists and cancels the
// runs of assistant threads, on any server of the OpenAI Assistants Runs API.
//
// This file turns flags and environment into settings, wires the packages
// together, and sets the exit code.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/mark3labs/mcp-go/mcp"

	"runs-mcp/runsapi"
	"runs-mcp/runsapi/sandbox"
	"runs-mcp/tools"
	"runs-mcp/tools/stdio"
)

// Exit codes.
const (
	exitOK       = 0 // end of input, SIGINT, SIGTERM, --help, --version
	exitFailure  = 1 // the input or the output broke
	exitSettings = 2 // bad settings
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A broken pipe is for the writer to deal with: a closed stderr must not end
	// the program. (Notify, as an ignored signal would be inherited by the key command.)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	stdlog.SetOutput(io.Discard) // net/http logs what a server sends, which may be an echo of our request
	stdout := os.Stdout
	os.Stdout = os.Stderr // stdout is for JSON-RPC: a stray print goes elsewhere
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, stdout, os.Stderr))
}

func run(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, errw io.Writer) int {
	s, err := read(args, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		help(out)
		return exitOK
	case err != nil:
		fmt.Fprintf(errw, "runs-mcp: %s\n", err)
		return exitSettings
	case s.version:
		fmt.Fprintf(out, "runs-mcp %s, %s\n", version(), runtime.Version())
		return exitOK
	}
	log := slog.New(slog.NewTextHandler(errw, &slog.HandlerOptions{Level: s.logLevel}))
	instructions := "Runs of OpenAI Assistants threads: list_runs finds them, get_run reads or awaits one"
	if !s.readOnly {
		instructions += ", cancel_run stops one"
	}
	instructions += "."
	if s.sandbox {
		s.client = runsapi.Config{BaseURL: "http://sandbox/v1", Timeout: s.client.Timeout, MaxRetries: s.client.MaxRetries}
		s.client.Transport = sandbox.Transport(ctx, sandbox.New())
		instructions += " SANDBOX: made-up data from memory; threads " + sandbox.DemoThread + " and " + sandbox.LongThread + "."
		log.Info("sandbox: made-up data from memory, threads " + sandbox.DemoThread + " and " + sandbox.LongThread)
	}
	s.client.Log, s.client.UserAgent = log, "runs-mcp/"+strings.Trim(version(), "()")
	client, err := runsapi.New(s.client)
	if err != nil {
		hint := ""
		switch {
		case errors.Is(err, runsapi.ErrBaseURL):
			hint = " (--api-base, OPENAI_BASE_URL)"
		case errors.Is(err, runsapi.ErrPlainHTTP):
			hint = ", or allow it with --allow-http"
		}
		fmt.Fprintf(errw, "runs-mcp: %s%s\n", err, hint)
		return exitSettings
	}
	if base, err := url.Parse(client.BaseURL()); err == nil && client.Credentials() == nil && s.client.Auth != runsapi.AuthNone && !s.sandbox && !runsapi.IsLoopback(base) {
		fmt.Fprintln(errw, "runs-mcp: no API key: set OPENAI_API_KEY or --api-key-command; without a key, give --auth none; to try it out, --sandbox")
		return exitSettings
	}
	log.Info("serving", "version", version(), "api", client.BaseURL())

	t := tools.New(client, tools.Options{ReadOnly: s.readOnly, BaseURL: client.BaseURL(), KeyName: s.keyName(client)})
	server := stdio.Server{
		Info: mcp.Implementation{Name: "runs-mcp", Version: version()}, Instructions: instructions,
		ListTools: t.List, CallTool: t.Call, Log: log,
	}
	if err := stdio.Serve(ctx, server, in, out); err != nil {
		log.Error(err.Error())
		return exitFailure
	}
	return exitOK
}

// version is the module's version, or else the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v, commit := info.Main.Version, ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value[:min(len(s.Value), 12)]
		}
	}
	if commit != "" && !strings.Contains(v, commit) {
		v += "+" + commit
	}
	return cmp.Or(v, "unknown")
}

// settings are what flags and environment come to.
type settings struct {
	client   runsapi.Config
	readOnly bool
	sandbox  bool
	version  bool
	logLevel slog.Level
}

// setting is one row of the table: a flag, its variables, and what it sets.
type setting struct {
	flag string   // "" for what is never a flag: a secret
	arg  string   // what the flag's value is called in --help; "" for a switch
	env  []string // the first that is not empty counts
	help string
	set  func(value string) error
}

func (s *settings) table() []setting {
	c := &s.client
	c.BaseURL, c.Auth, c.Timeout, c.MaxRetries = "", runsapi.AuthBearer, time.Minute, 2
	c.Header, c.Query = http.Header{}, url.Values{}
	return []setting{
		{"api-base", "URL", []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"},
			"what comes before /threads; default " + openAI + ", or\n" + portkey + " with PORTKEY_API_KEY", text(&c.BaseURL)},
		{"", "", []string{"OPENAI_API_KEY"},
			"the key; needed unless another credential, --auth none or\n--sandbox is given, or the base is loopback", text(&c.APIKey)},
		{"api-key-command", "CMD", []string{"OPENAI_API_KEY_COMMAND"},
			"shell command that prints the key, for short-lived tokens;\nrun at the first call, every 45 minutes, and on a 401", func(v string) error {
				c.KeyCommand = v
				return nil
			}},
		{"auth", "bearer|api-key|none", []string{"OPENAI_AUTH"},
			"header for the key: Authorization: Bearer (default), Azure's\napi-key, or none", oneOf(&c.Auth, runsapi.AuthBearer, runsapi.AuthAPIKey, runsapi.AuthNone)},
		{"organization", "ID", []string{"OPENAI_ORGANIZATION", "OPENAI_ORG_ID"}, "OpenAI-Organization header", text(&c.Organization)},
		{"project", "ID", []string{"OPENAI_PROJECT_ID"}, "OpenAI-Project header", text(&c.Project)},
		{"", "", []string{"PORTKEY_API_KEY"}, "x-portkey-api-key header; like the next three, never sent\nto api.openai.com or *.azure.com", text(&c.Portkey.APIKey)},
		{"", "", []string{"PORTKEY_VIRTUAL_KEY"}, "x-portkey-virtual-key header", text(&c.Portkey.VirtualKey)},
		{"", "", []string{"PORTKEY_PROVIDER"}, "x-portkey-provider header", text(&c.Portkey.Provider)},
		{"", "", []string{"PORTKEY_CONFIG"}, "x-portkey-config header", text(&c.Portkey.Config)},
		{"header", "'Name: value'", []string{"RUNS_MCP_HEADERS"},
			"header of every request, beats those above; repeatable, in\nthe variable one a line; secrets belong in the variable", headers(c.Header)},
		{"query", "name=value", []string{"RUNS_MCP_QUERY"},
			"query of every request, such as api-version=v1; repeatable,\nin the variable a=b&c=d", queries(c.Query)},
		{"allow-http", "", []string{"RUNS_MCP_ALLOW_HTTP"}, "let a credential go over plain http to other than loopback", boolean(&c.AllowHTTP)},
		{"timeout", "DURATION", []string{"RUNS_MCP_TIMEOUT"}, "of one HTTP attempt, such as 90s; default 60s, 0 = no limit", duration(&c.Timeout)},
		{"max-retries", "N", []string{"RUNS_MCP_MAX_RETRIES"}, "after a failed attempt, 0-100; default 2, 0 = none", number(&c.MaxRetries, 0, 100)},
		{"read-only", "", []string{"RUNS_MCP_READ_ONLY"}, "only get_run and list_runs", boolean(&s.readOnly)},
		{"sandbox", "", []string{"RUNS_MCP_SANDBOX"}, "made-up data from memory, no account needed; threads\n" + sandbox.DemoThread + " and " + sandbox.LongThread, boolean(&s.sandbox)},
		{"log-level", "debug|info|warn|error", []string{"RUNS_MCP_LOG_LEVEL"}, "of the log on stderr; default info", func(v string) error {
			if s.logLevel.UnmarshalText([]byte(v)) != nil {
				return errors.New("is not one of debug, info, warn, error")
			}
			return nil
		}},
		{"version", "", nil, "print the version and exit", nil},
	}
}

const (
	openAI  = "https://api.openai.com/v1"
	portkey = "https://api.portkey.ai/v1"
)

// unexpanded is a variable that a host should have replaced, but did not.
var unexpanded = regexp.MustCompile(`\$\{[^}]*\}`)

// read makes settings of flags and environment: flags beat environment beats
// default.
func read(args []string, getenv func(string) string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("runs-mcp", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var later []func() error // flags are set after the environment
	for _, row := range s.table() {
		set := func(name, value string) error {
			// In a shell command ${NAME} is for the shell to expand.
			if u := unexpanded.FindString(value); u != "" && (row.flag != "api-key-command" || u == strings.TrimSpace(value)) {
				return fmt.Errorf("%s still reads %s: the program that starts runs-mcp did not expand it; set it there", name, u)
			}
			if err := row.set(value); err != nil {
				return fmt.Errorf("%s %w", name, err)
			}
			return nil
		}
		for _, name := range row.env {
			if value := getenv(name); value != "" {
				later = append(later, func() error { return set(name, value) })
				break
			}
		}
		if row.flag == "" {
			continue
		}
		if row.flag == "version" {
			flags.BoolVar(&s.version, row.flag, false, "")
			continue
		}
		given := func(value string) error {
			if value == "" {
				return nil // as an empty variable: hosts expand what is not set to it
			}
			later = append(later, func() error {
				if row.flag == "header" && strings.ContainsAny(value, "\r\n") { // lines are for the variable
					return errors.New("--header has a line break in it")
				}
				return set("--"+row.flag, value)
			})
			return nil // an error of this function would show the value, which may be a secret
		}
		if row.arg == "" {
			flags.BoolFunc(row.flag, "", given)
		} else {
			flags.Func(row.flag, "", given)
		}
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		problem, _, _ := strings.Cut(err.Error(), "=") // a value may be a secret
		if !strings.Contains(problem, "--") {
			problem = strings.Replace(problem, ": -", ": --", 1)
		}
		return nil, fmt.Errorf("%s; --help lists the flags", problem)
	}
	if s.version {
		return s, nil
	}
	if flags.NArg() > 0 {
		return nil, errors.New("there are no arguments but flags; --help lists them")
	}
	for _, set := range later {
		if err := set(); err != nil {
			return nil, err
		}
	}
	if s.client.BaseURL == "" {
		s.client.BaseURL = openAI
		if s.client.Portkey.APIKey != "" {
			s.client.BaseURL = portkey
		}
	}
	return s, nil
}

// keyName says which settings the credentials that client sends come from.
func (s *settings) keyName(client *runsapi.Client) string {
	c := s.client
	var names []string
	for _, name := range client.Credentials() {
		_, own := c.Header[name]
		switch {
		case strings.HasPrefix(name, "?"):
			names = append(names, "--query or RUNS_MCP_QUERY or --api-base ("+name[1:]+")")
		case own:
			names = append(names, "--header or RUNS_MCP_HEADERS ("+name+")")
		case strings.HasPrefix(name, "X-Portkey"):
			names = append(names, strings.ToUpper(strings.ReplaceAll(name[2:], "-", "_")))
		case c.KeyCommand != "":
			names = append(names, "--api-key-command (OPENAI_API_KEY_COMMAND)")
		default:
			names = append(names, "OPENAI_API_KEY")
		}
	}
	return strings.Join(names, " and ")
}

func text(p *string) func(string) error {
	return func(v string) error {
		v = strings.TrimSpace(v)
		if strings.ContainsFunc(v, unicode.IsControl) {
			return errors.New("has a line break or another control character in it")
		}
		*p = v
		return nil
	}
}

func boolean(p *bool) func(string) error {
	return func(v string) (err error) {
		if *p, err = strconv.ParseBool(v); err != nil {
			return errors.New("is neither true nor false")
		}
		return nil
	}
}

func oneOf(p *string, values ...string) func(string) error {
	return func(v string) error {
		for _, value := range values {
			if v == value {
				*p = v
				return nil
			}
		}
		return fmt.Errorf("is not one of %s", strings.Join(values, ", "))
	}
}

func number(p *int, least, most int) func(string) error {
	return func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("is not a whole number from %d to %d", least, most)
		}
		*p = n
		return nil
	}
}

func duration(p *time.Duration) func(string) error {
	return func(v string) error {
		if _, err := strconv.Atoi(v); err == nil {
			v += "s"
		}
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return errors.New("is not a duration such as 90s or 2m, or 0 for no limit")
		}
		*p = d
		return nil
	}
}

var headerName = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")

// headers takes 'Name: value' lines. Their values may be secrets, so that no
// error shows them.
func headers(h http.Header) func(string) error {
	return func(v string) error {
		for line := range strings.Lines(v) {
			line = strings.TrimRight(line, "\r\n")
			if strings.TrimSpace(line) == "" {
				continue
			}
			name, value, ok := strings.Cut(line, ":")
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			switch {
			case !ok || !headerName.MatchString(name):
				return errors.New("is not of the form 'Name: value'")
			case name == "Host" || name == "Content-Length" || name == "Transfer-Encoding":
				return fmt.Errorf("cannot set %s", name)
			}
			h.Set(name, strings.TrimSpace(value))
		}
		return nil
	}
}

func queries(q url.Values) func(string) error {
	return func(v string) error {
		parsed, err := url.ParseQuery(v)
		for pair := range strings.SplitSeq(v, "&") {
			if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
				err = errors.New("no name, or no value")
			}
		}
		if err != nil {
			return errors.New("is not of the form name=value")
		}
		for name, values := range parsed {
			q[name] = values
		}
		return nil
	}
}

// help prints the table.
func help(out io.Writer) {
	fmt.Fprint(out, `runs-mcp serves get_run, list_runs and cancel_run over MCP on stdio, for any
server of the OpenAI Assistants Runs API. Start it from an MCP host, or try:

  echo '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_runs","arguments":{"thread_id":"thread_demo"}}}' | runs-mcp --sandbox

Flags beat the environment. Variables without a flag are for secrets and what goes with them.

`)
	for _, row := range (&settings{}).table() {
		if row.flag != "" {
			fmt.Fprintf(out, "  --%s\n", strings.TrimSpace(row.flag+" "+row.arg))
		}
		if len(row.env) > 0 {
			indent := "      "
			if row.flag == "" {
				indent = "  "
			}
			fmt.Fprintf(out, "%s%s\n", indent, strings.Join(row.env, ", "))
		}
		fmt.Fprintf(out, "        %s\n", strings.ReplaceAll(row.help, "\n", "\n        "))
	}
	fmt.Fprint(out, "\nExit codes: 0 end of input or a signal, 1 input or output broke, 2 bad settings.\n")
}
