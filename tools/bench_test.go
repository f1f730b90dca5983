package tools_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"runs-mcp/runsapi"
	"runs-mcp/tools"
	"runs-mcp/tools/stdio"
)

// A Run of about 2 KB, as the API sends it.
func aRun(b *testing.B) string {
	run, err := os.ReadFile("../runsapi/testdata/run_openai.json")
	if err != nil {
		b.Fatal(err)
	}
	return strings.Replace(string(run), "Look the order up", strings.Repeat("Look the \\\"order\\\" up. ", 45), 1)
}

// api serves body on a socket, and counts the connections opened.
func api(b *testing.B, body string) (base string, opened func() int) {
	n := 0
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body)
	}))
	h.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			n++
		}
	}
	h.Start()
	b.Cleanup(h.Close)
	return h.URL, func() int { return n }
}

// pipe starts the tools behind the transport, on pipes of the system.
func pipe(b *testing.B, base string) (in *os.File, out *bufio.Reader) {
	c, err := runsapi.New(runsapi.Config{BaseURL: base, APIKey: "k"})
	if err != nil {
		b.Fatal(err)
	}
	t := tools.New(c, tools.Options{})
	s := stdio.Server{ListTools: t.List, CallTool: t.Call, Log: slog.New(slog.DiscardHandler)}
	stdin, in, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	r, stdout, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	go stdio.Serve(b.Context(), s, stdin, stdout)
	b.Cleanup(func() { in.Close() })
	return in, bufio.NewReaderSize(r, 1<<20)
}

func line(b *testing.B, out *bufio.Reader) {
	for {
		part, err := out.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil || len(part) == 0 {
			b.Fatal(err)
		}
		return
	}
}

const benchCall = `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{"thread_id":"thread_abc123","run_id":"run_abc123"}}}` + "\n"

// BenchmarkGetRun sets a whole tools/call beside the HTTP request inside it.
// Compare the two: the machine and its noise are the same for both.
func BenchmarkGetRun(b *testing.B) {
	base, _ := api(b, aRun(b))
	b.Run("http", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			resp, err := http.Get(base + "/threads/thread_abc123/runs/run_abc123")
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	b.Run("tools-call", func(b *testing.B) {
		in, out := pipe(b, base)
		b.ReportAllocs()
		id := 0
		for b.Loop() {
			id++
			fmt.Fprintf(in, benchCall, id, "get_run")
			line(b, out)
		}
	})
	b.Run("tools-call-64-in-flight", func(b *testing.B) {
		in, out := pipe(b, base)
		b.ReportAllocs()
		id, answered := 0, 0
		for b.Loop() {
			id++
			fmt.Fprintf(in, benchCall, id, "get_run")
			if id-answered == 64 {
				line(b, out)
				answered++
			}
		}
		for ; answered < id; answered++ {
			line(b, out)
		}
	})
}

// BenchmarkListRuns is a page of 100 runs of 2 KB, whole and with the default fields.
func BenchmarkListRuns(b *testing.B) {
	run := aRun(b)
	base, _ := api(b, `{"object":"list","data":[`+strings.Repeat(run+",", 99)+run+`],"first_id":"a","last_id":"b","has_more":false}`)
	b.Run("http", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			resp, err := http.Get(base)
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	for name, fields := range map[string]string{"everything": `["*"]`, "default": `[]`, "status": `["status"]`} {
		b.Run(name, func(b *testing.B) {
			in, out := pipe(b, base)
			b.ReportAllocs()
			for b.Loop() {
				fmt.Fprintf(in, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_runs","arguments":{"thread_id":"t","limit":100,"fields":%s}}}`+"\n", fields)
				line(b, out)
			}
		})
	}
}

// BenchmarkListAll is list_runs with all, everything in the runs, beside the
// plain requests for the same pages: how the cost grows.
func BenchmarkListAll(b *testing.B) {
	run := aRun(b)
	pages := 0 // of 100 runs
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("after"))
		io.WriteString(w, `{"object":"list","data":[`+strings.Repeat(run+",", 99)+run+fmt.Sprintf(`],"first_id":"0","last_id":"%d","has_more":%t}`, n+1, n+1 < pages))
	}))
	b.Cleanup(h.Close)
	for _, pages = range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("http/%d", 100*pages), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for n := range pages {
					resp, err := http.Get(fmt.Sprint(h.URL, "?after=", n))
					if err != nil {
						b.Fatal(err)
					}
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}
		})
		b.Run(fmt.Sprintf("tools-call/%d", 100*pages), func(b *testing.B) {
			in, out := pipe(b, h.URL)
			b.ReportAllocs()
			for b.Loop() {
				io.WriteString(in, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_runs","arguments":{"thread_id":"t","all":true,"fields":["*"]}}}`+"\n")
				line(b, out)
			}
		})
	}
}
