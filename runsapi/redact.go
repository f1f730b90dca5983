package runsapi

import (
	"cmp"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A value that may be harmless is only taken for a secret from this length on:
// blotting out every "v1" would spoil the text.
const shortestSecret = 8

// secrets lists what must never be seen in an error: the credentials, and the
// values of the headers and query parameters that the user added.
func secrets(cfg Config, query url.Values) []string {
	list := []string{cfg.APIKey, cfg.Portkey.APIKey, cfg.Portkey.VirtualKey, cfg.Portkey.Config}
	add := func(name, v string) {
		if len(v) >= shortestSecret || isCredential(name) {
			list = append(list, v)
		}
	}
	for name, values := range cfg.Header {
		for _, v := range values {
			add(name, v)
			add(name, v[strings.LastIndexByte(v, ' ')+1:]) // what follows "Bearer "
		}
	}
	for name, values := range query {
		for _, v := range values {
			if name != "api-version" {
				add(name, v)
			}
		}
	}
	return list
}

// redact replaces the secrets of c, keys from a command among them, in the forms
// that an echo may take. A short one is replaced only where it stands alone: the
// key "test" is no reason to garble thread_test.
func (c *Client) redact(text string) string {
	list := c.secrets
	if c.keys != nil {
		list = append(slices.Clone(list), c.keys.seen()...)
	}
	var forms []string
	for _, s := range list {
		if s == "" {
			continue
		}
		quoted, _ := json.Marshal(s)
		for _, f := range []string{s, oneLine(s), string(quoted[1 : len(quoted)-1]), html.EscapeString(s), url.QueryEscape(s)} {
			for _, f := range []string{f, url.QueryEscape(f), url.PathEscape(f)} {
				forms = append(forms, f, percent.ReplaceAllStringFunc(f, strings.ToLower))
			}
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }) // one may hold another
	for _, f := range slices.Compact(forms) {
		if len(f) >= shortestSecret {
			text = strings.ReplaceAll(text, f, "***")
		} else if strings.Contains(text, f) {
			alone := regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(f) + `($|[^\w-])`)
			for range 2 { // two that stand side by side share what is between them
				text = alone.ReplaceAllString(text, "$1***$2")
			}
		}
	}
	return text
}

var percent = regexp.MustCompile(`%[0-9A-F]{2}`)
