package runsapi

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Credential is a header or query parameter that authenticates the requests of a
// client. It does not hold the value.
type Credential struct {
	Name   string // of the header or query parameter
	Source Source
}

// Source is the part of a [Config] that a credential comes from.
type Source int

// The sources of credentials.
const (
	sourceNone Source = iota // no credential
	SourceAPIKey
	SourceKeyFile
	SourceKeyCommand
	SourcePortkeyAPIKey
	SourcePortkeyVirtualKey
	SourcePortkeyConfig
	SourceHeader
	SourceQuery
	SourceBaseURL
)

// Credentials returns the credentials that c sends: headers first, each kind in the
// order of their names, except that the header for the key is the last of the headers.
func (c *Client) Credentials() []Credential { return c.credentials }

// credentials returns, in the order of their names, the credentials among the headers or
// query parameters in sources: those that have a value and whose name says so.
func credentials(sources map[string]Source, value func(name string) string) []Credential {
	var list []Credential
	for name, source := range sources {
		if value(name) != "" && (isCredential(name) || source == SourcePortkeyConfig) {
			list = append(list, Credential{name, source})
		}
	}
	slices.SortFunc(list, func(a, b Credential) int { return strings.Compare(a.Name, b.Name) })
	return list
}

var credentialName = regexp.MustCompile(`(?i:(^|[-_])(auth|authorization|key|apikey|code|cookie|sig|signature|sas|jwt|session|bearer|pwd|credential|credentials)($|[-_])|token|secret|passw)|[a-z]Key($|[-_])`)

// isCredential reports whether a header or query parameter of that name is
// treated as a credential:
//
//	yes: Authorization, X-Api-Key, Cookie, subscriptionKey, sig, code, x_auth_token, password
//	no:  X-Trace, Keyboard, monkey, api-version, encoding, design
func isCredential(name string) bool { return credentialName.MatchString(name) }

// isLoopback reports whether u's host is localhost or a loopback address.
func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// takesPortkey reports whether Portkey's headers may be sent to u's host. They are not
// for OpenAI and Azure.
func takesPortkey(u *url.URL) bool {
	host := "." + strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return !strings.HasSuffix(host, ".openai.com") && !strings.HasSuffix(host, ".azure.com")
}
