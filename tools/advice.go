package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"runs-mcp/runsapi"
)

// nextStep says what the model or the user can do about e. It follows from what the server
// said.
func (r *runs) nextStep(e *runsapi.Error, state callState) string {
	if state.cancelRefused {
		switch e.EffectiveStatus() {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
			return "The run is there, so this server has no cancel: the run goes on until it ends or expires. get_run can wait for that."
		}
	}
	if hint := r.transportHint(e); hint != "" {
		return hint
	}
	s := e.EffectiveStatus()
	switch {
	case e.Status == 0 && e.Unwrap() != nil: // the call was ended, by its client or with the server
		return mayHaveArrived(e)
	case e.Status == 0:
		return fmt.Sprintf("%sCheck that the base URL %s is right and can be reached from here; %s.%s", mayHaveArrived(e), r.options.BaseURL, tries(e), r.byProxy())
	case errors.Is(e, runsapi.ErrNotRuns) && state.read:
		return "The server answered as it should a moment ago: it, or a gateway before it, has a passing fault. Try again in a minute."
	case errors.Is(e, runsapi.ErrNotRuns):
		return fmt.Sprintf("The base URL %s (--api-base or OPENAI_BASE_URL) must be what comes before /threads on a server of the OpenAI Assistants Runs API; the user should check it.", r.options.BaseURL)
	case s >= 300 && s < 400 && s != http.StatusNotModified:
		return "The user should set --api-base (OPENAI_BASE_URL) to where the API is now."
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return r.credentialHint(e, s)
	case s == http.StatusNotFound, s == http.StatusGone:
		return r.notFoundHint(e, state)
	case s == http.StatusMethodNotAllowed, s == http.StatusNotImplemented:
		return "This server does not offer the call; the other tools may still work."
	case s == http.StatusTooManyRequests && e.QuotaSpent():
		return "A quota is used up: trying again does not help, the user should check the plan."
	case s == http.StatusTooManyRequests:
		return fmt.Sprintf("%s; %s.", cmp.Or(retryHint(e.RetryAfter), "Too many requests: try again later"), tries(e))
	case state.cancelRefused && (s == http.StatusConflict || refusesCancel(e)):
		return "The server would not cancel it in this status: try again in a minute."
	case s == http.StatusConflict && e.Method == http.MethodPost:
		return "The run's status may not allow it: get_run shows how the run stands."
	case s == http.StatusRequestTimeout, s == http.StatusConflict, s >= 500:
		return r.serverFaultHint(e, s, state)
	case s == 0: // an error in the body of a success, without a known code
		return fmt.Sprintf("The server, or one that it asked, failed; %s. %s.", tries(e), cmp.Or(retryHint(e.RetryAfter), "Try again in a minute"))
	case refusesCancel(e):
		return "The run was not cancelled; get_run shows how it stands."
	case r.lacksAPIVersion() && strings.Contains(strings.ToLower(e.Message), "api-version"):
		return apiVersionHint
	}
	return "The API refuses the request as it is, and would refuse it again. Change the arguments if the message names one; else it is a setting (--header, --query, a key) for the user to check."
}

// transportHint says what to do if a connection failed in a known way, or if an answer came
// only in part. It returns "" for any other error.
func (r *runs) transportHint(e *runsapi.Error) string {
	switch {
	case errors.Is(e, runsapi.ErrProxy):
		return fmt.Sprintf("%sIt is the proxy that failed, not the API: the user should check %s and NO_PROXY in the server's environment, and the proxy's user and password; %s.", mayHaveArrived(e), r.proxyVariable(), tries(e))
	case errors.Is(e, runsapi.ErrUnknownIssuer):
		return "Nothing was sent. If the issuer is to be trusted (such as a company's own or that of a proxy that reads TLS), the user should add its certificate to the system's certificate store, or name a file with it in SSL_CERT_FILE (not on macOS and Windows), and restart the server. Trying again does not help."
	case errors.Is(e, runsapi.ErrCertificate):
		return fmt.Sprintf("Nothing was sent. The user should check the host name in the base URL %s and this machine's clock; else the certificate is for the server's operator to renew. Trying again does not help.", r.options.BaseURL)
	case errors.Is(e, runsapi.ErrNoRoom):
		return mayHaveArrived(e) + "Call again when the other calls have ended, and make fewer calls at a time."
	case errors.Is(e, runsapi.ErrTooLarge) && e.RunID == "":
		return "Ask for fewer runs: call list_runs with a smaller limit, and without all and status. (fields does not help: it is applied to what the API answered.)"
	case errors.Is(e, runsapi.ErrTooLarge):
		return "The run itself is larger than can be read here; trying again does not help."
	case errors.Is(e, runsapi.ErrTooDeep) && e.Param != "":
		return fmt.Sprintf("It is the field %s that is nested so deeply: call again with fields, naming the fields that are needed, without %[1]s.", e.Param)
	case errors.Is(e, runsapi.ErrTooDeep):
		return "Call again with fields, naming the fields that are needed, without the one that is nested so deeply."
	case errors.Is(e, runsapi.ErrEncoding):
		return mayHaveArrived(e) + "The user should set --header 'Accept-Encoding: identity' (RUNS_MCP_HEADERS), which asks for answers without encoding, and restart the server."
	case errors.Is(e, runsapi.ErrTruncated):
		return fmt.Sprintf("%sThe server, or a proxy or gateway before it, ended the answer too early; %s. Try again later; if it happens each time, the user should look at what stands between.", mayHaveArrived(e), tries(e))
	case errors.Is(e, runsapi.ErrHeaders):
		return fmt.Sprintf("%sWhat answers at the base URL %s does not speak HTTP as it should; %s. The user should check the port and what stands between.%s", mayHaveArrived(e), r.options.BaseURL, tries(e), r.byProxy())
	case errors.Is(e, runsapi.ErrTimeout), errors.Is(e, context.DeadlineExceeded):
		return fmt.Sprintf("%sThe server is slow, or the base URL %s cannot be reached from here; %s. Try again later; the limit of one try is --timeout (RUNS_MCP_TIMEOUT).%s", mayHaveArrived(e), r.options.BaseURL, tries(e), r.byProxy())
	}
	return ""
}

// refusesCancel reports whether the API says that it cannot cancel the run.
func refusesCancel(e *runsapi.Error) bool {
	return strings.Contains(strings.ToLower(e.Message), "cannot cancel run")
}

// byProxy warns that the fault may be the proxy's, if there is a proxy.
func (r *runs) byProxy() string {
	if !r.client.UsesProxy() {
		return ""
	}
	return fmt.Sprintf(" The requests go through the proxy in %s: it may be the proxy that fails.", r.proxyVariable())
}

// proxyVariable returns the name of the environment variable that sets the proxy.
func (r *runs) proxyVariable() string {
	if strings.HasPrefix(r.options.BaseURL, "https:") {
		return "HTTPS_PROXY"
	}
	return "HTTP_PROXY"
}

// networkWords matches what servers say if they refuse the caller's network, and not its
// credential.
var networkWords = regexp.MustCompile(`(?i)firewall|virtual network|\bvnet\b|private (endpoint|link|network)|(public|network) access|\bip (address|range|allow|restrict|filter)|\bvpn\b|allow(ed)? ?list|trusted network|\bip\b.{0,60}\bnot allowed|been blocked`)

// credentialHint says what to do if a credential was refused.
func (r *runs) credentialHint(e *runsapi.Error, status int) string {
	from := r.options.KeyName
	switch {
	case networkWords.MatchString(e.Message):
		return "It is the network that the server refuses, not the credential: call from a network that it allows (a VPN, its private endpoint), or have this machine's address allowed in the server's firewall."
	case from == "" && status == http.StatusUnauthorized:
		return "No credential was sent: the user should set OPENAI_API_KEY or --api-key-command, and restart the server."
	case from == "":
		return "No credential was sent. If the server wants one, the user should set OPENAI_API_KEY or --api-key-command, and restart the server."
	case status == http.StatusForbidden:
		return fmt.Sprintf("The credential may not do this. It comes from %s; the user should check its permissions.", from)
	case e.ExpiredToken:
		return fmt.Sprintf("The token has expired. It comes from %s. Such tokens live for about an hour: the user should set --api-key-command (OPENAI_API_KEY_COMMAND) to a command that prints a fresh one, in place of the fixed token, and restart the server.", from)
	}
	renewal := "and restart the server after a change"
	switch {
	case strings.Contains(from, "OPENAI_API_KEY_FILE"):
		renewal = "and the next call reads a file that has changed"
	case strings.Contains(from, "OPENAI_API_KEY_COMMAND"):
		renewal = "and the command is run again after a minute"
	}
	return fmt.Sprintf("The API did not accept the credential, or the credential lacks a permission. It comes from %s; the user should check it, %s.", from, renewal)
}

// notFoundHint says what a 404 may mean, as far as nothing contradicts it, and what to do.
func (r *runs) notFoundHint(e *runsapi.Error, state callState) string {
	const threads = "thread ids cannot be listed, they come from the application"
	switch {
	case state.read && e.RunID == "":
		return "The thread was there a moment ago: it, or the run that the cursor names, was deleted meanwhile."
	case state.read:
		return "The run was there a moment ago: it, or its thread, was deleted meanwhile."
	case e.RunID == "" && names(e, "run", ""):
		return fmt.Sprintf("The API does not know the run that the cursor (after or before) names: give a run of the thread %s, or none to begin at the beginning. Without a cursor, it knows no run of that thread: check the id; %s.", e.ThreadID, threads)
	case names(e, "run", e.RunID):
		return swapped(e) + fmt.Sprintf("The API does not know the run %s in the thread %s: check both ids. list_runs finds the runs of a thread; %s.", e.RunID, e.ThreadID, threads)
	case names(e, "thread", e.ThreadID):
		return swapped(e) + fmt.Sprintf("The API does not know the thread %s: check the id; %s.", e.ThreadID, threads)
	case r.lacksAPIVersion():
		return apiVersionHint
	}
	noAPI := "there is no Runs API at the base URL " + r.options.BaseURL
	if r.host() == "api.openai.com" {
		noAPI += ", where OpenAI switched it off on 2026-08-26: the user has to set --api-base (OPENAI_BASE_URL) to another server"
	}
	var meanings string
	switch {
	case e.RunID == "":
		meanings = fmt.Sprintf("Either the thread does not exist (%s), or the cursor if there was one; or this server does not list runs; or %s", threads, noAPI)
	case e.Method == http.MethodPost:
		meanings = fmt.Sprintf("Either the thread or the run does not exist (%s; list_runs finds the runs of a thread); or this server has no cancel, if get_run finds the run; or %s", threads, noAPI)
	default:
		meanings = fmt.Sprintf("Either the thread or the run does not exist (%s; list_runs finds the runs of a thread), or %s", threads, noAPI)
	}
	return swapped(e) + meanings + "."
}

// swapped warns about a thread id that looks like a run id, and the reverse.
func swapped(e *runsapi.Error) string {
	var b strings.Builder
	if strings.HasPrefix(e.RunID, "thread_") {
		fmt.Fprintf(&b, "run_id %s looks like a thread id. ", e.RunID)
	}
	if strings.HasPrefix(e.ThreadID, "run_") {
		fmt.Fprintf(&b, "thread_id %s looks like a run id. ", e.ThreadID)
	}
	return b.String()
}

// missing matches what servers say if they do not know something.
var missing = regexp.MustCompile(`(?i)not[ _]?found|\bno (run|thread)\b|does(n't| not) exist|no such|unknown|(can|could)( ?not|n't) (be )?f(i|ou)nd`)

// names reports whether the API says that it does not know an id, or the kind of thing that
// has it: a run or a thread. The path of the request does not count, because a server without
// a Runs API may quote it.
func names(e *runsapi.Error, kind, id string) bool {
	said := strings.ReplaceAll(e.Message, e.Path, "") + " " + e.Code
	if !missing.MatchString(said) {
		return false
	}
	word := regexp.MustCompile(`(?i)(^|[^/\w-])(` + kind + `(_not_found)?|` + regexp.QuoteMeta(cmp.Or(id, kind)) + `)($|[^/\w-])`)
	return word.MatchString(said)
}

const apiVersionHint = "Azure wants an api-version with every request, and none is set: the user should set RUNS_MCP_QUERY=api-version=v1 (--query api-version=v1), and restart the server."

// host returns the host of the base URL in lower case.
func (r *runs) host() string {
	base, err := url.Parse(r.options.BaseURL)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(base.Hostname(), "."))
}

// lacksAPIVersion reports whether the server is Azure's and no api-version is configured.
func (r *runs) lacksAPIVersion() bool {
	return strings.HasSuffix(r.host(), ".azure.com") && !r.client.SendsQuery("api-version")
}

// serverFaultHint says what to do about a fault of the server, which may pass.
func (r *runs) serverFaultHint(e *runsapi.Error, status int, state callState) string {
	unknownID := ""
	if status >= 500 && !state.read {
		unknownID = " Some servers answer so, too, to an id that they do not know: check the ids."
	}
	return fmt.Sprintf("%sThe fault is the server's or a passing one; %s. %s.%s", mayHaveArrived(e), tries(e), cmp.Or(retryHint(e.RetryAfter), "Try again in a minute"), unknownID)
}

// tries says how many attempts were made.
func tries(e *runsapi.Error) string {
	if e.Attempts > 1 {
		return fmt.Sprintf("%d tries were made", e.Attempts)
	}
	return "1 try was made"
}

// mayHaveArrived warns that a cancel may have reached the server although it failed. It
// returns "" for other requests.
func mayHaveArrived(e *runsapi.Error) string {
	if e.Method != http.MethodPost {
		return ""
	}
	return "The cancel may have arrived all the same: get_run shows how the run stands. "
}

// retryHint says when to try again. It returns "" if the API did not say so.
func retryHint(after time.Duration) string {
	switch {
	case after <= 0:
		return ""
	case after >= 48*time.Hour:
		return fmt.Sprintf("The API asks to wait: try again in %.0f days", math.Ceil(after.Hours()/24))
	}
	return fmt.Sprintf("The API asks to wait: try again in %.0f s", math.Ceil(after.Seconds()))
}
