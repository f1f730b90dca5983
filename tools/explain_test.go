package tools

import (
	"errors"
	"strings"
	"testing"
	"time"

	"runs-mcp/runsapi"
)

func TestExplainOfErrorsInErrors(t *testing.T) {
	c, err := runsapi.New(runsapi.Config{BaseURL: "https://api.example/v1", APIKey: "sk-12345678"})
	if err != nil {
		t.Fatal(err)
	}
	r := &runs{c, Options{BaseURL: c.BaseURL()}}
	refusal := func(status int, message string) error {
		return &runsapi.Error{Method: "POST", Path: "/v1/threads/t/runs/r/cancel", ThreadID: "t", RunID: "r", Status: status, Message: message, Attempts: 1}
	}
	run := func(status string) runsapi.Run { return runsapi.Run{ID: "r", Status: status} }
	for _, tc := range []struct {
		name  string
		err   error
		want  []string
		never string // alternatives, between |
	}{
		{"ended meanwhile", &runsapi.NotCancelledError{Run: run("completed"), Err: refusal(409, "Run is not cancellable")},
			[]string{"Run r was not cancelled: its status is completed, the run has ended.", "HTTP 409: Run is not cancellable"}, "passing|again|may have|get_run"},
		{"ended meanwhile, odd answer", &runsapi.NotCancelledError{Run: run("failed"), Err: errors.New("plain words")}, []string{"the run has ended.\nplain words"}, ""},
		{"ended although the cancel was accepted", &runsapi.NotCancelledError{Run: run("completed")}, []string{"Run r was not cancelled: its status is completed, the run has ended."}, ""},
		{"two tries", &runsapi.Error{Method: "GET", Path: "/p", Status: 500, Attempts: 2}, []string{"; 2 tries were made"}, ""},
		{"a day", &runsapi.Error{Method: "GET", Path: "/p", Status: 503, Attempts: 2, RetryAfter: 47 * time.Hour}, []string{"in 169200 s"}, "days"},
		{"two days", &runsapi.Error{Method: "GET", Path: "/p", Status: 503, Attempts: 2, RetryAfter: 48 * time.Hour}, []string{"in 2 days"}, "172800"},
		{"no cancel", &runsapi.NotCancelledError{Run: run("in_progress"), Err: refusal(404, "Not Found")},
			[]string{"its status is in_progress.", "The run is there, so this server has no cancel"}, "Either|base URL|ended."},
		{"no cancel, 405", &runsapi.NotCancelledError{Run: run("queued"), Err: refusal(405, "m")}, []string{"this server has no cancel"}, "other tools"},
		{"no cancel, 501", &runsapi.NotCancelledError{Run: run("queued"), Err: refusal(501, "m")}, []string{"this server has no cancel"}, "passing"},
		{"refused", &runsapi.NotCancelledError{Run: run("in_progress"), Err: refusal(409, "locked")}, []string{"its status is in_progress.", "HTTP 409: locked", "would not cancel it in this status"}, "passing|get_run"},
		{"refused for another reason", &runsapi.NotCancelledError{Run: run("in_progress"), Err: refusal(500, "boom")}, []string{"HTTP 500: boom", "Try again in a minute"}, "check the ids"},
		{"a long status", &runsapi.NotCancelledError{Run: run(strings.Repeat("s", 500)), Err: refusal(409, "m")}, []string{"its status is " + strings.Repeat("s", 99) + "…, which is not one of"}, ""},
		{"after the cancel", &runsapi.AfterCancelError{Err: &runsapi.WaitError{Status: "cancelling", Err: refusal(403, "no")}},
			[]string{"cancel was requested.\nWaiting failed; the last status seen is cancelling.\nPOST"}, ""},
		{"after the cancel, not found", &runsapi.AfterCancelError{Err: &runsapi.Error{Method: "GET", Path: "/p", ThreadID: "t", RunID: "r", Status: 404, Message: "m", Attempts: 1}},
			[]string{"cancel was requested, but what came of it is not known.", "The run was there a moment ago"}, "Either|check both"},
		{"a secret in a status", &runsapi.WaitError{Status: `sk\u002d12345678`, Err: errors.New("sk-12345678")}, []string{"the last status seen is ***.\n***"}, "12345678"},
		{"a page of a list", &pageError{7, "run_7", &runsapi.Error{Method: "GET", Path: "/p", Status: 404, ThreadID: "t", Message: "m"}},
			[]string{"after 7 runs", `after: "run_7"`, "The thread was there a moment ago"}, "Either|base URL"},
		{"command not found", &runsapi.KeyError{Problem: "ended with exit status 127", ExitCode: 127}, []string{"the API key command ended with exit status 127.", "absolute path"}, "shell to see"},
		{"command not executable", &runsapi.KeyError{Problem: "p", ExitCode: 126}, []string{"absolute path"}, "shell to see"},
		{"command failed", &runsapi.KeyError{Problem: "p", ExitCode: 1}, []string{"can run it in a shell to see why"}, "absolute"},
		{"too deep, no name", runsapi.TooDeep(""), []string{"nested too deeply\nCall again with fields"}, "field "},
		{"too deep", runsapi.TooDeep("metadata"), []string{"the answer is nested too deeply\nIt is the field metadata", "without metadata."}, "got no answer|answered"},
		{"anything else", errors.New("words"), []string{"words"}, ""},
	} {
		got := r.explain(tc.err)
		for _, want := range tc.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is missing in:\n%s", tc.name, want, got)
			}
		}
		for never := range strings.SplitSeq(tc.never, "|") {
			if never != "" && strings.Contains(got, never) {
				t.Errorf("%s: %q is in:\n%s", tc.name, never, got)
			}
		}
	}
}

// A key that comes from a file or a command is renewed without a restart.
func TestWhatToDoAboutARefusedKey(t *testing.T) {
	for from, want := range map[string]string{
		"OPENAI_API_KEY":                             "and restart the server after a change.",
		"OPENAI_API_KEY_FILE":                        "and the next call reads a file that has changed.",
		"--api-key-command (OPENAI_API_KEY_COMMAND)": "and the command is run again after a minute.",
	} {
		r := &runs{options: Options{KeyName: from}}
		if got := r.credentialHint(&runsapi.Error{Status: 401}, 401); !strings.HasSuffix(got, want) || !strings.Contains(got, "It comes from "+from+";") {
			t.Errorf("%s: %s", from, got)
		}
	}
}
