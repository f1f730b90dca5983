package tools

import (
	"os"
	"strings"
	"testing"
)

func BenchmarkPick(b *testing.B) {
	run, err := os.ReadFile("../runsapi/testdata/run_openai.json")
	if err != nil {
		b.Fatal(err)
	}
	compact := strings.NewReplacer("\n", "", "  ", "", ": ", ":", ", ", ",").Replace(string(run))
	for name, fields := range map[string][]string{"everything": {"*"}, "default": nil, "two": {"status", "usage"}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(compact)))
			b.ReportAllocs()
			for b.Loop() {
				var s strings.Builder
				pickOfMany(&s, compact, fields)
			}
		})
	}
}
