package stdio

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/tidwall/gjson"
)

// handle finds the answer to r: a result or a fault.
func (t *transport) handle(ctx context.Context, r *request) (result any, fault *mcp.JSONRPCErrorDetails) {
	defer func() {
		if p := recover(); p != nil {
			t.server.Log.Error("panic", "method", r.method, "panic", p, "stack", string(debug.Stack()))
			result, fault = nil, refuse(mcp.INTERNAL_ERROR, "internal error")
		}
	}()
	if r.params != "" && r.params != "null" && r.params[0] != '{' {
		return nil, refuse(mcp.INVALID_PARAMS, `"params" must be an object`)
	}
	p := readParams(r.params)
	modern, fault := era(p)
	if fault != nil {
		return nil, fault
	}

	tools := mcp.ServerCapabilities{Tools: &struct {
		ListChanged bool `json:"listChanged,omitempty"`
	}{}}
	if mcp.MCPMethod(r.method) == mcp.MethodToolsCall {
		called, fault := t.call(ctx, r, p)
		if fault != nil {
			return nil, fault
		}
		return toolResult{called, modern, t.server.Info}, nil
	}
	var answer mcp.ResultMetadata
	switch method := mcp.MCPMethod(r.method); {
	case method == mcp.MethodToolsList && p.cursor.String() != "":
		fault = refuse(mcp.INVALID_PARAMS, "there is one page of tools, without a cursor")
	case method == mcp.MethodToolsList:
		answer = &mcp.ListToolsResult{Tools: t.server.ListTools()}
	case method == mcp.MethodPing && !modern:
		answer = &mcp.Result{}
	case method == mcp.MethodInitialize && !modern:
		answer = &mcp.InitializeResult{
			ProtocolVersion: mcp.NegotiateLegacyVersion(p.protocolVersion.String()),
			Capabilities:    tools, ServerInfo: t.server.Info, Instructions: t.server.Instructions,
		}
	case method == mcp.MethodServerDiscover && modern:
		answer = &mcp.DiscoverResult{SupportedVersions: mcp.ValidProtocolVersions, Capabilities: tools, Instructions: t.server.Instructions}
	case method == mcp.MethodSubscriptionsListen && modern:
		answer = t.listen(r)
	default:
		fault = refuse(mcp.METHOD_NOT_FOUND, fmt.Sprintf("there is no method %q", r.method))
	}
	if fault != nil {
		return nil, fault
	}
	if modern { // what 2026-07-28 requires of every result
		answer.SetResultType(mcp.ResultTypeComplete)
		answer.EnsureResultMeta().SetServerInfo(t.server.Info)
		if c, ok := answer.(mcp.CacheHintSetter); ok {
			c.SetCacheHints(0, mcp.CacheScopePrivate)
		}
	}
	return answer, nil
}

// era tells whether a request is one of 2026-07-28, which brings its version in
// _meta, or one of the versions before, for which initialize settled it.
func era(p params) (modern bool, fault *mcp.JSONRPCErrorDetails) {
	switch {
	case !p.meta.Exists() || p.meta.Type == gjson.Null:
		return false, nil
	case !p.meta.IsObject():
		return false, refuse(mcp.INVALID_PARAMS, `"params._meta" must be an object`)
	case !p.metaVersion.Exists():
		return false, nil
	}
	version := p.metaVersion.String()
	if !slices.Contains(mcp.ValidProtocolVersions, version) {
		e := mcp.UnsupportedProtocolVersionError{Version: version, Supported: mcp.ValidProtocolVersions}.JSONRPCError().Error
		return false, &e
	}
	if modern = mcp.IsModernProtocol(version); modern && !p.clientCapabilities.IsObject() {
		return false, refuse(mcp.INVALID_PARAMS, fmt.Sprintf(`"params._meta" must have the object %q`, mcp.MetaKeyClientCapabilities))
	}
	return modern, nil
}

// call runs tools/call, with progress if the client asked for it.
func (t *transport) call(ctx context.Context, r *request, p params) (*Result, *mcp.JSONRPCErrorDetails) {
	if p.name.Type != gjson.String {
		return nil, refuse(mcp.INVALID_PARAMS, `"params.name" must be a string, the name of a tool`)
	}
	report := func(int, string) {}
	if token := p.progressToken; token.Type == gjson.String || token.Type == gjson.Number {
		report = func(done int, message string) {
			t.out.notify(r, mcp.MethodNotificationProgress, map[string]any{
				"progressToken": json.RawMessage(token.Raw), "progress": done, "message": message,
			})
		}
	}
	result := t.server.CallTool(ctx, Call{Name: p.name.Str, Args: p.arguments.Raw, Progress: report})
	if result == nil {
		return nil, refuse(mcp.INVALID_PARAMS, fmt.Sprintf("there is no tool %.100q", p.name.Str))
	}
	return result, nil
}

// listen acknowledges a subscription and ends it: nothing here ever changes.
func (t *transport) listen(r *request) *mcp.SubscriptionsListenResult {
	id := json.RawMessage(r.id)
	t.out.notify(r, mcp.MethodNotificationSubscriptionsAcknowledged, map[string]any{
		"_meta": map[string]any{mcp.MetaKeySubscriptionID: id}, "notifications": mcp.SubscriptionFilter{},
	})
	result := &mcp.SubscriptionsListenResult{}
	result.EnsureResultMeta().SetSubscriptionID(id)
	return result
}
