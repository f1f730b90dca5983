package runsapi_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"runs-mcp/runsapi"
	"runs-mcp/runsapi/sandbox"
)

func ExampleClient_Pages() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client, err := runsapi.New(runsapi.Config{
		BaseURL:   "http://localhost/v1",
		Transport: sandbox.Transport(ctx, sandbox.New()), // without it, the server at BaseURL is asked
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for page, err := range client.Pages(ctx, sandbox.LongThread, runsapi.ListParams{Limit: 100, Order: "asc"}, false) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(page.Data), "runs, more:", page.HasMore())
	}
	// Output:
	// 100 runs, more: true
	// 100 runs, more: true
	// 50 runs, more: false
}

func ExampleClient_Poll() {
	statuses := []string{"queued", "in_progress", "completed"}
	api := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("openai-poll-after-ms", "100") // a server without it is asked about once a second
		fmt.Fprintf(w, `{"id":"run_1","status":%q}`, statuses[0])
		statuses = statuses[1:]
	})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client, err := runsapi.New(runsapi.Config{BaseURL: "http://localhost/v1", Transport: sandbox.Transport(ctx, api)})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for run, err := range client.Poll(ctx, "thread_1", "run_1", runsapi.Run{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(run.Status)
		if runsapi.Terminal(run.Status) {
			break
		}
	}
	// Output:
	// queued
	// in_progress
	// completed
}
