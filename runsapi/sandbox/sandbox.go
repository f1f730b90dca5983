// Package sandbox is an in-memory Runs API, with the paths, query rules, errors and cursors
// of the real one. Once a run has been retrieved, its status changes with the clock, and so
// do its steps. The package serves --sandbox and the tests of the whole program;
// [API.Fault] lets a test break an answer.
//
// It starts with two threads: [DemoThread] has a run in each of the nine statuses,
// [LongThread] has 250 runs.
package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// These are the times that a run spends in a status. They count from when the run is first
// retrieved by get, or from when it is asked to be cancelled.
const (
	queuedFor     = time.Second
	inProgressFor = 2 * time.Second
	cancellingFor = time.Second
)

// API is an [http.Handler] that serves the Runs API, both at / and at /v1.
type API struct {
	mu      sync.Mutex
	threads map[string][]*run // oldest first
	faults  []http.HandlerFunc
	mux     *http.ServeMux
}

// New returns an API with the two threads. Their runs were created shortly before now.
func New() *API {
	a := &API{threads: seed(time.Now()), mux: http.NewServeMux()}
	for _, prefix := range []string{"", "/v1"} {
		a.mux.HandleFunc("GET "+prefix+"/threads/{thread}/runs", a.list)
		a.mux.HandleFunc("GET "+prefix+"/threads/{thread}/runs/{run}", a.get)
		a.mux.HandleFunc("POST "+prefix+"/threads/{thread}/runs/{run}/cancel", a.cancel)
		a.mux.HandleFunc("GET "+prefix+"/threads/{thread}/runs/{run}/steps", a.listSteps)
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, apiError{Message: fmt.Sprintf("Invalid URL (%s %s)", r.Method, r.URL.Path)})
	})
	return a
}

// Fault makes each of fs answer one of the next requests instead of the API, in order.
func (a *API) Fault(fs ...http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, fs...)
}

// ServeHTTP answers a request as the Runs API would, or with a fault.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	var fault http.HandlerFunc
	if len(a.faults) > 0 {
		fault, a.faults = a.faults[0], a.faults[1:]
	}
	a.mu.Unlock()
	switch {
	case fault != nil:
		fault(w, r)
	case r.Header.Get("OpenAI-Beta") != "assistants=v2":
		fail(w, http.StatusBadRequest, apiError{Code: new("invalid_beta"),
			Message: "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try again by setting the header 'OpenAI-Beta: assistants=v2'."})
	default:
		a.mux.ServeHTTP(w, r)
	}
}

func (a *API) get(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if run := a.run(w, r); run != nil {
		run.watch()
		send(w, http.StatusOK, run)
	}
}

func (a *API) cancel(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	run := a.run(w, r)
	if run == nil {
		return
	}
	switch run.advance(); run.Status {
	case "queued", "in_progress", "requires_action":
		run.Status, run.RequiredAction = "cancelling", nil
		run.since = time.Now()
		send(w, http.StatusOK, run)
	default:
		fail(w, http.StatusBadRequest, apiError{Message: fmt.Sprintf("Cannot cancel run with status '%s'.", run.Status)})
	}
}

func (a *API) list(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	runs := a.thread(w, r)
	if runs == nil {
		return
	}
	for _, run := range runs {
		run.advance()
	}
	sendPage(w, r, runs, "run")
}

func (a *API) listSteps(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if run := a.run(w, r); run != nil {
		run.advance()
		sendPage(w, r, run.steps(), "run step")
	}
}

// thread returns the runs of the thread that the path names. If there is none, it sends an
// error and returns nil.
func (a *API) thread(w http.ResponseWriter, r *http.Request) []*run {
	id := r.PathValue("thread")
	runs, ok := a.threads[id]
	if !ok {
		fail(w, http.StatusNotFound, apiError{Message: fmt.Sprintf("No thread found with id '%s'.", id)})
	}
	return runs
}

// run returns the run that the path names. If there is none, it sends an error and returns
// nil.
func (a *API) run(w http.ResponseWriter, r *http.Request) *run {
	runs := a.thread(w, r)
	if runs == nil {
		return nil
	}
	i := find(w, runs, "run", r.PathValue("run"))
	if i < 0 {
		return nil
	}
	return runs[i]
}

// apiError is the API's error object.
type apiError struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

// fail sends an error in the API's form.
func fail(w http.ResponseWriter, status int, e apiError) {
	e.Type = "invalid_request_error"
	send(w, status, map[string]apiError{"error": e})
}

// send sends v as JSON.
func send(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ") // as the API does
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-Id", fmt.Sprintf("req_%x", time.Now().UnixNano()))
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
