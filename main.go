// Command runs-mcp is an MCP server over stdio. It gets, lists and cancels the runs of
// assistant threads, on any server of the OpenAI Assistants Runs API.
//
// This file connects streams, signals and packages, and sets the exit code.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"golang.org/x/term"

	"runs-mcp/runsapi"
	"runs-mcp/runsapi/sandbox"
	"runs-mcp/tools"
	"runs-mcp/tools/settings"
	"runs-mcp/tools/stdio"
	"runs-mcp/tools/view"
)

// Exit codes.
const (
	exitOK       = 0 // end of input, a signal, --help, --version
	exitFailure  = 1 // anything else, such as a broken output
	exitSettings = 2 // bad settings
)

// memoryLimit is where the garbage collector begins to work harder, in bytes. It is what the
// bodies of answers may take together (256 MiB), and room for the rest of the program.
const memoryLimit = 320 << 20

func main() {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	// The writer handles a broken pipe: a closed stderr must not end the program. The signal
	// is not ignored, because the key command would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	// Package net/http logs unexpected data from servers, which may echo a request with its
	// key.
	log.SetOutput(io.Discard)

	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}

	stdout, stderr := os.Stdout, os.Stderr
	if startedClosed(stdout) && !startedClosed(stderr) {
		fmt.Fprintln(stderr, "runs-mcp: stdout is closed")
		os.Exit(exitFailure)
	}
	os.Stdout = os.Stderr         // stdout is for JSON-RPC only: stray prints go to stderr
	lines := stdio.NewLog(stderr) // does not block if nobody reads stderr
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, stdout, lines)
	lines.Close(100 * time.Millisecond)
	os.Exit(code)
}

// startedClosed reports whether f, a file for output, was closed when the program started. The
// Go runtime replaces such a file by os.DevNull, opened for reading and writing. Some programs
// that start others do the same with both stdout and stderr, to discard all output.
func startedClosed(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return true
	}
	if null, err := os.Stat(os.DevNull); err != nil || !os.SameFile(info, null) {
		return false
	}
	_, err = f.Read(make([]byte, 1))
	return err == io.EOF
}

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, errw io.Writer) int {
	fail := func(code int, err error, hint string) int {
		fmt.Fprintf(errw, "runs-mcp: %s%s\n", err, hint)
		return code
	}
	s, err := settings.Parse(args, getenv)
	switch {
	case err != nil:
		return fail(exitSettings, err, "")
	case s.Help:
		err = settings.Help(out)
	case s.Version:
		_, err = fmt.Fprintf(out, "runs-mcp %s, %s\n", version(), runtime.Version())
	}
	switch {
	case err != nil:
		return fail(exitFailure, err, "")
	case s.Help || s.Version:
		return exitOK
	}

	logger := slog.New(slog.NewTextHandler(errw, &slog.HandlerOptions{Level: s.LogLevel}))
	instructions := tools.Instructions(s.ReadOnly)
	if s.Sandbox {
		s.Client = runsapi.Config{
			BaseURL: "http://sandbox/v1", Auth: runsapi.AuthNone, Timeout: s.Client.Timeout, MaxRetries: s.Client.MaxRetries,
			Transport: sandbox.Transport(ctx, sandbox.New()),
		}
		instructions += " SANDBOX: made-up data from memory; threads " + sandbox.DemoThread + " and " + sandbox.LongThread + "."
	}
	s.Client.Log, s.Client.UserAgent = logger, "runs-mcp/"+strings.Trim(version(), "()")
	client, err := runsapi.New(s.Client)
	if err != nil {
		return fail(exitSettings, err, hint(err))
	}
	defer client.Close()
	if isTerminal(in) {
		fmt.Fprintln(errw, "runs-mcp: an MCP server that waits for JSON-RPC on stdin, to be started by an MCP host; see --help, or try: "+settings.Try)
	}
	logger.Info("serving", "version", version(), "api", client.BaseURL(), "sandbox", s.Sandbox)

	t := tools.New(client, tools.Options{
		ReadOnly: s.ReadOnly, BaseURL: client.BaseURL(), KeyName: settings.KeyNames(client.Credentials()), Timeout: s.Client.Timeout,
		TextOnly: s.Results == settings.ResultsText, ViewURI: view.URI,
	})
	server := stdio.Server{
		Info: mcp.Implementation{Name: "runs-mcp", Version: version()}, Instructions: instructions,
		ListTools: t.List, CallTool: t.Call, GetTask: t.Task, KnowsTask: t.KnowsTask, Log: logger,
		ListResources: view.List, ReadResource: view.Reader(s.ReadOnly), Extensions: view.Extensions(),
	}
	if err := stdio.Serve(ctx, server, in, out); err != nil {
		logger.Error(err.Error())
		return exitFailure
	}
	return exitOK
}

// isTerminal reports whether in is a terminal. It does not call File.Fd, which may make reads
// blocking.
func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return false
	}
	terminal := false
	err = conn.Control(func(fd uintptr) { terminal = term.IsTerminal(int(fd)) })
	return err == nil && terminal
}

// hint says which setting to change after an error of runsapi.New.
func hint(err error) string {
	var key *runsapi.KeyError
	switch {
	case errors.Is(err, runsapi.ErrBaseURL):
		return " (--api-base, OPENAI_BASE_URL, OPENAI_API_BASE)"
	case errors.Is(err, runsapi.ErrPlainHTTP):
		return ": use https, or allow it with --allow-http"
	case errors.Is(err, runsapi.ErrNoCredential):
		return ": set OPENAI_API_KEY or --api-key-command; without a key, give --auth none; to try it out, --sandbox"
	case errors.As(err, &key):
		return " (OPENAI_API_KEY_FILE)"
	}
	return ""
}

// version returns the module's version, with the commit unless the version includes it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if commit := s.Value[:min(len(s.Value), 12)]; s.Key == "vcs.revision" && !strings.Contains(v, commit) {
			v += "+" + commit
		}
	}
	return v
}
