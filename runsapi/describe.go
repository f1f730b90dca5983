package runsapi

import (
	"cmp"
	"html"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"
)

// describe says what the body of an answer is, for the error that it is not what was
// expected.
func (c *Client) describe(d document) string {
	if !d.isJSON {
		text := c.textBody(d.text)
		switch {
		case looksLikeHTML(d.text):
			return "an HTML page: " + cmp.Or(text, "without a text")
		case text == "":
			return "empty"
		}
		return "not JSON: " + text
	}
	v := gjson.Parse(d.text)
	switch {
	case isLangGraph(first(v)):
		return "a run of a LangGraph server (run_id, multitask_strategy), which has another API under the same paths"
	case v.IsArray():
		return "a JSON array"
	case !v.IsObject():
		return "a bare JSON value"
	}
	const maxMembers = 20
	var members []string
	for m := range Members(d.text) {
		if len(members) == maxMembers {
			break
		}
		members = append(members, Shorten(c.Redact(m.Name), maxDetail)+" ("+kindOf(m.Value)+")")
	}
	return "an object with " + cmp.Or(strings.Join(members, ", "), "nothing in it")
}

// kindOf names the type of a JSON value.
func kindOf(value string) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// isLangGraph reports whether v is a run of a LangGraph server.
func isLangGraph(v gjson.Result) bool {
	return v.Get("run_id").Type == gjson.String && (v.Get("multitask_strategy").Exists() || v.Get("kwargs").Exists())
}

// acknowledges reports whether the body of a 2xx answer, which is neither a Run nor an
// error, only confirms the request: it is empty, "OK", {} or {"success":true}.
func acknowledges(d document) bool {
	const longest = 100
	text := strings.TrimSpace(d.text)
	if d.isJSON {
		return text[0] != '[' && len(text) <= longest && !gjson.Get(text, "run_id").Exists()
	}
	return len(text) <= longest && !looksLikeHTML(text) && !d.cutShort
}

var (
	htmlUnread = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->`)
	htmlTag    = regexp.MustCompile(`(?s)<[^>]*>`)
)

// plainText returns s on one line; of an HTML page it returns the text that a browser
// would show.
func plainText(s string) string {
	if looksLikeHTML(s) {
		s = html.UnescapeString(htmlTag.ReplaceAllString(htmlUnread.ReplaceAllString(s, " "), " "))
	}
	return oneLine(s)
}

func looksLikeHTML(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), "<") }
