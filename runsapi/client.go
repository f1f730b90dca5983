// Package runsapi is a thin client of the Runs API of the OpenAI Assistants
// protocol: it gets, lists and cancels the runs of a thread, on whatever server
// speaks /threads/{thread_id}/runs.
//
// Answers stay the JSON that the server sent ([Run.RawJSON]): only white space
// between tokens is taken out, and invalid UTF-8 becomes U+FFFD. Failures are
// an [*Error], or an [*ArgumentError] for an id that was never sent. Each call
// retries what is worth retrying (see [Config.MaxRetries]) and ends as soon as
// its context does.
package runsapi

import (
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
)

// Client calls the Runs API. It is safe for concurrent use.
type Client struct {
	base        *url.URL
	query       url.Values
	header      http.Header
	keyHeader   string // the header for a key from keys
	keyPrefix   string
	keys        keySource // nil if the key never changes, or there is none
	redactor    redactor
	withKeys    atomic.Pointer[keyedRedactor] // redactor, and the keys of keys
	credentials []Credential
	http        *http.Client
	maxRetries  int
	log         *slog.Logger
	memory      *memory
}

// Close ends the key command and all that it started, if it still runs. Calls
// that need a new key fail from then on.
func (c *Client) Close() {
	if command, ok := c.keys.(*keyCommand); ok {
		command.close()
	}
}

// BaseURL is where c calls, without the query.
func (c *Client) BaseURL() string { return c.base.String() }

// SendsQuery reports whether c sends a query parameter of that name with every
// request.
func (c *Client) SendsQuery(name string) bool { return c.query.Has(name) }
