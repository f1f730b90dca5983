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
	AuthAPIKey = "api-key" // api-key: KEY, for Azure
	AuthNone   = "none"    // no key is sent
)

// Config says which server to call, and how. Two things are required: BaseURL and, unless
// BaseURL is on this machine or Auth is AuthNone, a credential.
type Config struct {
	// BaseURL is the URL up to /threads, such as https://api.openai.com/v1. Its query is
	// sent with every request.
	BaseURL string
	// Auth is AuthBearer, AuthAPIKey or AuthNone. Empty means AuthBearer.
	Auth string
	// APIKey is sent as Auth says. Empty means that there is no key.
	APIKey string
	// KeyFile, if set, is a file whose first line is the key. It is read for each call,
	// and again when its key was refused. It takes precedence over APIKey.
	KeyFile string
	// KeyCommand, if set, is a shell command that prints the key. It runs at the first
	// call, and again when the key is 45 minutes old or was refused. It takes precedence
	// over KeyFile.
	KeyCommand string
	// Organization and Project become the OpenAI-Organization and
	// OpenAI-Project headers.
	Organization, Project string
	// Portkey becomes the x-portkey-… headers. They are never sent to openai.com, to
	// azure.com, or to a host below these.
	Portkey Portkey
	// Header is sent with every request. It takes precedence over all of the above.
	Header http.Header
	// Query is sent with every request. It takes precedence over BaseURL's query.
	Query url.Values
	// AllowHTTP allows sending a credential over plain http to another machine.
	AllowHTTP bool
	// Timeout limits one HTTP attempt, including the reading of the body; 0 means no
	// limit.
	Timeout time.Duration
	// MaxRetries is how often a failed attempt is repeated; 0 means never.
	MaxRetries int
	// UserAgent is the User-Agent header. If it is empty, net/http sends its own.
	UserAgent string
	// Transport sends the requests. Nil means a transport that keeps connections alive
	// and honours HTTP_PROXY, HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE.
	Transport http.RoundTripper
	// Log gets a debug line for each request, without query, bodies and secrets. Nil
	// means no log.
	Log *slog.Logger
}

// Portkey holds the values of the x-portkey-… headers for the Portkey gateway
// (https://portkey.ai/docs/api-reference/inference-api/headers).
type Portkey struct{ APIKey, VirtualKey, Provider, Config string }

// New refuses a Config with one of these errors, with a [*KeyError], or with an error
// that names the field at fault. No error of New shows a value, because it may be secret.
var (
	ErrBaseURL      = errors.New("invalid base URL")
	ErrPlainHTTP    = errors.New("plain http would send the credential in the clear")
	ErrNoCredential = errors.New("no API key")
)

// New returns a Client for cfg. It reads the key file, but it does not open a connection
// or run the key command yet.
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
		return nil, errors.New("auth is not one of bearer, api-key, none")
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
		transport = newTransport(c.Redact)
	}
	c.http = &http.Client{
		Transport: bodyReader{transport, cfg.Timeout, c.memory},
		// A redirect is not followed, because that could send the key to another server.
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

// setHeader sets the headers of every request, and where a key that may change comes
// from. It returns the credentials among the headers.
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

// setKey takes the key from the configured source that takes precedence, and returns
// which one that is.
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

// parseBase parses a base URL and checks it. Unlike those of net/url, its errors do not
// show the URL.
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
	case queryErr != nil: // URL.Query would drop what it cannot parse
		return nil, fmt.Errorf("%w: its query cannot be parsed", ErrBaseURL)
	case namesThread(u.Path):
		return nil, fmt.Errorf("%w: it must end before /threads", ErrBaseURL)
	}
	u.Host = strings.ToLower(u.Host) // net/http uses no proxy for this machine, but knows it only as localhost in lower case
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// namesThread reports whether path goes on after the end of a base URL: with /threads, a
// thread's id, or runs.
func namesThread(path string) bool {
	path = strings.ToLower(strings.TrimRight(path, "/")) + "/"
	i := strings.LastIndex(path, "/threads/")
	if i < 0 {
		return false
	}
	rest := path[i+len("/threads"):]
	return rest == "/" || strings.HasPrefix(rest, "/thread_") || strings.Contains(rest, "/runs/")
}
