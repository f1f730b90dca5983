package sandbox

import (
	"encoding/json"
	"fmt"
	"time"
)

// The ids of the threads.
const (
	DemoThread = "thread_demo" // a run in each of the nine statuses
	LongThread = "thread_long" // 250 runs
)

const longRuns = 250

type object = map[string]any

// run is the Run object, with the fields in the order in which the API sends them.
type run struct {
	ID                  string      `json:"id"`
	Object              string      `json:"object"`
	CreatedAt           int64       `json:"created_at"`
	AssistantID         string      `json:"assistant_id"`
	ThreadID            string      `json:"thread_id"`
	Status              string      `json:"status"`
	StartedAt           *int64      `json:"started_at"`
	ExpiresAt           *int64      `json:"expires_at"`
	CancelledAt         *int64      `json:"cancelled_at"`
	FailedAt            *int64      `json:"failed_at"`
	CompletedAt         *int64      `json:"completed_at"`
	RequiredAction      any         `json:"required_action"`
	LastError           any         `json:"last_error"`
	Model               string      `json:"model"`
	Instructions        string      `json:"instructions"`
	Tools               []any       `json:"tools"`
	ToolResources       object      `json:"tool_resources"`
	Metadata            object      `json:"metadata"`
	IncompleteDetails   any         `json:"incomplete_details"`
	Usage               *usage      `json:"usage"`
	Temperature         json.Number `json:"temperature"`
	TopP                json.Number `json:"top_p"`
	ReasoningEffort     *string     `json:"reasoning_effort"`
	MaxPromptTokens     *int64      `json:"max_prompt_tokens"`
	MaxCompletionTokens *int64      `json:"max_completion_tokens"`
	TruncationStrategy  object      `json:"truncation_strategy"`
	ResponseFormat      string      `json:"response_format"`
	ToolChoice          string      `json:"tool_choice"`
	ParallelToolCalls   bool        `json:"parallel_tool_calls"`

	calls []string  // the types of the tools that the run has called so far
	moves bool      // whether its status changes with the clock from queued on
	since time.Time // when it was first retrieved, or was asked to be cancelled; zero before
}

// usage counts the tokens of a run or of a step.
type usage struct {
	PromptTokens            int    `json:"prompt_tokens"`
	CompletionTokens        int    `json:"completion_tokens"`
	TotalTokens             int    `json:"total_tokens"`
	PromptTokenDetails      object `json:"prompt_token_details"`
	CompletionTokensDetails object `json:"completion_tokens_details"`
}

func newUsage(prompt, completion int) *usage {
	return &usage{prompt, completion, prompt + completion, object{"cached_tokens": 0}, object{"reasoning_tokens": 0}}
}

func (r *run) id() string { return r.ID }

// watch starts the run's clock if it has not started yet, and calls advance.
func (r *run) watch() {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	r.advance()
}

// advance updates the run to the status that it has now by its clock.
func (r *run) advance() {
	if r.since.IsZero() {
		return
	}
	at := func(d time.Duration) *int64 { return unix(r.since.Add(d)) }
	age := time.Since(r.since)
	if r.Status == "cancelling" && age >= cancellingFor {
		r.Status, r.CancelledAt, r.ExpiresAt = "cancelled", at(cancellingFor), nil
		r.Usage = newUsage(callPromptTokens*len(r.calls), callCompletionTokens*len(r.calls))
	}
	if r.moves && r.Status == "queued" && age >= queuedFor {
		r.Status, r.StartedAt, r.calls = "in_progress", at(queuedFor), []string{"file_search"}
	}
	if r.moves && r.Status == "in_progress" && age >= queuedFor+inProgressFor {
		r.Status, r.CompletedAt, r.ExpiresAt = "completed", at(queuedFor+inProgressFor), nil
		r.Usage = newUsage(413, 87)
	}
}

func unix(t time.Time) *int64 { return new(t.Unix()) }

// seed returns the threads, with their runs oldest first. The newest run of each was created
// a minute before now.
func seed(now time.Time) map[string][]*run {
	threads := map[string][]*run{}
	calls := map[string][]string{
		"completed":       {"file_search", "function", "code_interpreter"},
		"expired":         {"function"},
		"failed":          {"function", "code_interpreter"},
		"cancelled":       {"file_search"},
		"cancelling":      {"function"},
		"requires_action": {"function"},
		"in_progress":     {"file_search", "code_interpreter"},
	}
	add := func(thread, id, status string, age time.Duration) *run {
		created := now.Add(-age)
		at := func(d time.Duration) *int64 { return unix(created.Add(d)) }
		most := int64(1000)
		r := &run{
			ID: id, Object: "thread.run", CreatedAt: created.Unix(), AssistantID: "asst_demo", ThreadID: thread,
			Status: status, StartedAt: at(time.Second), Model: "gpt-4o",
			Instructions: "You are a support assistant. Look the order up before you answer.",
			Tools: []any{object{"type": "code_interpreter"}, object{"type": "file_search"}, object{"type": "function", "function": object{"name": "get_order", "description": "Look an order up.",
				"parameters": object{"type": "object", "properties": object{"order_id": object{"type": "string"}}, "required": []string{"order_id"}}}}},
			ToolResources: object{}, Metadata: object{"channel": "web"}, Temperature: "1.0", TopP: "1.0",
			MaxPromptTokens: &most, MaxCompletionTokens: &most,
			TruncationStrategy: object{"type": "auto", "last_messages": nil},
			ResponseFormat:     "auto", ToolChoice: "auto", ParallelToolCalls: true,
		}
		switch status {
		case "queued":
			r.StartedAt = nil
			fallthrough
		case "in_progress", "requires_action", "cancelling":
			r.ExpiresAt = unix(now.Add(24 * time.Hour)) // the demo outlives the real ten minutes
		case "completed":
			r.CompletedAt, r.Usage = at(9*time.Second), newUsage(512, 128)
		case "failed":
			r.FailedAt, r.Usage = at(4*time.Second), newUsage(512, 40)
			r.LastError = object{"code": "rate_limit_exceeded", "message": "Rate limit reached for gpt-4o: 30000 tokens per minute."}
		case "cancelled":
			r.CancelledAt, r.Usage = at(5*time.Second), newUsage(128, 16)
		case "incomplete":
			r.CompletedAt, r.Usage = at(9*time.Second), newUsage(512, 1000)
			r.IncompleteDetails = object{"reason": "max_completion_tokens"}
		case "expired":
			r.ExpiresAt = at(10 * time.Minute)
		}
		r.calls = calls[status]
		if status == "requires_action" {
			r.RequiredAction = object{"type": "submit_tool_outputs", "submit_tool_outputs": object{"tool_calls": []toolCall{
				{ID: r.part("call", 0), Type: "function", Function: object{"name": "get_order", "arguments": orderArguments}}}}}
		}
		threads[thread] = append(threads[thread], r)
		return r
	}
	for i, status := range []string{"completed", "expired", "failed", "incomplete", "cancelled", "cancelling", "requires_action", "in_progress", "queued"} {
		r := add(DemoThread, "run_"+status, status, time.Duration(9-i)*time.Minute+10*time.Minute*time.Duration(max(0, 2-i)))
		r.moves = status == "queued"
	}
	for i := range longRuns {
		status := "completed"
		if i%10 == 7 {
			status = "failed"
		}
		add(LongThread, fmt.Sprintf("run_long_%03d", i+1), status, time.Duration(longRuns-i)*time.Minute)
	}
	return threads
}
