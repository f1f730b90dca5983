package view_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"runs-mcp/tools/view"
)

func read(t *testing.T, readOnly bool) mcp.TextResourceContents {
	t.Helper()
	contents, ok := view.Reader(readOnly)(view.URI).(mcp.TextResourceContents)
	if !ok {
		t.Fatalf("reading %s does not give a text", view.URI)
	}
	return contents
}

func TestThePageIsServedAsItIsAndAsItIsListed(t *testing.T) {
	want, err := os.ReadFile("runs.html")
	if err != nil {
		t.Fatal(err)
	}
	contents := read(t, false)
	if contents.Text != string(want) {
		t.Error("the page that is served is not runs.html")
	}
	listed := view.List()[0]
	if listed.URI != contents.URI || listed.MIMEType != contents.MIMEType || contents.MIMEType != "text/html;profile=mcp-app" {
		t.Errorf("listed as %s, %s; read as %s, %s", listed.URI, listed.MIMEType, contents.URI, contents.MIMEType)
	}
	for name, meta := range map[string]any{"list": listed.Meta, "read": contents.Meta} {
		if got, _ := json.Marshal(meta); string(got) != `{"ui":{"csp":{},"prefersBorder":true}}` {
			t.Errorf("%s: _meta is %s", name, got)
		}
	}
}

func TestNothingElseIsRead(t *testing.T) {
	for _, uri := range []string{"", "ui://runs-mcp/", view.URI + "?", "file:///etc/passwd"} {
		if got := view.Reader(false)(uri); got != nil {
			t.Errorf("%q: got %v, want nothing", uri, got)
		}
	}
}

func TestThePageOfAReadOnlyServerDiffersInItsMarkAlone(t *testing.T) {
	got := strings.Replace(read(t, true).Text, " data-read-only", "", 1)
	if plain := read(t, false).Text; got != plain || strings.Contains(plain, "<html data-read-only") {
		t.Error("the two pages differ otherwise, or do not differ")
	}
}

func TestThePageIsSmallAndNeedsNothingFromElsewhere(t *testing.T) {
	page := read(t, false).Text
	if len(page) > 20<<10 {
		t.Errorf("the page has %d bytes, want at most %d", len(page), 20<<10)
	}
	for _, pattern := range []string{`https?:`, `[\s"'(=]//\w`, `\b(src|href|srcset|action)\s*=`, `url\(`, `@import`, `\bimport\b`, `\beval\b|Function\(`, `innerHTML|outerHTML|insertAdjacentHTML|document\.write`, `fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon`} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
}
