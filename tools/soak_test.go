package tools_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"runs-mcp/runsapi/sandbox"
)

// usage is what Linux tells of a process: RSS and its peak in KiB, open files.
func (s *session) usage(t *testing.T) (rss, peak, files int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	field := func(name string) int {
		_, rest, _ := strings.Cut(string(raw), name+":")
		n, _ := strconv.Atoi(strings.Fields(rest)[0])
		return n
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return field("VmRSS"), field("VmHWM"), len(open)
}

func TestMemoryIsBounded(t *testing.T) {
	if strings.Contains(os.Getenv("GOFLAGS"), "-race") {
		t.Skip("the race detector takes its own memory")
	}
	release := make(chan any)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		io.WriteString(w, `{"id":"r","status":"s"}`)
	}))
	defer h.Close()

	// A line without end is skipped as it is read.
	s := start(t, "--api-base", h.URL)
	for range 200 {
		s.in.Write(bytes.Repeat([]byte("x"), 1<<20))
	}
	io.WriteString(s.in, "\n"+`{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n")
	if a := s.read(t); a.Get("error.code").Int() != -32600 {
		t.Error(a.Raw)
	}
	if a := s.read(t); a.Get("id").Raw != "1" {
		t.Error(a.Raw)
	}
	if _, peak, _ := s.usage(t); peak > 64<<10 {
		t.Errorf("a line of 200 MiB took %d MiB", peak>>10)
	}

	// A flood of calls waits in the queue, and beyond that in the pipe.
	const calls = 100_000
	go func() {
		for i := range calls {
			fmt.Fprintf(s.in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"get_run","arguments":{"thread_id":"t","run_id":"%0200d"}}}`+"\n", i+2, i)
		}
		io.WriteString(s.in, `{"jsonrpc":"2.0","id":"p","method":"ping"}`+"\n")
	}()
	if a := s.read(t); a.Get("id").Str != "p" {
		t.Error(a.Raw)
	}
	if rss, _, _ := s.usage(t); rss > 200<<10 {
		t.Errorf("%d calls in hand take %d MiB", calls, rss>>10)
	}
	s.Process.Kill()
	s.Wait()
	close(release)
}

// TestSoak is run by hand, for minutes: RUNS_MCP_SOAK=5m go test ./tools -run TestSoak -v -timeout 0
// It mixes good calls, bad input, faults, waits and cancellations, and compares
// memory and open files at the end with those after the first fifth.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("RUNS_MCP_SOAK"))
	if err != nil {
		t.Skip("set RUNS_MCP_SOAK to a duration")
	}
	api := sandbox.New()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch rand.IntN(50) {
		case 0:
			w.Header().Set("Retry-After-Ms", "5")
			w.WriteHeader(503)
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			select {
			case <-time.After(200 * time.Millisecond):
			case <-r.Context().Done():
			}
			fallthrough
		default:
			api.ServeHTTP(w, r)
		}
	}))
	defer h.Close()
	s := (&session{Cmd: limitedProgram(t, long+time.Minute, nil, "--api-base", h.URL, "--timeout", "2s")}).start(t)

	const width = 64
	var mu sync.Mutex
	answered := map[string]chan any{}
	go func() {
		for {
			line, err := s.out.ReadString('\n')
			if err != nil {
				return
			}
			mu.Lock()
			if c := answered[gjson.Get(line, "id").Raw]; c != nil && !gjson.Get(line, "method").Exists() {
				close(c)
				delete(answered, gjson.Get(line, "id").Raw)
			}
			mu.Unlock()
		}
	}()
	var write sync.Mutex
	send := func(line string) {
		write.Lock()
		defer write.Unlock()
		io.WriteString(s.in, line+"\n")
	}
	requests := []string{
		`{"name":"get_run","arguments":{"thread_id":"thread_demo","run_id":"run_completed"}}`,
		`{"name":"get_run","arguments":{"thread_id":"thread_demo","run_id":"run_queued","wait":true,"timeout_sec":1},"_meta":{"progressToken":1}}`,
		`{"name":"get_run","arguments":{"thread_id":"thread_demo","run_id":"../x"}}`,
		`{"name":"list_runs","arguments":{"thread_id":"thread_long","limit":100}}`,
		`{"name":"list_runs","arguments":{"thread_id":"thread_long","status":["failed"],"all":true},"_meta":{"progressToken":"p"}}`,
		`{"name":"cancel_run","arguments":{"thread_id":"thread_demo","run_id":"run_in_progress","wait":true,"timeout_sec":2}}`,
		`{"name":"cancel_run","arguments":{"thread_id":"thread_none","run_id":"run_in_progress","force":true}}`,
		`{"name":"nope"}`,
	}
	end := time.Now().Add(long)
	var wg sync.WaitGroup
	var calls int
	for worker := range width {
		wg.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				id := fmt.Sprintf(`"%d-%d"`, worker, i)
				c := make(chan any)
				mu.Lock()
				answered[id] = c
				calls++
				mu.Unlock()
				send(`{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":` + requests[rand.IntN(len(requests))] + `}`)
				switch rand.IntN(10) {
				case 0:
					send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`)
					mu.Lock()
					delete(answered, id)
					mu.Unlock()
					continue
				case 1:
					send(`{"jsonrpc":"2.0","id":`)
				}
				select {
				case <-c:
				case <-time.After(30 * time.Second):
					t.Errorf("%s was not answered", id)
					return
				}
			}
		})
	}
	time.Sleep(long / 5)
	rss, _, files := s.usage(t)
	wg.Wait()
	endRSS, peak, endFiles := s.usage(t)
	t.Logf("%d calls in %s; after a fifth of it RSS %d KiB and %d files, at the end %d KiB and %d files, peak %d KiB", calls, long, rss, files, endRSS, endFiles, peak)
	if float64(endRSS) > 1.1*float64(rss) || float64(endFiles) > 1.1*float64(files)+2 {
		t.Error("it grows")
	}
	s.in.Close()
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
}
