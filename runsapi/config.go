package runsapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Ways to send the key, for [Config.Auth].
const (
	AuthBearer = "bearer"  // Authorization: Bearer KEY
	AuthAPIKey = "api-key" // api-key: KEY, as Azure wants it
	AuthNone   = "none"    // no key at all
)

// Config says which server to talk to, and how. Only BaseURL has to be set, and
// a credential unless BaseURL is on this machine.
type Config struct {
	// BaseURL is what stands before /threads/…. Its query is sent with every
	// request.
	BaseURL string
	// Auth is AuthBearer (also when empty), AuthAPIKey or AuthNone.
	Auth string
	// APIKey is sent as Auth says; empty sends none.
	APIKey string
	// KeyFile, if set, is a file whose first line is the key. It is read again
	// when it has changed or its key was refused, and beats APIKey.
	KeyFile string
	// KeyCommand, if set, is run by the system shell for the key, and again when
	// the key is old or was refused. It beats KeyFile.
	KeyCommand string
	// Organization and Project become the OpenAI-Organization and
	// OpenAI-Project headers.
	Organization, Project string
	// Portkey becomes the x-portkey-… headers, but never at api.openai.com or
	// below azure.com.
	Portkey Portkey
	// Header is sent with every request and beats all of the above.
	Header http.Header
	// Query is sent with every request and beats BaseURL's query.
	Query url.Values
	// AllowHTTP lets a credential go over plain http to another machine.
	AllowHTTP bool
	// Timeout bounds one HTTP attempt, its body included; 0 is no limit.
	Timeout time.Duration
	// MaxRetries is how often a failed attempt is made again; 0 is never.
	MaxRetries int
	// UserAgent is the User-Agent header.
	UserAgent string
	// Transport carries the requests; nil is a pool of kept-alive connections
	// that honours HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE.
	Transport http.RoundTripper
	// Log gets a debug line for each call, without query, bodies and secrets;
	// nil logs nothing.
	Log *slog.Logger
}

// Portkey holds what the Portkey gateway takes as x-portkey-… headers
// (https://portkey.ai/docs/api-reference/inference-api/headers).
type Portkey struct{ APIKey, VirtualKey, Provider, Config string }

// Reasons for which New refuses a Config, beside a [*KeyError]. No error of New
// shows a value, as it may hold a secret.
var (
	ErrBaseURL      = errors.New("invalid base URL")
	ErrPlainHTTP    = errors.New("plain http would send the credential in the clear")
	ErrNoCredential = errors.New("no API key")
)

// New checks cfg and makes a Client of it. It reads the key file, but opens no
// connection and runs no command yet.
func New(cfg Config) (*Client, error) {
	base, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	c := &Client{maxRetries: cfg.MaxRetries, log: cfg.Log, memory: newMemory()}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	switch cfg.Auth {
	case AuthBearer, "":
		c.keyHeader, c.keyPrefix = "Authorization", "Bearer "
	case AuthAPIKey:
		c.keyHeader = "Api-Key"
	case AuthNone:
	default:
		return nil, fmt.Errorf("auth %q is not one of bearer, api-key, none", cfg.Auth)
	}

	fromQuery, err := c.setQuery(base, cfg.Query)
	if err != nil {
		return nil, err
	}
	fromHeader, err := c.setHeader(base, cfg)
	if err != nil {
		return nil, err
	}
	c.credentials = append(fromHeader, fromQuery...)
	base.RawQuery, base.ForceQuery, base.Fragment = "", false, ""
	c.base = base
	switch {
	case len(c.credentials) == 0 && cfg.Auth != AuthNone && !isLoopback(base):
		return nil, ErrNoCredential
	case len(c.credentials) > 0 && base.Scheme == "http" && !cfg.AllowHTTP && !isLoopback(base):
		return nil, ErrPlainHTTP
	}

	c.redactor = newRedactor(cfg, c.query, environmentProxies())
	transport := cfg.Transport
	if transport == nil {
		transport = newTransport()
	}
	c.http = &http.Client{
		Transport: bodyReader{transport, cfg.Timeout, c.memory},
		// A redirect is answered to the caller: following it could carry the key elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// setQuery sets the query of every request, and returns the credentials in it.
func (c *Client) setQuery(base *url.URL, own url.Values) ([]Credential, error) {
	c.query = base.Query()
	sources := map[string]Source{}
	for name := range c.query {
		sources[name] = SourceBaseURL
	}
	for name, values := range own {
		c.query[name], sources[name] = values, SourceQuery
	}
	for _, name := range []string{"limit", "order", "after", "before"} {
		if c.query.Has(name) {
			return nil, fmt.Errorf("the query parameter %q is set by each call and cannot be configured", name)
		}
	}
	return credentials(sources, c.query.Get), nil
}

// setHeader sets the headers of every request, or else keys for one that
// changes, and returns the credentials among them.
func (c *Client) setHeader(base *url.URL, cfg Config) ([]Credential, error) {
	c.header = http.Header{}
	sources := map[string]Source{}
	set := func(name, value string, source Source) {
		if value != "" {
			c.header[name], sources[name] = []string{value}, source
		}
	}
	set("Openai-Beta", "assistants=v2", sourceNone)
	set("Accept", "application/json", sourceNone)
	set("Accept-Encoding", "gzip", sourceNone) // bodyReader decompresses, whatever the label says
	set("User-Agent", cfg.UserAgent, sourceNone)
	set("Openai-Organization", cfg.Organization, sourceNone)
	set("Openai-Project", cfg.Project, sourceNone)
	if takesPortkey(base) {
		set("X-Portkey-Api-Key", cfg.Portkey.APIKey, SourcePortkeyAPIKey)
		set("X-Portkey-Virtual-Key", cfg.Portkey.VirtualKey, SourcePortkeyVirtualKey)
		set("X-Portkey-Provider", cfg.Portkey.Provider, sourceNone)
		set("X-Portkey-Config", cfg.Portkey.Config, SourcePortkeyConfig)
	}
	for name, values := range cfg.Header {
		name = http.CanonicalHeaderKey(name)
		c.header[name], sources[name] = values, SourceHeader
	}
	found := credentials(sources, c.header.Get)
	if _, own := sources[c.keyHeader]; c.keyHeader != "" && !own {
		source, err := c.setKey(cfg)
		if err != nil {
			return nil, err
		}
		if source != sourceNone {
			found = append(found, Credential{c.keyHeader, source})
		}
	}
	for name, values := range c.header {
		if strings.ContainsFunc(name+strings.Join(values, ""), func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("the value of the header %q has a control character in it", name)
		}
	}
	return found, nil
}

// setKey takes the key from the first of its sources that is configured.
func (c *Client) setKey(cfg Config) (Source, error) {
	switch {
	case cfg.KeyCommand != "":
		c.keys = newKeyCommand(cfg.KeyCommand)
		return SourceKeyCommand, nil
	case cfg.KeyFile != "":
		file, err := newKeyFile(cfg.KeyFile)
		if err != nil {
			return sourceNone, err
		}
		c.keys = file
		return SourceKeyFile, nil
	case cfg.APIKey != "":
		c.header.Set(c.keyHeader, c.keyPrefix+cfg.APIKey)
		return SourceAPIKey, nil
	}
	return sourceNone, nil
}

// parseBase checks a base URL. Its errors do not show it, as net/url's would.
func parseBase(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be parsed", ErrBaseURL)
	}
	_, queryErr := url.ParseQuery(u.RawQuery)
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w: it must begin with https:// or http://", ErrBaseURL)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%w: it names no host", ErrBaseURL)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it must not hold a user name or password", ErrBaseURL)
	case queryErr != nil: // URL.Query would leave out what it cannot parse
		return nil, fmt.Errorf("%w: its query cannot be parsed", ErrBaseURL)
	case namesThread(u.Path):
		return nil, fmt.Errorf("%w: it must end before /threads", ErrBaseURL)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// namesThread reports whether path goes on where a base URL ends: with
// /threads, a thread's id, or runs.
func namesThread(path string) bool {
	path = strings.ToLower(strings.TrimRight(path, "/")) + "/"
	i := strings.LastIndex(path, "/threads/")
	if i < 0 {
		return false
	}
	rest := path[i+len("/threads"):]
	return rest == "/" || strings.HasPrefix(rest, "/thread_") || strings.Contains(rest, "/runs/")
}
