package stdio

import (
	"context"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/tidwall/gjson"
)

// These names belong to the extension io.modelcontextprotocol/tasks
// (modelcontextprotocol/ext-tasks, SEP-2663). With it, a call that takes long may be answered
// with a task, which the client polls with tasks/get. A client declares the extension in each
// request.
const (
	tasksExtension                = "io.modelcontextprotocol/tasks"
	resultTypeTask mcp.ResultType = "task"

	methodTasksGet    mcp.MCPMethod = "tasks/get"
	methodTasksUpdate mcp.MCPMethod = "tasks/update"
	methodTasksCancel mcp.MCPMethod = "tasks/cancel"
)

// Task is work that goes on after its call was answered.
type Task struct {
	ID           string // 1 to 128 characters from ! to ~
	Message      string // the state of the work, for a person
	Created      time.Time
	TTL          time.Duration // how long the task lasts, from Created; 0 means without end
	PollInterval time.Duration // how long the client should wait before it reads the task again
	Result       *Result       // of the call; nil while the work goes on
}

// followsTasks reports whether the request declares the extension.
func followsTasks(p params) bool {
	return isObject(p.clientCapabilities.Get("extensions." + gjson.Escape(tasksExtension)))
}

// task answers the methods of the extension. tasks/cancel is only acknowledged: the client loses
// its interest, but the work goes on elsewhere. So is tasks/update, because no task waits for
// input.
func (c *connection) task(ctx context.Context, method mcp.MCPMethod, p params, modern bool) (encode func(*writer), fault *mcp.JSONRPCErrorDetails) {
	if !modern || !followsTasks(p) {
		return nil, missingTasks()
	}
	if p.taskID.Type != gjson.String {
		return nil, refuse(mcp.INVALID_PARAMS, `"params.taskId" must be a string, the id of a task`)
	}
	var task *Task
	known := false
	switch {
	case c.server.GetTask == nil:
	case method == methodTasksGet:
		task = c.server.GetTask(ctx, p.taskID.Str, c.drained)
		if ctx.Err() != nil { // a reading that was stopped must not look like the end of the task
			return nil, refuse(mcp.INTERNAL_ERROR, context.Cause(ctx).Error())
		}
		known = task != nil
	default:
		known = c.server.KnowsTask(p.taskID.Str)
	}
	if !known {
		return nil, refuse(mcp.INVALID_PARAMS, fmt.Sprintf("there is no task with the taskId %s", excerpt(p.taskID.Raw)))
	}
	if task == nil {
		return func(w *writer) { w.json("{" + c.common(mcp.ResultTypeComplete) + "}") }, nil
	}
	return func(w *writer) { w.task(task, c.common(mcp.ResultTypeComplete), c.common(mcp.ResultTypeComplete)) }, nil
}

// missingTasks returns the fault for a request that needs the extension but does not declare
// it.
func missingTasks() *mcp.JSONRPCErrorDetails {
	fault := refuse(mcp.MISSING_REQUIRED_CLIENT_CAPABILITY, "the client capabilities in the _meta of this request lack the extension "+tasksExtension)
	fault.Data = map[string]any{"requiredCapabilities": map[string]any{"extensions": map[string]any{tasksExtension: struct{}{}}}}
	return fault
}

// task appends t, with the members common. resultCommon has the members that the result of t's
// call gets, as it would have had without a task.
func (w *writer) task(t *Task, common, resultCommon string) {
	state := struct {
		ID           string `json:"taskId"`
		Status       string `json:"status"`
		Message      string `json:"statusMessage,omitempty"`
		Created      string `json:"createdAt"`
		Updated      string `json:"lastUpdatedAt"`
		TTL          *int64 `json:"ttlMs"`
		PollInterval int64  `json:"pollIntervalMs,omitempty"`
	}{t.ID, "working", t.Message, timestamp(t.Created), timestamp(time.Now()), nil, t.PollInterval.Milliseconds()}
	if t.TTL > 0 {
		state.TTL = new(t.TTL.Milliseconds())
	}
	if t.Result != nil {
		state.Status = "completed"
	}
	members := marshal(state)
	w.json("{" + common + "," + members[1:len(members)-1])
	if t.Result != nil {
		w.json(`,"result":`)
		w.toolResult(t.Result, ","+resultCommon)
	}
	w.json("}")
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
