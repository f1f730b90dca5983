package runsapi

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// The client without a network: what it adds to the HTTP request.

func BenchmarkGetRun(b *testing.B) {
	body, err := os.ReadFile("testdata/run_openai.json")
	if err != nil {
		b.Fatal(err)
	}
	c := direct(b, func(*http.Request) *http.Response { return response(200, body) })
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.GetRun(b.Context(), "thread_abc123", "run_abc123"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListRuns100(b *testing.B) {
	run, err := os.ReadFile("testdata/run_openai.json")
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"object":"list","data":[` + strings.Repeat(string(run)+",", 99) + string(run) + `],"last_id":"x","has_more":false}`)
	c := direct(b, func(*http.Request) *http.Response { return response(200, body) })
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.ListRuns(b.Context(), "thread_abc123", ListParams{Limit: 100, Order: "asc"}); err != nil {
			b.Fatal(err)
		}
	}
}
