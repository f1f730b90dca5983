package runsapi

import (
	"encoding/json"
	"html"
	"net/url"
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
	add := func(v string) {
		if len(v) >= shortestSecret {
			list = append(list, v)
		}
	}
	for _, values := range cfg.Header {
		for _, v := range values {
			add(v)
			add(v[strings.LastIndexByte(v, ' ')+1:]) // what follows "Bearer "
		}
	}
	for name, values := range query {
		for _, v := range values {
			if name != "api-version" {
				add(v)
			}
		}
	}
	return list
}

// redactor replaces the secrets of c, keys from a command among them, in the
// forms that an echo may take.
func (c *Client) redactor() *strings.Replacer {
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
		for _, f := range []string{s, string(quoted[1 : len(quoted)-1]), html.EscapeString(s), url.QueryEscape(s)} {
			forms = append(forms, f, url.QueryEscape(f), url.PathEscape(f))
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) }) // the longest first: one may hold another
	forms = slices.Compact(forms)
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, "***")
	}
	return strings.NewReplacer(pairs...)
}
