package tools

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"runs-mcp/runsapi"
)

// maxErrorText is the length of an error text in characters: hosts cut long
// ones, and a model reads each of them.
const maxErrorText = 2000

// explain says what went wrong and what to do next, to the model that called.
func (r *runs) explain(err error) string {
	var lines []string
	for outer := true; outer; {
		switch e := err.(type) {
		case *runsapi.AfterCancelError:
			lines, err = append(lines, "cancel was requested, but what came of it is not known."), e.Err
		case *runsapi.WaitError:
			lines, err = append(lines, fmt.Sprintf("Waiting failed; the last status seen is %s.", e.Status)), e.Err
		case *pageError:
			lines, err = append(lines, e.Error()), e.err
		default:
			outer = false
		}
	}
	var api *runsapi.Error
	var key *runsapi.KeyError
	switch {
	case errors.As(err, &api):
		lines = append(lines, strings.TrimSpace(asked(api)+"\n"+r.next(api)))
	case errors.As(err, &key):
		lines = append(lines, key.Error()+".", "The user can run it in a shell to see why, and mend --api-key-command.")
	default:
		lines = append(lines, err.Error())
	}
	return cut(strings.Join(lines, "\n"), maxErrorText)
}

// asked says what was asked, and what the API answered.
func asked(e *runsapi.Error) string {
	what := fmt.Sprintf("%s %s", e.Method, cut(e.Path, 400))
	if e.Status == 0 {
		return fmt.Sprintf("%s got no answer: %s", what, e.Message)
	}
	var details []string
	for _, d := range [][2]string{{"type", e.Type}, {"code", e.Code}, {"param", e.Param}, {"request id", e.RequestID}} {
		if d[1] != "" {
			details = append(details, d[0]+" "+d[1])
		}
	}
	text := fmt.Sprintf("%s answered HTTP %d: %s", what, e.Status, e.Message)
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text
}

// next is what to do about it.
func (r *runs) next(e *runsapi.Error) string {
	tries := "1 try was made"
	if e.Attempts > 1 {
		tries = fmt.Sprintf("%d tries were made", e.Attempts)
	}
	switch s := e.Status; {
	case s == 0 && e.Unwrap() != nil: // not the API's fault: the call was ended
		return strings.TrimSpace(unsure(e))
	case s == 0:
		return fmt.Sprintf("%sCheck that the base URL %s is right and can be reached from here; %s.", unsure(e), r.options.BaseURL, tries)
	case errors.Is(e, runsapi.ErrNotRuns):
		return fmt.Sprintf("The base URL %s (--api-base or OPENAI_BASE_URL) must be what comes before /threads on a server of the OpenAI Assistants Runs API; the user should check it.", r.options.BaseURL)
	case s < 400 && s != http.StatusNotModified:
		return "The user should set --api-base (OPENAI_BASE_URL) to where the API is now."
	case s == 401 && r.options.KeyName == "":
		return "No credential was sent: the user should set OPENAI_API_KEY or --api-key-command, and restart the server."
	case s == 401:
		return fmt.Sprintf("The API did not accept the credential, or the credential lacks a permission. It comes from %s; the user should check it, and restart the server after a change.", r.options.KeyName)
	case s == 403:
		return fmt.Sprintf("The credential may not do this. It comes from %s; the user should check its permissions.", cmp.Or(r.options.KeyName, "nowhere: none was sent"))
	case s == 404:
		return r.notFound(e)
	case s == 405 || s == 501:
		return "This server does not offer the call; the other tools may still work."
	case s == 429 && e.QuotaSpent():
		return "A quota is used up: trying again does not help, the user should check the plan."
	case s == 429:
		return fmt.Sprintf("%s; %s.", cmp.Or(again(e.RetryAfter), "Too many requests: try again later"), tries)
	case s == 408 || s == 409 || s >= 500:
		return fmt.Sprintf("%sThe fault is the server's or a passing one; %s. %s.", unsure(e), tries, cmp.Or(again(e.RetryAfter), "Try again in a minute"))
	case strings.Contains(strings.ToLower(e.Message), "cannot cancel run"):
		return "The run was not cancelled; get_run shows how it stands."
	}
	return "The API refuses the request as it is, and would refuse it again. Change the arguments if the message names one; else it is a setting (--header, --query, a key) for the user to check."
}

// unsure warns of a cancel that failed in a way that leaves open whether it arrived.
func unsure(e *runsapi.Error) string {
	if e.Method != http.MethodPost {
		return ""
	}
	return "The cancel may have arrived all the same: get_run shows how the run stands. "
}

// again says when to try again, if the API said it.
func again(after time.Duration) string {
	if after <= 0 {
		return ""
	}
	return fmt.Sprintf("The API asks to wait: try again in %.0f s", math.Ceil(after.Seconds()))
}

// notFound gives both readings of a 404: there is no such run, or there is no
// such API at the base URL.
func (r *runs) notFound(e *runsapi.Error) string {
	var b strings.Builder
	thread, run := idsOf(e.Path)
	if strings.HasPrefix(run, "thread_") {
		fmt.Fprintf(&b, "run_id %s looks like a thread id. ", run)
	}
	if strings.HasPrefix(thread, "run_") {
		fmt.Fprintf(&b, "thread_id %s looks like a run id. ", thread)
	}
	what := "or the run does not exist (thread ids cannot be listed, they come from the application; list_runs finds the runs of a thread)"
	if run == "" {
		what = "does not exist, or the cursor if there was one (thread ids cannot be listed, they come from the application)"
	}
	fmt.Fprintf(&b, "Either the thread %s, or there is no Runs API at the base URL %s", what, r.options.BaseURL)
	if base, err := url.Parse(r.options.BaseURL); err == nil && strings.EqualFold(strings.TrimSuffix(base.Hostname(), "."), "api.openai.com") {
		b.WriteString(", where OpenAI switched it off on 2026-08-26: the user has to set --api-base (OPENAI_BASE_URL) to another server")
	}
	return b.String() + "."
}

// idsOf finds the ids in …/threads/{thread}/runs[/{run}[/cancel]].
func idsOf(path string) (thread, run string) {
	_, rest, _ := strings.Cut(path[max(0, strings.LastIndex(path, "/threads/")):], "/threads/")
	parts := strings.Split(rest, "/")
	if len(parts) > 2 {
		run = parts[2]
	}
	return parts[0], run
}

func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
