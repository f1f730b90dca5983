package runsapi

import (
	"net"
	"net/url"
	"regexp"
	"strings"
)

var credentialName = regexp.MustCompile(`(?i:(^|[-_])(auth|authorization|key|apikey|code|cookie|sig|signature|sas|jwt|session|bearer|pwd|credential|credentials)($|[-_])|token|secret|passw)|[a-z]Key($|[-_])`)

// IsCredential reports whether a header or query parameter of that name is
// taken for one that signs the caller in.
func IsCredential(name string) bool { return credentialName.MatchString(name) }

// Credentials names what signs c's requests in: headers, by their canonical
// names, and query parameters, with a ? before their names, sorted.
func (c *Client) Credentials() []string { return c.credentials }

// IsLoopback reports whether u's host is this machine by its name or address.
func IsLoopback(u *url.URL) bool {
	host := u.Hostname()
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// TakesPortkey reports whether Portkey's credentials may go to u's host: they
// have no business at OpenAI or Azure themselves.
func TakesPortkey(u *url.URL) bool {
	host := "." + strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return !strings.HasSuffix(host, ".openai.com") && !strings.HasSuffix(host, ".azure.com")
}
