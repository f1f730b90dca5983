package tools

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestANameThatARunLacksIsTakenForTheRunFieldThatItMeans(t *testing.T) {
	const run = `{"id":"r","status":"failed","last_error":{"message":"m"},"usage":null,"cancelled_at":1,"tools":[],"metadata":{},"incident":2,"in progress":3,"Model":4,"model":5}`
	for name, want := range map[string]string{
		"last_error":                          `"last_error":{"message":"m"}`,
		"lastError":                           `"last_error":{"message":"m"}`,
		"Last_Error":                          `"last_error":{"message":"m"}`,
		"last-error":                          `"last_error":{"message":"m"}`,
		"last error":                          `"last_error":{"message":"m"}`,
		"last_error.message":                  `"last_error":{"message":"m"}`,
		"last-error.message":                  `"last_error":{"message":"m"}`,
		"lastError.code":                      `"last_error":{"message":"m"}`,
		"$.last_error['message']":             `"last_error":{"message":"m"}`,
		"/last_error/message":                 `"last_error":{"message":"m"}`,
		"run.last_error":                      `"last_error":{"message":"m"}`,
		"data[0].last_error":                  `"last_error":{"message":"m"}`,
		"status last_error":                   `"last_error":{"message":"m"}`,
		"status\nlast_error.code\nlast_error": `"last_error":{"message":"m"}`,
		"last_error; usage":                   `"last_error":{"message":"m"},"usage":null`,
		"usage|lastError":                     `"last_error":{"message":"m"},"usage":null`,
		"canceled_at":                         `"cancelled_at":1`,
		"metadata.tools.usage":                `"metadata":{}`,
		"metadata[usage]":                     `"metadata":{}`,
		"incident":                            `"incident":2`,
		"in progress":                         `"in progress":3`,
		"Model":                               `"Model":4`,
		"model":                               `"model":5`,
		"MODEL":                               `"model":5`,
		"tool":                                ``,
		"at":                                  ``,
		"error":                               ``,
		"Incident":                            ``,
		"instructions":                        ``,
		"":                                    ``,
		".":                                   ``,
		"ID STATUS":                           ``,
	} {
		if want != "" {
			want = "," + want
		}
		want = `{"id":"r","status":"failed"` + want + `}`
		for _, list := range []bool{false, true} {
			var got strings.Builder
			newSelection([]string{name}, list).write(&got, run)
			if got.String() != want {
				t.Errorf("%q: got %s, want %s", name, got.String(), want)
			}
		}
	}
}

func TestARunsOwnFieldBeatsTheMeaningOfItsName(t *testing.T) {
	for _, tc := range []struct{ names, run, want string }{
		{"lastError", `{"lastError":1,"last_error":2}`, `{"lastError":1}`},
		{"lastError,last_error", `{"lastError":1,"last_error":2}`, `{"lastError":1,"last_error":2}`},
		{"lastError,Last_Error", `{"lastError":1,"last_error":2}`, `{"lastError":1,"last_error":2}`},
		{"lastError,lastError", `{"lastError":1,"last_error":2}`, `{"lastError":1}`},
		{"lastError", `{"last_error":2}`, `{"last_error":2}`},
		{"status model", `{"status model":1,"model":2}`, `{"status model":1}`},
		{"usage", `{"x":1}`, `{}`},
	} {
		var got strings.Builder
		newSelection(strings.Split(tc.names, ","), true).write(&got, tc.run)
		if got.String() != tc.want {
			t.Errorf("%s of %s: got %s, want %s", tc.names, tc.run, got.String(), tc.want)
		}
	}
}

// The bound is for a slow machine: names that were compared one by one would
// take a second and more.
func TestManyFieldsOfManyRuns(t *testing.T) {
	const run = `{"id":"run_1234","status":"queued","object01":1,"created2":2,"thread03":3,"assista4":4,"require5":5,"lasterr6":6,"expires7":7,"started8":8,"cancell9":9}`
	for name, form := range map[string]string{"unknown": "f%07d", "meanings": "usage.%d last_error"} {
		names := make([]string, 8000)
		for i := range names {
			names[i] = fmt.Sprintf(form, i)
		}
		least := time.Hour
		for range 3 {
			begin := time.Now()
			selected := newSelection(names, true)
			for range 2000 {
				var b strings.Builder
				selected.write(&b, run)
			}
			least = min(least, time.Since(begin))
		}
		if least > 250*time.Millisecond {
			t.Errorf("%s: %d names for 2,000 runs take %s", name, len(names), least)
		}
	}
}

func BenchmarkSelection(b *testing.B) {
	run, err := os.ReadFile("../runsapi/testdata/run_openai.json")
	if err != nil {
		b.Fatal(err)
	}
	compact := strings.NewReplacer("\n", "", "  ", "", ": ", ":", ", ", ",").Replace(string(run))
	for name, fields := range map[string][]string{"everything": {"*"}, "default": nil, "two": {"status", "usage"}, "other-spelling": {"lastError"}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(compact)))
			b.ReportAllocs()
			selected := newSelection(fields, true)
			for b.Loop() {
				var s strings.Builder
				selected.write(&s, compact)
			}
		})
	}
}
