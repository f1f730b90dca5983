package stdio_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/tidwall/gjson"
)

func TestResourcesAreOfferedListedAndReadInBothEras(t *testing.T) {
	s := offer(slog.New(slog.DiscardHandler))
	s.ListResources = func() []mcp.Resource { return []mcp.Resource{{URI: "ui://a", Name: "a"}} }
	s.ReadResource = func(uri string) mcp.ResourceContents {
		if uri != "ui://a" {
			return nil
		}
		return mcp.TextResourceContents{URI: uri, Text: "<a>"}
	}
	s.Extensions = map[string]any{"example.com/x": map[string]any{"y": 1}}
	for _, era := range []struct{ meta, offer, notFound string }{
		{`"a":1`, "initialize", "-32002"},
		{modernMeta, "server/discover", "-32602"},
	} {
		answer := func(method, params string) gjson.Result {
			return gjson.Parse(ask(t, s, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s,%s}}`, method, params, era.meta)))
		}
		if got := answer(era.offer, `"b":1`).Get("result.capabilities"); !got.Get("resources").IsObject() || got.Get(`extensions.example\.com/x.y`).Int() != 1 {
			t.Errorf("%s offers %s", era.offer, got.Raw)
		}
		if got := answer("resources/list", `"b":1`).Get("result.resources"); got.Raw != `[{"uri":"ui://a","name":"a"}]` {
			t.Errorf("%s: the list is %s", era.offer, got.Raw)
		}
		if got := answer("resources/read", `"uri":"ui://a"`).Get("result.contents"); got.Get("#").Int() != 1 || got.Get("0.text").Str != "<a>" {
			t.Errorf("%s: the contents are %s", era.offer, got.Raw)
		}
		if got := answer("resources/read", `"uri":"ui://b"`).Get("error"); got.Get("code").Raw != era.notFound || !strings.Contains(got.Get("message").Str, "ui://b") {
			t.Errorf("%s: an unknown resource gives %s, want the code %s", era.offer, got.Raw, era.notFound)
		}
		if got := answer("resources/read", `"uri":7`).Get("error.code"); got.Int() != mcp.INVALID_PARAMS {
			t.Errorf("%s: a URI that is a number gives %s", era.offer, got.Raw)
		}
	}
}
