// Package settings parses the flags and environment variables of the program. One table
// describes all settings; parsing and --help are derived from it.
//
// Flags take precedence over the environment. A blank value counts as not set, because hosts
// expand an unset setting to "". No error shows a value, because it may be secret.
package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"runs-mcp/runsapi"
)

const (
	openAI  = "https://api.openai.com/v1"
	portkey = "https://api.portkey.ai/v1"
)

// Forms of results, for Settings.Results.
const (
	ResultsBoth = "both" // a text block and structured content
	ResultsText = "text" // a text block, each run of a list on a line of its own
)

// Settings holds the parsed flags and environment variables.
type Settings struct {
	Help, Version bool // the program prints this and exits; no other field is set then
	Client        runsapi.Config
	Results       string     // ResultsBoth or ResultsText; default ResultsBoth
	ReadOnly      bool       // no cancel_run; default false
	Sandbox       bool       // serve made-up data from memory; default false
	LogLevel      slog.Level // default warn
}

// setting is a row of the table.
type setting struct {
	flag  string   // "" for a secret, because other users can see the arguments of a program
	arg   string   // what --help calls the flag's value; "" for a switch
	env   []string // variables; the first one that is not blank counts
	help  string
	set   func(value string) error
	shell bool // whether the value is a shell command, in which the shell expands ${NAME}
	lines bool // whether the variable, but not the flag, may hold several lines
	adds  bool // whether a value adds to those given before it; else it replaces them
}

// table returns the rows of the table, which set the fields of s. It also sets the defaults.
func (s *Settings) table() []setting {
	c := &s.Client
	*c = runsapi.Config{
		Auth: runsapi.AuthBearer, Header: http.Header{}, Query: url.Values{},
		Timeout: 45 * time.Second, MaxRetries: 2,
	}
	s.LogLevel = slog.LevelWarn
	return []setting{
		{
			flag: "api-base", arg: "URL", env: []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"}, set: singleLine(&c.BaseURL),
			help: "what comes before /threads; default " + openAI + ", or " + portkey + " with PORTKEY_API_KEY",
		},
		{
			env: []string{"OPENAI_API_KEY"}, set: key(&c.APIKey),
			help: "the key; needed unless another credential, --auth none or --sandbox is given, or the base is on this machine",
		},
		{
			env: []string{"OPENAI_API_KEY_FILE"}, set: singleLine(&c.KeyFile),
			help: "file whose first line is the key; read again when it has changed, and on a 401; beats OPENAI_API_KEY",
		},
		{
			flag: "api-key-command", arg: "CMD", env: []string{"OPENAI_API_KEY_COMMAND"}, set: command(&c.KeyCommand), shell: true,
			help: "shell command that prints the key, for short-lived tokens; run at the first call, again when the key is 45 minutes old, and on a 401; beats the two above",
		},
		{
			flag: "auth", arg: "bearer|api-key|none", env: []string{"OPENAI_AUTH"},
			set:  oneOf(&c.Auth, runsapi.AuthBearer, runsapi.AuthAPIKey, runsapi.AuthNone),
			help: "header for the key: Authorization: Bearer (default), Azure's api-key, or none",
		},
		{
			flag: "organization", arg: "ID", env: []string{"OPENAI_ORGANIZATION", "OPENAI_ORG_ID"}, set: singleLine(&c.Organization),
			help: "OpenAI-Organization header",
		},
		{
			flag: "project", arg: "ID", env: []string{"OPENAI_PROJECT_ID"}, set: singleLine(&c.Project),
			help: "OpenAI-Project header",
		},
		{
			env: []string{"PORTKEY_API_KEY"}, set: key(&c.Portkey.APIKey),
			help: "x-portkey-api-key header; like the next three, never sent to api.openai.com or *.azure.com",
		},
		{env: []string{"PORTKEY_VIRTUAL_KEY"}, set: key(&c.Portkey.VirtualKey), help: "x-portkey-virtual-key header"},
		{env: []string{"PORTKEY_PROVIDER"}, set: singleLine(&c.Portkey.Provider), help: "x-portkey-provider header"},
		{env: []string{"PORTKEY_CONFIG"}, set: singleLine(&c.Portkey.Config), help: "x-portkey-config header"},
		{
			flag: "header", arg: "'Name: value'", env: []string{"RUNS_MCP_HEADERS"}, set: headers(c.Header), lines: true, adds: true,
			help: "header of every request, beats those above; repeatable, in the variable one a line; secrets belong in the variable",
		},
		{
			flag: "query", arg: "name=value", env: []string{"RUNS_MCP_QUERY"}, set: queries(c.Query), adds: true,
			help: "query of every request, such as api-version=v1; repeatable, in the variable a=b&c=d",
		},
		{
			flag: "allow-http", env: []string{"RUNS_MCP_ALLOW_HTTP"}, set: boolean(&c.AllowHTTP),
			help: "let a credential go over plain http to another machine",
		},
		{
			flag: "timeout", arg: "DURATION", env: []string{"RUNS_MCP_TIMEOUT"}, set: duration(&c.Timeout),
			help: "of one HTTP attempt, such as 90s; default 45s, 0 = no limit",
		},
		{
			flag: "max-retries", arg: "N", env: []string{"RUNS_MCP_MAX_RETRIES"}, set: number(&c.MaxRetries, 0, 100),
			help: "after a failed attempt, 0-100; default 2, 0 = none",
		},
		{
			flag: "results", arg: "both|text", env: []string{"RUNS_MCP_RESULTS"}, set: oneOf(&s.Results, ResultsBoth, ResultsText),
			help: "results as text and structured content (default), or as text alone, for hosts that show both or cut by lines",
		},
		{
			flag: "read-only", env: []string{"RUNS_MCP_READ_ONLY"}, set: boolean(&s.ReadOnly),
			help: "only get_run and list_runs",
		},
		{
			flag: "sandbox", env: []string{"RUNS_MCP_SANDBOX"}, set: boolean(&s.Sandbox),
			help: "made-up data from memory, no account needed; threads thread_demo and thread_long",
		},
		{
			flag: "log-level", arg: "debug|info|warn|error", env: []string{"RUNS_MCP_LOG_LEVEL"}, set: level(&s.LogLevel),
			help: "of the log on stderr; default warn",
		},
	}
}

// value is a value that was given for a setting.
type value struct {
	setting
	name string // of the flag or variable
	text string
}

func (v value) isFlag() bool { return strings.HasPrefix(v.name, "--") }

// apply checks the value and sets it.
func (v value) apply() error {
	if v.lines && v.isFlag() && strings.ContainsAny(v.text, "\r\n") {
		return fmt.Errorf("%s has a line break in it", v.name)
	}
	v.text = strings.TrimSpace(v.text)
	if isPlaceholder(v.text, v.shell) {
		return fmt.Errorf("%s holds a placeholder that nothing has replaced: the program that starts runs-mcp must put the value there", v.name)
	}
	if err := v.set(v.text); err != nil {
		return fmt.Errorf("%s %w", v.name, err)
	}
	return nil
}

// Parse parses the arguments and the environment. Its errors name the setting at fault, on
// one line.
func Parse(args []string, getenv func(string) string) (*Settings, error) {
	s := &Settings{}
	table := s.table()
	values := fromEnvironment(table, getenv)
	// Values are applied only after all flags have been parsed: package flag would put the
	// value into its error, and a bad value must not keep --help and --version from working.
	flags := flag.NewFlagSet("runs-mcp", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolFunc("version", "", func(string) error {
		s.Version = true
		return nil
	})
	for _, row := range table {
		add := func(text string) error {
			if !row.adds && !isBlank(text) {
				values = slices.DeleteFunc(values, func(v value) bool { return v.flag == row.flag })
			}
			values = append(values, value{row, "--" + row.flag, text})
			return nil
		}
		switch {
		case row.flag == "":
		case row.arg == "":
			flags.BoolFunc(row.flag, "", add)
		default:
			flags.Func(row.flag, "", add)
		}
	}
	err := flags.Parse(args)
	for err == nil && flags.NArg() > 0 && isBlank(flags.Arg(0)) { // hosts that split a text into arguments leave empty ones
		err = flags.Parse(flags.Args()[1:])
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return &Settings{Help: true}, nil
	case err != nil:
		return nil, flagError(err)
	case s.Version:
		return &Settings{Version: true}, nil
	case flags.NArg() > 0:
		return nil, errors.New("there are no arguments but flags; --help lists them")
	}
	for _, v := range values {
		if isBlank(v.text) {
			continue
		}
		if err := v.apply(); err != nil {
			return nil, err
		}
	}
	if s.Client.BaseURL == "" {
		s.Client.BaseURL = openAI
		if s.Client.Portkey.APIKey != "" {
			s.Client.BaseURL = portkey
		}
	}
	if s.Sandbox {
		return s, nil // nothing is sent to any server
	}
	return s, checkProxies(getenv)
}

// fromEnvironment returns the values that are set in the environment.
func fromEnvironment(table []setting, getenv func(string) string) (values []value) {
	for _, row := range table {
		for _, name := range row.env {
			if text := getenv(name); !isBlank(text) {
				values = append(values, value{row, name, text})
				break
			}
		}
	}
	return values
}

func isBlank(text string) bool { return strings.TrimSpace(text) == "" }

// flagError returns an error of package flag without the value, which may be secret, and
// with the flag as --help spells it.
func flagError(err error) error {
	problem, _, _ := strings.Cut(err.Error(), "=")
	if !strings.Contains(problem, "--") {
		problem = strings.Replace(problem, ": -", ": --", 1)
	}
	return fmt.Errorf("%s; --help lists the flags", problem)
}
