package sandbox

import (
	"encoding/json"
	"fmt"
	"time"
)

// The seeded threads.
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
	Metadata            object      `json:"metadata"`
	IncompleteDetails   any         `json:"incomplete_details"`
	Usage               any         `json:"usage"`
	Temperature         json.Number `json:"temperature"`
	TopP                json.Number `json:"top_p"`
	MaxPromptTokens     *int64      `json:"max_prompt_tokens"`
	MaxCompletionTokens *int64      `json:"max_completion_tokens"`
	TruncationStrategy  object      `json:"truncation_strategy"`
	ResponseFormat      string      `json:"response_format"`
	ToolChoice          string      `json:"tool_choice"`
	ParallelToolCalls   bool        `json:"parallel_tool_calls"`

	moves bool      // whether the clock takes it from queued on
	since time.Time // when it was first retrieved, or asked to be cancelled
}

type runPage struct {
	Object  string  `json:"object"`
	Data    []*run  `json:"data"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
	HasMore bool    `json:"has_more"`
}

// watch starts the run's clock, if it has one, and moves the run on.
func (r *run) watch() {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	r.advance()
}

// advance brings the run to where its clock has got.
func (r *run) advance() {
	if r.since.IsZero() {
		return
	}
	at := func(d time.Duration) *int64 { return unix(r.since.Add(d)) }
	age := time.Since(r.since)
	if r.Status == "cancelling" && age >= cancellingFor {
		r.Status, r.CancelledAt, r.ExpiresAt = "cancelled", at(cancellingFor), nil
		r.Usage = usage(91, 0)
	}
	if r.moves && r.Status == "queued" && age >= queuedFor {
		r.Status, r.StartedAt = "in_progress", at(queuedFor)
	}
	if r.moves && r.Status == "in_progress" && age >= queuedFor+inProgressFor {
		r.Status, r.CompletedAt, r.ExpiresAt = "completed", at(queuedFor+inProgressFor), nil
		r.Usage = usage(413, 87)
	}
}

func unix(t time.Time) *int64 {
	s := t.Unix()
	return &s
}

func usage(prompt, completion int) object {
	return object{"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
}

// seed makes the threads. The newest run of each is a minute old.
func seed(now time.Time) map[string][]*run {
	threads := map[string][]*run{}
	add := func(thread, id, status string, age time.Duration) *run {
		created := now.Add(-age)
		at := func(d time.Duration) *int64 { return unix(created.Add(d)) }
		most := int64(1000)
		r := &run{
			ID: id, Object: "thread.run", CreatedAt: created.Unix(), AssistantID: "asst_demo", ThreadID: thread,
			Status: status, StartedAt: at(time.Second), Model: "gpt-4o",
			Instructions: "You are a support assistant. Look the order up before you answer.",
			Tools: []any{object{"type": "function", "function": object{"name": "get_order", "description": "Look an order up.",
				"parameters": object{"type": "object", "properties": object{"order_id": object{"type": "string"}}, "required": []string{"order_id"}}}}},
			Metadata: object{"channel": "web"}, Temperature: "1.0", TopP: "1.0",
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
			r.CompletedAt, r.Usage = at(9*time.Second), usage(512, 128)
		case "failed":
			r.FailedAt, r.Usage = at(4*time.Second), usage(512, 0)
			r.LastError = object{"code": "rate_limit_exceeded", "message": "Rate limit reached for gpt-4o: 30000 tokens per minute."}
		case "cancelled":
			r.CancelledAt, r.Usage = at(5*time.Second), usage(128, 16)
		case "incomplete":
			r.CompletedAt, r.Usage = at(9*time.Second), usage(512, 1000)
			r.IncompleteDetails = object{"reason": "max_completion_tokens"}
		case "expired":
			r.ExpiresAt = at(10 * time.Minute)
		}
		if status == "requires_action" {
			r.RequiredAction = object{"type": "submit_tool_outputs", "submit_tool_outputs": object{"tool_calls": []any{
				object{"id": "call_demo", "type": "function", "function": object{"name": "get_order", "arguments": `{"order_id":"A-1042"}`}}}}}
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
