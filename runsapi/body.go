package runsapi

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// How much of a body is read: a success over its limit is an error, of an error
// body the rest is dropped.
const (
	maxBody      = 64 << 20
	maxErrorBody = 1 << 20
	margin       = 16 << 10 // read past a cut, so that a secret straddling it is redacted whole
)

var (
	errTooLarge = fmt.Errorf("%w: it is larger than %d MiB", ErrTooLarge, maxBody>>20)
	errNoRoom   = errors.New("the answers to other calls take all memory that there is for them, and no room came in time")
)

// bodyReader is an [http.RoundTripper] that reads the body within the attempt: a
// reset in mid-body is then a failed attempt like any other, the time limit
// covers the body too, and no path is left on which a body stays open.
type bodyReader struct {
	next    http.RoundTripper
	timeout time.Duration // of one attempt; 0 is none
	memory  *memory
}

func (b bodyReader) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := req.Context(), context.CancelFunc(nil)
	if b.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, b.timeout)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	defer cancel()
	a := &attempt{Context: ctx}
	resp, err := b.read(req.WithContext(a))
	switch {
	case err == nil:
		a.answered.Store(true)
	case ctx.Err() != nil && req.Context().Err() == nil && !errors.Is(err, errNoRoom):
		err = fmt.Errorf("%w: none within %s", ErrTimeout, b.timeout)
	}
	return resp, err
}

func (b bodyReader) read(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 {
		return nil, fmt.Errorf("HTTP %d is no answer to this request", resp.StatusCode)
	}
	if location := resp.Header.Get("Location"); location != "" {
		if _, err := req.URL.Parse(location); err != nil {
			resp.Header.Del("Location") // net/http would make an error of it that holds the whole URL
		}
	}
	limit := maxBody
	if !success(resp.StatusCode) {
		limit = maxErrorBody
	}
	h, ok := req.Context().Value(holderKey{}).(*holder)
	if !ok {
		h = &holder{memory: b.memory, begin: req.Context()}
	}
	body := &body{holder: h}
	if err := body.readFrom(req.Context(), decompress(resp), limit+margin); err != nil {
		body.Close()
		return nil, bodyError(err)
	}
	if len(body.Bytes()) > limit && limit == maxBody {
		body.Close()
		return nil, errTooLarge
	}
	resp.Body = body
	return resp, nil
}

// decompress returns the body as it was before gzip or deflate. It goes by the
// first bytes rather than by the Content-Encoding, which some servers and
// proxies set wrongly: no JSON and no text begins as those do.
func decompress(resp *http.Response) io.Reader {
	r := bufio.NewReaderSize(resp.Body, 16)
	switch first, _ := r.Peek(2); {
	case len(first) < 2:
	case first[0] == 0x1f && first[1] == 0x8b:
		if z, err := gzip.NewReader(r); err == nil {
			return z
		}
	case !strings.EqualFold(resp.Header.Get("Content-Encoding"), "deflate"):
	case first[0]&0x0f == 8 && (uint(first[0])<<8+uint(first[1]))%31 == 0:
		if z, err := zlib.NewReader(r); err == nil {
			return z
		}
	case first[0] != '{' && first[0] != '[':
		return flate.NewReader(r) // some send deflate without the zlib header
	}
	return r
}

// body is a body that is in memory. Its first chunk is not counted: with 1,024
// calls in flight those are 64 MiB at most.
type body struct {
	first  *[chunkSize]byte // pooled; nil after Close
	n      int              // bytes in first
	whole  []byte           // a body of more than one chunk
	holder *holder
	held   int // bytes of the memory budget
}

const chunkSize = 64 << 10

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// readFrom reads r to its end, or up to limit bytes. It reads in chunks, so that
// memory follows the bytes that came and not the length that a header claims.
func (b *body) readFrom(ctx context.Context, r io.Reader, limit int) error {
	b.first = chunks.Get().(*[chunkSize]byte)
	n, err := fill(r, b.first[:])
	b.n = n
	more := []*[chunkSize]byte{b.first}
	for size := n; err == nil && size < limit; size += n {
		if err := b.holder.grow(ctx, chunkSize); err != nil {
			b.recycle(more[1:])
			return err
		}
		b.held += chunkSize
		chunk := chunks.Get().(*[chunkSize]byte)
		more = append(more, chunk)
		n, err = fill(r, chunk[:min(chunkSize, limit-size)])
	}
	if err != nil && err != io.EOF {
		b.recycle(more[1:])
		return err
	}
	if len(more) > 1 {
		b.join(more, (len(more)-1)*chunkSize+n)
	}
	return nil
}

// fill reads until p is full, which is no error, or r ends.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = r.Read(p[n:])
		n += more
	}
	if n == len(p) {
		err = nil
	}
	return n, err
}

// join makes one piece of size bytes of the chunks. Only one large body is joined
// at a time, as it takes its memory twice.
func (b *body) join(parts []*[chunkSize]byte, size int) {
	if size > 1<<20 {
		b.holder.memory.joining.Lock()
		defer b.holder.memory.joining.Unlock()
	}
	b.whole = make([]byte, 0, size)
	for _, part := range parts {
		b.whole = append(b.whole, part[:min(chunkSize, size-len(b.whole))]...)
	}
	b.first = nil
	b.recycle(parts)
}

func (b *body) recycle(parts []*[chunkSize]byte) {
	for _, part := range parts {
		chunks.Put(part)
	}
}

// Bytes returns the body. It is valid until Close.
func (b *body) Bytes() []byte {
	if b.whole != nil {
		return b.whole
	}
	return b.first[:b.n]
}

// document is the body of a 2xx answer: normalized JSON or, where it is none, its
// beginning.
type document struct {
	text     string
	isJSON   bool
	cutShort bool // it is the beginning of JSON
	deep     bool // nested deeper than MaxDepth
	size     int  // of the body, in bytes
	held     int  // bytes of text that the memory budget counts
}

// decode returns what is in the body, and closes it.
func (b *body) decode() document {
	defer b.Close()
	d := document{size: len(b.Bytes())}
	text, depth, ok := normalize(b.Bytes())
	if !ok {
		d.cutShort = endsEarly(b.Bytes())
		d.text = string(b.Bytes()[:min(d.size, maxText+margin)])
		return d
	}
	d.isJSON, d.deep = true, depth > MaxDepth
	if b.whole == nil {
		d.text = string(text)
		return d
	}
	d.text = unsafe.String(unsafe.SliceData(text), len(text)) // nothing else refers to the bytes
	d.held, b.held = b.held, 0
	return d
}

// Read is for net/http: there is nothing left to read.
func (b *body) Read([]byte) (int, error) { return 0, io.EOF }

// Close gives the memory back.
func (b *body) Close() error {
	if b.first != nil {
		chunks.Put(b.first)
	}
	if b.held > 0 {
		b.holder.shrink(b.held)
	}
	b.first, b.whole, b.n, b.held = nil, nil, 0, 0
	return nil
}

func success(status int) bool { return status >= 200 && status < 300 }
