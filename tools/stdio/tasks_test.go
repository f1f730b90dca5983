package stdio_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"runs-mcp/tools/stdio"
)

// tasksGet is a tasks/get of a client that follows tasks.
func tasksGet(id int, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tasks/get","params":{%s"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}}`, id, params)
}

// The reading of a task may take long. It delays nothing else, and one that is stopped does
// not look like the end of the task.
func TestSlowReadingsOfTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serve(t, func(s *stdio.Server) {
			s.GetTask = func(ctx context.Context, id string, _ <-chan struct{}) *stdio.Task {
				<-ctx.Done()
				return &stdio.Task{ID: id, Result: &stdio.Result{Text: "stopped", IsError: true}}
			}
		})
		p.send(tasksGet(1, `"taskId":"a",`), tasksGet(2, `"taskId":"b",`), ping("3"))
		if a := p.next(); a.Get("id").Int() != 3 {
			t.Errorf("a ping waits behind tasks: %s", a.Raw)
		}
		p.stop()
		for id, a := range p.rest() {
			if a.Get("error.message").Str != "the server is shutting down" {
				t.Errorf("%s: %s", id, a.Raw)
			}
		}
	})
}

func TestAServerWithoutTasks(t *testing.T) {
	p := serve(t)
	p.send(tasksGet(1, `"taskId":"a",`))
	if got := p.next().Get("error.message").Str; got != `there is no task with the taskId "a"` {
		t.Error(got)
	}
	p.rest()
}

func TestTheIdOfATaskIsAString(t *testing.T) {
	p := serve(t, func(s *stdio.Server) {
		s.GetTask = func(context.Context, string, <-chan struct{}) *stdio.Task { return nil }
	})
	for _, params := range []string{"", `"taskId":5,`, `"taskId":null,`} {
		p.send(tasksGet(1, params))
		if got := p.next().Get("error.message").Str; got != `"params.taskId" must be a string, the id of a task` {
			t.Errorf("%s %s", params, got)
		}
	}
	p.send(tasksGet(1, `"taskId":"a",`))
	if got := p.next().Get("error.message").Str; got != `there is no task with the taskId "a"` {
		t.Error(got)
	}
	p.rest()
}

// Nothing can be changed about a task, but clients may ask for it. Those that do not declare
// the extension learn what they lack.
func TestTheOtherRequestsAboutTasks(t *testing.T) {
	p := serve(t, func(s *stdio.Server) {
		s.GetTask = func(context.Context, string, <-chan struct{}) *stdio.Task { return nil }
		s.KnowsTask = func(id string) bool { return id == "a" }
	})
	const extension = `"extensions":{"io.modelcontextprotocol/tasks":{}}`
	for _, tc := range []struct {
		method, params string
		code           int64 // of the error; 0 for a result
	}{
		{"tasks/update", `"taskId":"a",`, 0},
		{"tasks/cancel", `"taskId":"a",`, 0},
		{"tasks/update", `"taskId":"b",`, -32602},
		{"tasks/cancel", `"taskId":"b",`, -32602},
		{"subscriptions/listen", `"notifications":{"toolsListChanged":true},`, 0},
		{"subscriptions/listen", `"notifications":{"taskIds":["a"]},`, 0},
	} {
		request := strings.Replace(tasksGet(1, tc.params), "tasks/get", tc.method, 1)
		p.send(request, strings.Replace(request, extension, "", 1))
		for _, code := range []int64{tc.code, -32021} {
			a := p.next()
			if a.Get("method").Exists() { // a subscription is acknowledged before it ends
				a = p.next()
			}
			if code == -32021 && strings.Contains(tc.params, "toolsListChanged") {
				code = 0 // that needs no extension
			}
			if a.Get("error.code").Int() != code || code == 0 && a.Get("result.resultType").Str != "complete" ||
				code == -32021 && !a.Get(`error.data.requiredCapabilities.extensions.io\.modelcontextprotocol/tasks`).IsObject() {
				t.Errorf("%s %s: got %s, want the code %d", tc.method, tc.params, a.Raw, code)
			}
		}
	}
	p.rest()
}

func TestACallMayBecomeATaskOnlyIfItsClientAndTheServerHaveTasks(t *testing.T) {
	with := strings.Replace(tasksGet(1, `"name":"any",`), "tasks/get", "tools/call", 1)
	without := strings.Replace(with, "/tasks", "/x", 1)
	older := strings.Replace(with, `"io.modelcontextprotocol/protocolVersion":"2026-07-28",`, "", 1)
	for _, hasTasks := range []bool{true, false} {
		var follows []bool
		p := serve(t, func(s *stdio.Server) {
			s.CallTool = func(_ context.Context, c stdio.Call) *stdio.Result {
				follows = append(follows, c.FollowsTasks)
				return text("")
			}
			if hasTasks {
				s.GetTask = func(context.Context, string, <-chan struct{}) *stdio.Task { return nil }
			}
		})
		for _, request := range []string{with, without, older} {
			p.send(request)
			p.next()
		}
		p.rest()
		if !slices.Equal(follows, []bool{hasTasks, false, false}) {
			t.Errorf("with tasks %t: %t", hasTasks, follows)
		}
	}
}
