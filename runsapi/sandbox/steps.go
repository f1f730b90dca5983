package sandbox

import (
	"fmt"
	"strings"
)

// These are the tokens that each tool call uses. The last step of a run uses the rest of the
// run's tokens, so that the steps add up to the run.
const (
	callPromptTokens     = 100
	callCompletionTokens = 16
)

// orderArguments are the arguments of every call of get_order.
const orderArguments = `{"order_id":"A-1042"}`

// step is the RunStep object, with the fields in the order in which the API
// sends them.
type step struct {
	ID          string      `json:"id"`
	Object      string      `json:"object"`
	CreatedAt   int64       `json:"created_at"`
	RunID       string      `json:"run_id"`
	AssistantID string      `json:"assistant_id"`
	ThreadID    string      `json:"thread_id"`
	Type        string      `json:"type"`
	Status      string      `json:"status"`
	CancelledAt *int64      `json:"cancelled_at"`
	CompletedAt *int64      `json:"completed_at"`
	ExpiredAt   *int64      `json:"expired_at"`
	FailedAt    *int64      `json:"failed_at"`
	LastError   any         `json:"last_error"`
	StepDetails stepDetails `json:"step_details"`
	Metadata    object      `json:"metadata"`
	Usage       *usage      `json:"usage"`
}

type stepDetails struct {
	Type            string     `json:"type"`
	MessageCreation object     `json:"message_creation,omitempty"`
	ToolCalls       []toolCall `json:"tool_calls,omitempty"`
}

type toolCall struct {
	ID              string `json:"id"`
	Type            string `json:"type"`
	CodeInterpreter object `json:"code_interpreter,omitempty"`
	FileSearch      object `json:"file_search,omitempty"`
	Function        object `json:"function,omitempty"`
}

func (s *step) id() string { return s.ID }

// steps returns the steps that the run has made so far, oldest first: one for each of its
// tool calls, and one for the message if the run has answered. Each begins a second after
// the one before it, and the last one ends as the run does. They are made from the run for
// each request, so that they change with it.
func (r *run) steps() []*step {
	var steps []*step
	add := func(kind string) *step {
		n := len(steps)
		s := &step{
			ID: r.part("step", n), Object: "thread.run.step", CreatedAt: *r.StartedAt + int64(n),
			RunID: r.ID, AssistantID: r.AssistantID, ThreadID: r.ThreadID, Type: kind,
			StepDetails: stepDetails{Type: kind}, Metadata: object{},
		}
		steps = append(steps, s)
		return s
	}
	answered := r.Status == "completed" || r.Status == "incomplete"
	for i, tool := range r.calls {
		s := add("tool_calls")
		done := answered || i < len(r.calls)-1
		s.StepDetails.ToolCalls = []toolCall{call(tool, r.part("call", i), done)}
		if done {
			end := s.CreatedAt + 1
			s.Status, s.CompletedAt = "completed", &end
			s.Usage = newUsage(callPromptTokens, callCompletionTokens)
		}
	}
	if answered {
		add("message_creation").StepDetails.MessageCreation = object{"message_id": r.part("msg", len(r.calls))}
	}
	if len(steps) > 0 {
		r.end(steps[len(steps)-1], len(steps)-1)
	}
	return steps
}

// end gives s, the last step of the run, the status, time, error and remaining tokens of the
// run. others is the number of steps before it.
func (r *run) end(s *step, others int) {
	switch s.Status = r.Status; r.Status {
	case "completed", "incomplete":
		s.Status, s.CompletedAt = "completed", r.CompletedAt
	case "failed":
		s.FailedAt, s.LastError = r.FailedAt, r.LastError
	case "cancelled":
		s.CancelledAt = r.CancelledAt
	case "expired":
		s.ExpiredAt = r.ExpiresAt
	default:
		s.Status = "in_progress"
	}
	if u := r.Usage; u != nil {
		s.Usage = newUsage(u.PromptTokens-others*callPromptTokens, u.CompletionTokens-others*callCompletionTokens)
	}
}

// part returns the id of the run's nth step, counted from 0, or of the call or message in
// that step.
func (r *run) part(prefix string, n int) string {
	return fmt.Sprintf("%s_%s_%d", prefix, strings.TrimPrefix(r.ID, "run_"), n+1)
}

// call returns a call of a tool, with its output if it is done.
func call(tool, id string, done bool) toolCall {
	c := toolCall{ID: id, Type: tool}
	found := []any{}
	switch tool {
	case "code_interpreter":
		if done {
			found = append(found, object{"type": "logs", "logs": "3"})
		}
		c.CodeInterpreter = object{"input": "from datetime import date\n(date(2026, 3, 5) - date(2026, 3, 2)).days", "outputs": found}
	case "file_search":
		if done {
			found = append(found, object{"file_id": "file-demo", "file_name": "delivery-times.md", "score": 0.87})
		}
		c.FileSearch = object{"ranking_options": object{"ranker": "default_2024_08_21", "score_threshold": 0}, "results": found}
	case "function":
		var output any
		if done {
			output = `{"shipped":"2026-03-02","delivered":"2026-03-05"}`
		}
		c.Function = object{"name": "get_order", "arguments": orderArguments, "output": output}
	}
	return c
}
