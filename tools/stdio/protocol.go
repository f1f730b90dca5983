package stdio

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/tidwall/gjson"
)

// handle returns the answer to r: a function that appends its result to the output, or a
// fault.
func (c *connection) handle(ctx context.Context, r *request) (encode func(*writer), fault *mcp.JSONRPCErrorDetails) {
	defer func() {
		if p := recover(); p != nil {
			c.server.Log.Error("panic", "method", excerpt(r.method), "panic", p, "stack", string(debug.Stack()))
			encode, fault = nil, refuse(mcp.INTERNAL_ERROR, "internal error")
		}
	}()
	if r.fault != nil {
		return nil, r.fault
	}
	if ctx.Err() != nil {
		return nil, refuse(mcp.INTERNAL_ERROR, context.Cause(ctx).Error())
	}
	if raw := gjson.Parse(r.params); !isEmpty(raw) && !raw.IsObject() {
		return nil, refuse(mcp.INVALID_PARAMS, `"params" must be an object`)
	}
	p := readParams(r.params)
	modern, fault := protocolEra(p)
	if fault != nil {
		return nil, fault
	}
	switch method := mcp.MCPMethod(r.method); method {
	case mcp.MethodToolsCall:
		return c.callTool(ctx, r, p, modern)
	case methodTasksGet, methodTasksUpdate, methodTasksCancel:
		return c.task(ctx, method, p)
	}
	result, fault := c.answer(ctx, r, p, modern)
	if fault != nil {
		return nil, fault
	}
	if modern {
		result.SetResultType(mcp.ResultTypeComplete)
		result.EnsureResultMeta().SetServerInfo(c.server.Info)
		if hints, ok := result.(mcp.CacheHintSetter); ok {
			hints.SetCacheHints(0, mcp.CacheScopePrivate)
		}
	}
	body := marshal(result)
	return func(w *writer) { w.json(body) }, nil
}

// protocolEra reports whether a request is of the modern era, 2026-07-28, in which its _meta
// gives the version. In earlier versions, initialize settled the version.
func protocolEra(p params) (modern bool, fault *mcp.JSONRPCErrorDetails) {
	switch {
	case isEmpty(p.meta):
		return false, nil
	case !p.meta.IsObject():
		return false, refuse(mcp.INVALID_PARAMS, `"params._meta" must be an object`)
	case !p.metaVersion.Exists():
		return false, nil
	}
	version := p.metaVersion.String()
	if !slices.Contains(mcp.ValidProtocolVersions, version) {
		e := mcp.UnsupportedProtocolVersionError{Version: excerpt(version), Supported: mcp.ValidProtocolVersions}.JSONRPCError().Error
		return false, &e
	}
	if modern = mcp.IsModernProtocol(version); modern && !isObject(p.clientCapabilities) {
		return false, refuse(mcp.INVALID_PARAMS, fmt.Sprintf(`"params._meta" must have the object %q`, mcp.MetaKeyClientCapabilities))
	}
	return modern, nil
}

// answer returns the result of any method except tools/call and those of tasks.
func (c *connection) answer(ctx context.Context, r *request, p params, modern bool) (mcp.ResultMetadata, *mcp.JSONRPCErrorDetails) {
	capabilities := c.capabilities()
	switch method := mcp.MCPMethod(r.method); {
	case method == mcp.MethodPing && !modern:
		return &mcp.Result{}, nil
	case method == mcp.MethodInitialize && !modern:
		if !isEmpty(p.capabilities) && !p.capabilities.IsObject() {
			return nil, refuse(mcp.INVALID_PARAMS, `"params.capabilities" must be an object`)
		}
		return &mcp.InitializeResult{
			ProtocolVersion: mcp.NegotiateLegacyVersion(p.protocolVersion.String()),
			Capabilities:    capabilities, ServerInfo: c.server.Info, Instructions: c.server.Instructions,
		}, nil
	case method == mcp.MethodServerDiscover && modern:
		if c.server.GetTask != nil {
			capabilities.Extensions[tasksExtension] = struct{}{}
		}
		return &mcp.DiscoverResult{SupportedVersions: mcp.ValidProtocolVersions, Capabilities: capabilities, Instructions: c.server.Instructions}, nil
	case method == mcp.MethodResourcesRead && c.server.ListResources != nil:
		return c.readResource(p, modern)
	case method == mcp.MethodSubscriptionsListen && modern:
		if p.notifications.Get("taskIds").Exists() && !followsTasks(p) {
			return nil, missingTasks()
		}
		return c.listen(ctx, r), nil
	}

	// Each list has one page. Some hosts ask for lists that are not offered.
	var list mcp.ResultMetadata
	switch mcp.MCPMethod(r.method) {
	case mcp.MethodToolsList:
		list = &mcp.ListToolsResult{Tools: c.server.ListTools()}
	case mcp.MethodResourcesList:
		resources := []mcp.Resource{}
		if c.server.ListResources != nil {
			resources = c.server.ListResources()
		}
		list = &mcp.ListResourcesResult{Resources: resources}
	case mcp.MethodResourcesTemplatesList:
		list = &mcp.ListResourceTemplatesResult{ResourceTemplates: []mcp.ResourceTemplate{}}
	case mcp.MethodPromptsList:
		list = &mcp.ListPromptsResult{Prompts: []mcp.Prompt{}}
	default:
		return nil, refuse(mcp.METHOD_NOT_FOUND, fmt.Sprintf("there is no method %q", excerpt(r.method)))
	}
	if p.cursor.String() != "" {
		return nil, refuse(mcp.INVALID_PARAMS, "the list has one page, without a cursor")
	}
	return list, nil
}

// capabilities returns what is offered to clients of every version.
func (c *connection) capabilities() mcp.ServerCapabilities {
	capabilities := mcp.ServerCapabilities{
		Extensions: map[string]any{},
		Tools: &struct {
			ListChanged bool `json:"listChanged,omitempty"`
		}{},
	}
	maps.Copy(capabilities.Extensions, c.server.Extensions)
	if c.server.ListResources != nil {
		capabilities.Resources = &struct {
			Subscribe   bool `json:"subscribe,omitempty"`
			ListChanged bool `json:"listChanged,omitempty"`
		}{}
	}
	return capabilities
}

// readResource runs resources/read.
func (c *connection) readResource(p params, modern bool) (mcp.ResultMetadata, *mcp.JSONRPCErrorDetails) {
	if p.uri.Type != gjson.String {
		return nil, refuse(mcp.INVALID_PARAMS, `"params.uri" must be a string, the URI of a resource`)
	}
	contents := c.server.ReadResource(p.uri.Str)
	if contents == nil {
		code := mcp.RESOURCE_NOT_FOUND
		if modern {
			code = mcp.INVALID_PARAMS
		}
		return nil, refuse(code, fmt.Sprintf("there is no resource %q; resources/list has them all", excerpt(p.uri.Str)))
	}
	return &mcp.ReadResourceResult{Contents: []mcp.ResourceContents{contents}}, nil
}

// common returns the members that 2026-07-28 requires in every result, without braces.
func (c *connection) common(kind mcp.ResultType) string {
	var result mcp.Result
	result.SetResultType(kind)
	result.EnsureResultMeta().SetServerInfo(c.server.Info)
	members := marshal(result)
	return members[1 : len(members)-1]
}

// callTool runs tools/call, with progress notifications if the client asked for them.
func (c *connection) callTool(ctx context.Context, r *request, p params, modern bool) (encode func(*writer), fault *mcp.JSONRPCErrorDetails) {
	if p.name.Type != gjson.String {
		return nil, refuse(mcp.INVALID_PARAMS, `"params.name" must be a string, the name of a tool`)
	}
	call := Call{Name: p.name.Str, Args: p.arguments.Raw, Progress: func(int, string) {}, Drained: c.drained, FollowsTasks: modern && c.server.GetTask != nil && followsTasks(p)}
	if isEmpty(p.arguments) {
		call.Args = ""
	}
	if token := p.progressToken; token.Type == gjson.String || token.Type == gjson.Number {
		call.Progress = func(done int, message string) {
			c.out.notify(ctx, r, mcp.MethodNotificationProgress, map[string]any{
				"progressToken": json.RawMessage(token.Raw), "progress": done, "message": message,
			})
		}
	}
	result := c.server.CallTool(ctx, call)
	if result == nil {
		var names []string
		for _, tool := range c.server.ListTools() {
			names = append(names, tool.Name)
		}
		return nil, refuse(mcp.INVALID_PARAMS, fmt.Sprintf("there is no tool %q; the tools are: %s", excerpt(p.name.Str), strings.Join(names, ", ")))
	}
	switch {
	case result.Task != nil:
		return func(w *writer) { w.task(result.Task, c.common(resultTypeTask), c.common(mcp.ResultTypeComplete)) }, nil
	case modern:
		return func(w *writer) { w.toolResult(result, ","+c.common(mcp.ResultTypeComplete)) }, nil
	}
	return func(w *writer) { w.toolResult(result, "") }, nil
}

// listen acknowledges a subscription and ends it, because nothing here ever changes.
func (c *connection) listen(ctx context.Context, r *request) *mcp.SubscriptionsListenResult {
	id := json.RawMessage(r.id)
	c.out.notify(ctx, r, mcp.MethodNotificationSubscriptionsAcknowledged, map[string]any{
		"_meta": map[string]any{mcp.MetaKeySubscriptionID: id}, "notifications": mcp.SubscriptionFilter{},
	})
	result := &mcp.SubscriptionsListenResult{}
	result.EnsureResultMeta().SetSubscriptionID(id)
	return result
}

// maxExcerpt is how many characters of what a client sent an answer repeats.
const maxExcerpt = 100

// excerpt returns s in at most maxExcerpt characters. If it cuts s, the last of them is …
func excerpt(s string) string {
	n, last := 0, 0 // last is where … goes if s is cut
	for i := range s {
		if n == maxExcerpt-1 {
			last = i
		}
		if n++; n > maxExcerpt {
			return s[:last] + "…"
		}
	}
	return s
}
