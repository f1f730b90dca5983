// Package runsapi is a thin client for the Runs API of the OpenAI Assistants protocol.
// It gets, lists and cancels the runs of a thread, on any server that serves
// /threads/{thread_id}/runs.
//
// Runs keep the JSON that the server sent ([Run.RawJSON]), unknown fields included,
// with these changes:
//   - White space between tokens is removed.
//   - Invalid UTF-8 and unpaired surrogates become U+FFFD.
//   - U+0085, U+2028 and U+2029 are escaped, because some clients take them for the
//     end of a line.
//   - Credentials that the server echoes become ***.
//
// A list may have fewer runs than the server sent, or another order: see
// [Client.ListRuns].
//
// # Errors
//
// No error shows a configured secret. The calls return these types:
//   - [*Error]: the server answered with an error or with something that is no answer
//     of the Runs API, or no answer came.
//   - [*ArgumentError]: an id or cursor was refused before any request was sent. Two of
//     them are joined by [errors.Join].
//   - [*KeyError]: the key file or key command gave no key.
//   - [*IgnoredError] and [ErrCursor]: the server pages in a way that leaves no correct
//     answer.
//   - [*WaitError]: [Client.Poll] failed after it had read the run.
//   - [*NotCancelledError]: the server did not cancel the run.
//   - [*AfterCancelError]: the server accepted the cancel, but a later step failed.
//
// The last three wrap the error that caused them, if there is one. A call whose context
// ends may also return the context's cause.
//
// Calls retry what may pass, up to [Config.MaxRetries] times, and return as soon as
// their context ends.
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
	keyHeader   string                        // the header for the key
	keyPrefix   string                        // what comes before the key in that header
	keys        keySource                     // nil if the key never changes, or there is none
	redactor    redactor                      // for the secrets in the configuration
	withKeys    atomic.Pointer[keyedRedactor] // also for the keys seen so far
	credentials []Credential
	http        *http.Client
	maxRetries  int
	log         *slog.Logger
	memory      *memory
}

// Close kills the key command, and the processes that it started, if it is running.
// After Close, calls that need a new key fail.
func (c *Client) Close() {
	if command, ok := c.keys.(*keyCommand); ok {
		command.close()
	}
}

// BaseURL returns the URL below which c calls /threads, without its query.
func (c *Client) BaseURL() string { return c.base.String() }

// SendsQuery reports whether c is configured to send a query parameter of that name
// with every request.
func (c *Client) SendsQuery(name string) bool { return c.query.Has(name) }

// UsesProxy reports whether c's requests go through a proxy that the environment
// names.
func (c *Client) UsesProxy() bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: c.base})
	return err == nil && proxy != nil
}
