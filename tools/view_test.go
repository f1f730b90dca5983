package tools_test

import (
	"encoding/json"
	"testing"

	"runs-mcp/runsapi/sandbox"
	"runs-mcp/tools"
)

func TestEachToolNamesTheResourceThatShowsItsResults(t *testing.T) {
	h := connect(t, sandbox.New(), func(o *tools.Options) { o.ViewURI = "ui://a/b.html" })
	raw, _ := h.ask("tools/list", `{}`)
	var list struct {
		Tools []struct {
			Name string
			Meta struct {
				UI struct{ ResourceURI string }
			} `json:"_meta"`
		}
	}
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Tools) != 3 {
		t.Errorf("there are %d tools, want 3", len(list.Tools))
	}
	for _, tool := range list.Tools {
		if got := tool.Meta.UI.ResourceURI; got != "ui://a/b.html" {
			t.Errorf("%s names %q", tool.Name, got)
		}
	}
}
