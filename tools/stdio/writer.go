package stdio

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"sync"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
)

// writer writes the answers and notifications of requests, a line each.
type writer struct {
	mu      sync.Mutex
	waiting atomic.Int32 // writers that want mu
	w       *bufio.Writer
	broken  chan struct{} // closed once err is set
	err     error
}

func newWriter(out io.Writer) *writer {
	return &writer{w: bufio.NewWriterSize(out, 64<<10), broken: make(chan struct{})}
}

// line writes one line for r, unless r is cancelled: the check and the writing
// are one step, so that nothing follows what was answered after a cancellation.
func (w *writer) line(r *request, write func()) {
	w.waiting.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting.Add(-1)
	if !r.cancelled.Load() {
		write()
		w.w.WriteByte('\n')
	}
	// Whoever waits will flush for both: many answers go out in one write.
	if w.waiting.Load() > 0 || w.err != nil {
		return
	}
	if w.err = w.w.Flush(); w.err != nil {
		close(w.broken)
	}
}

// answer writes result, or fault if there is one, as the answer to r.
func (w *writer) answer(r *request, result any, fault *mcp.JSONRPCErrorDetails) {
	if fault != nil {
		w.fail(r, fault)
		return
	}
	if result, ok := result.(toolResult); ok {
		w.line(r, func() {
			w.head(r, `"result":`)
			w.toolResult(result)
			w.w.WriteByte('}')
		})
		return
	}
	body, err := encode(result)
	if err != nil {
		w.fail(r, refuse(mcp.INTERNAL_ERROR, "internal error: the answer cannot be encoded"))
		return
	}
	w.line(r, func() {
		w.head(r, `"result":`)
		w.w.Write(body)
		w.w.WriteByte('}')
	})
}

func (w *writer) fail(r *request, fault *mcp.JSONRPCErrorDetails) {
	body, err := encode(fault)
	if err != nil {
		body = []byte(`{"code":-32603,"message":"internal error"}`)
	}
	w.line(r, func() {
		w.head(r, `"error":`)
		w.w.Write(body)
		w.w.WriteByte('}')
	})
}

// notify writes a notification of r's call.
func (w *writer) notify(r *request, method mcp.MCPMethod, params map[string]any) {
	body, err := encode(struct {
		JSONRPC string         `json:"jsonrpc"`
		Method  mcp.MCPMethod  `json:"method"`
		Params  map[string]any `json:"params"`
	}{mcp.JSONRPC_VERSION, method, params})
	if err == nil {
		w.line(r, func() { w.w.Write(body) })
	}
}

// head writes an answer up to the value of its last member.
func (w *writer) head(r *request, member string) {
	w.w.WriteString(`{"jsonrpc":"2.0","id":`)
	w.w.WriteString(cmp.Or(r.id, "null"))
	w.w.WriteByte(',')
	w.w.WriteString(member)
}

// toolResult is a Result, and what the protocol version adds to it.
type toolResult struct {
	*Result
	modern bool // 2026-07-28
	info   mcp.Implementation
}

func (w *writer) toolResult(r toolResult) {
	w.w.WriteString(`{"content":[`)
	if r.JSON != nil {
		w.text(r.JSON...)
		w.w.WriteString(`],"structuredContent":`)
		for _, piece := range r.JSON {
			w.w.WriteString(piece)
		}
	} else {
		w.text(r.Text)
		w.w.WriteByte(']')
	}
	if r.IsError {
		w.w.WriteString(`,"isError":true`)
	}
	if r.modern {
		var meta mcp.Result
		meta.EnsureResultMeta().SetServerInfo(r.info)
		if b, err := encode(meta.Meta); err == nil {
			w.w.WriteString(`,"resultType":"complete","_meta":`)
			w.w.Write(b)
		}
	}
	w.w.WriteByte('}')
}

// encode is json.Marshal without escaping <, > and &.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// text writes a text block.
func (w *writer) text(pieces ...string) {
	w.w.WriteString(`{"type":"text","text":"`)
	for _, piece := range pieces {
		writeEscaped(w.w, piece)
	}
	w.w.WriteString(`"}`)
}

// writeEscaped writes s, which is valid UTF-8, as the inside of a JSON string.
func writeEscaped(w *bufio.Writer, s string) {
	const hex = "0123456789abcdef"
	for len(s) > 0 {
		part := s[:min(len(s), 16<<10)]
		s = s[len(part):]
		if w.Available() < 2*len(part) {
			w.Flush()
		}
		b := w.AvailableBuffer()
		start := 0
		for i := range len(part) {
			c := part[i]
			if c >= ' ' && c != '"' && c != '\\' {
				continue
			}
			b = append(b, part[start:i]...)
			start = i + 1
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
		}
		w.Write(append(b, part[start:]...))
	}
}
