package tools

import (
	"errors"
	"fmt"
	"strings"

	"runs-mcp/runsapi"
)

// These are the greatest lengths in an error text, in characters. Hosts cut long texts, and
// models have to read them.
const (
	maxErrorText = 2000
	maxEcho      = 100 // of a status or an id
	maxPath      = 400
)

// callState is how far a call had come when an error ended it.
type callState struct {
	read          bool // whether the run or the thread had been read
	cancelRefused bool // whether the error is the answer to a cancel, after which the run was read
}

// explain returns the text for an error: what failed, and what the model can do next.
func (r *runs) explain(err error) string {
	lines, state, cause := r.unwrap(err)
	var api *runsapi.Error
	var key *runsapi.KeyError
	switch {
	case cause == nil:
	case errors.As(cause, &api):
		lines = append(lines, summary(api), r.nextStep(api, state))
	case errors.As(cause, &key):
		lines = append(lines, key.Error()+".", keyHint(key))
	default:
		lines = append(lines, cause.Error())
	}
	return runsapi.Shorten(strings.TrimSpace(r.client.Redact(strings.Join(lines, "\n"))), maxErrorText)
}

// unwrap describes the state of the call when the error came, and returns the cause of the
// error. The cause is nil if the lines say all.
func (r *runs) unwrap(err error) (lines []string, state callState, cause error) {
	for {
		switch e := err.(type) {
		case *runsapi.AfterCancelError:
			line := "cancel was requested, but what came of it is not known."
			if waiting := (*runsapi.WaitError)(nil); errors.As(err, &waiting) {
				line = "cancel was requested."
			}
			lines, err = append(lines, line), e.Err
			state.read = true // the API has accepted a cancel of this run
		case *runsapi.NotCancelledError:
			lines, err = append(lines, r.notCancelled(e.Run.ID, e.Run.Status)), e.Err
			state.read, state.cancelRefused = true, true
			if err == nil {
				return lines, state, nil
			}
			if runsapi.Terminal(e.Run.Status) {
				return append(lines, summary(err)), state, nil
			}
		case *runsapi.WaitError:
			lines, err = append(lines, fmt.Sprintf("Waiting failed; the last status seen is %s.", r.echo(e.Status))), e.Err
			state.read = true
		case *readBefore:
			state.read, err = true, e.err
		case *stepsError:
			lines, err = append(lines, fmt.Sprintf("The run was read, its status is %s, but its steps could not be. Without the argument steps the call works.", r.echo(e.run.Status))), e.err
			state.read = true
		case *pageError:
			lines, err = append(lines, e.Error()), e.err
			state.read = true
		default:
			return lines, state, err
		}
	}
}

// summary says what was requested, and what the API answered.
func summary(err error) string {
	var e *runsapi.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.Method == "" { // it is not about a request
		return e.Error()
	}
	call := fmt.Sprintf("%s %s", e.Method, runsapi.Shorten(e.Path, maxPath))
	if e.Status == 0 {
		if answerCame(e) {
			return fmt.Sprintf("%s was answered, but %s", call, e.Message)
		}
		return fmt.Sprintf("%s got no answer: %s", call, e.Message)
	}
	var details []string
	for _, d := range [][2]string{{"type", e.Type}, {"code", e.Code}, {"param", e.Param}, {"reason", e.Challenge}, {"request id", e.RequestID}} {
		if d[1] != "" {
			details = append(details, d[0]+" "+d[1])
		}
	}
	how := ""
	if errors.Is(e, runsapi.ErrInBody) {
		how = " with an error in the body"
	}
	text := fmt.Sprintf("%s answered HTTP %d%s: %s", call, e.Status, how, e.Message)
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text
}

// answerCame reports whether e is about an answer that could not be used, rather than about
// one that did not come.
func answerCame(e *runsapi.Error) bool {
	for _, kind := range []error{runsapi.ErrNoRoom, runsapi.ErrTruncated, runsapi.ErrEncoding, runsapi.ErrTooLarge, runsapi.ErrTooDeep, runsapi.ErrHeaders} {
		if errors.Is(e, kind) {
			return true
		}
	}
	return false
}

// keyHint says what the user can do if a key file or key command gave no key.
func keyHint(e *runsapi.KeyError) string {
	if e.Source == runsapi.SourceKeyFile {
		return "The user should check the file that OPENAI_API_KEY_FILE names."
	}
	if e.ExitCode == 126 || e.ExitCode == 127 { // how shells say that a program cannot be run, or found
		return "A program in it was not found, or cannot be run. The PATH that a host gives its servers is not the shell's: the user should name the program by its absolute path in --api-key-command (OPENAI_API_KEY_COMMAND)."
	}
	return "The user can run it in a shell to see why, and mend --api-key-command (OPENAI_API_KEY_COMMAND)."
}

// echo returns what a server or a model sent, for a text: redacted, and then cut. Half a
// secret could no longer be found.
func (r *runs) echo(s string) string { return runsapi.Shorten(r.client.Redact(s), maxEcho) }
