package tools_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// odd writes random JSON, with white space wherever it may stand, and the same
// without.
type odd struct {
	*rand.Rand
	spaced, plain strings.Builder
}

func (o *odd) token(s string) {
	o.plain.WriteString(s)
	o.spaced.WriteString(s)
}

func (o *odd) space() {
	o.spaced.WriteString(strings.Repeat(string(" \t\n\r"[o.IntN(4)]), o.IntN(3)))
}

func (o *odd) text() {
	o.token(`"`)
	for range o.IntN(6) {
		parts := []string{"a", " ", "  \u2028", `\u2029`, `\"`, `\\`, `\/`, `\n`, `\ud83d\ude00`, "é", "\U0001F600", "<&>", "\x7f", "{", "]", ",", `\u0000`, "instructions"}
		o.token(parts[o.IntN(len(parts))])
	}
	o.token(`"`)
}

func (o *odd) value(depth int) {
	o.space()
	switch n := o.IntN(10); {
	case n < 2 && depth > 0:
		o.token("[")
		for i := range o.IntN(4) {
			if i > 0 {
				o.token(",")
			}
			o.value(depth - 1)
		}
		o.space()
		o.token("]")
	case n < 4 && depth > 0:
		o.object(depth - 1)
	case n < 7:
		numbers := []string{"0", "-0", "1.0", "1.50", "1e400", "-1E-400", "12345678901234567890", "0.1e+1", "9007199254740993"}
		o.token(numbers[o.IntN(len(numbers))])
	case n < 8:
		o.token([]string{"null", "true", "false"}[o.IntN(3)])
	default:
		o.text()
	}
	o.space()
}

func (o *odd) object(depth int, members ...string) {
	o.token("{")
	o.space()
	for i := range len(members) + o.IntN(5) {
		if i > 0 {
			o.token(",")
			o.space()
		}
		if i < len(members) {
			o.token(members[i])
			continue
		}
		keys := []string{`"tools"`, `"last_error"`, `"created_at"`, `"usage"`, `"\u0069nstructions"`, `""`, `"a b"`, `"x.y"`, `"data"`, `"object"`}
		o.token(keys[o.IntN(len(keys))])
		o.space()
		o.token(":")
		o.value(depth)
	}
	o.token("}")
}

// Any object with an id and a status comes through get_run true to the byte but
// for white space, and validates against the output schema.
func TestAnyRunComesThrough(t *testing.T) {
	var mu sync.Mutex
	body := ""
	h := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		answers(body)(w, r)
	}))
	output := outputSchema(t, h, "get_run")
	for seed := range uint64(2000) {
		o := &odd{Rand: rand.New(rand.NewPCG(seed, 1))}
		o.space()
		o.object(5, `"id":"r"`, `"status":"s"`)
		o.space()
		mu.Lock()
		body = o.spaced.String()
		mu.Unlock()
		if !json.Valid([]byte(body)) {
			t.Fatalf("seed %d made %s", seed, body)
		}
		got := h.good("get_run", `{"thread_id":"t","run_id":"r"}`)
		want := strings.NewReplacer("\u0085", `\u0085`, "\u2028", `\u2028`, "\u2029", `\u2029`).Replace(o.plain.String())
		if got != want {
			t.Fatalf("seed %d:\n got %s\nwant %s", seed, got, want)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(got))
		if err == nil {
			err = output.Validate(v)
		}
		if err != nil {
			t.Fatal(fmt.Errorf("seed %d: %s: %w", seed, got, err))
		}
	}
}
