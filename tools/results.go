package tools

// The results as their clients' validators see them. Only what a Run cannot be
// without is typed and required: a client throws a whole result away that does
// not validate, and every server of the Runs API drifts in its own way. The
// fields are those of the Run object of OpenAI's API document.

type runResult struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	runFields
}

type runFields struct {
	Object              any `json:"object,omitempty"`
	CreatedAt           any `json:"created_at,omitempty"`
	ThreadID            any `json:"thread_id,omitempty"`
	AssistantID         any `json:"assistant_id,omitempty"`
	RequiredAction      any `json:"required_action,omitempty"`
	LastError           any `json:"last_error,omitempty"`
	ExpiresAt           any `json:"expires_at,omitempty"`
	StartedAt           any `json:"started_at,omitempty"`
	CancelledAt         any `json:"cancelled_at,omitempty"`
	FailedAt            any `json:"failed_at,omitempty"`
	CompletedAt         any `json:"completed_at,omitempty"`
	IncompleteDetails   any `json:"incomplete_details,omitempty"`
	Model               any `json:"model,omitempty"`
	Instructions        any `json:"instructions,omitempty"`
	Tools               any `json:"tools,omitempty"`
	Metadata            any `json:"metadata,omitempty"`
	Usage               any `json:"usage,omitempty"`
	Temperature         any `json:"temperature,omitempty"`
	TopP                any `json:"top_p,omitempty"`
	MaxPromptTokens     any `json:"max_prompt_tokens,omitempty"`
	MaxCompletionTokens any `json:"max_completion_tokens,omitempty"`
	TruncationStrategy  any `json:"truncation_strategy,omitempty"`
	ToolChoice          any `json:"tool_choice,omitempty"`
	ParallelToolCalls   any `json:"parallel_tool_calls,omitempty"`
	ResponseFormat      any `json:"response_format,omitempty"`
}

type listResult struct {
	Object  any       `json:"object,omitempty"`
	Data    []listRun `json:"data"`
	FirstID any       `json:"first_id,omitempty"`
	LastID  any       `json:"last_id,omitempty"`
	HasMore any       `json:"has_more,omitempty"`
	Scanned any       `json:"scanned,omitempty"`
}

// listRun is a run in a list, where an odd one must not lose the others.
type listRun struct {
	ID     any `json:"id,omitempty"`
	Status any `json:"status,omitempty"`
	runFields
}
