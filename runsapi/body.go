package runsapi

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// These limits bound how many bytes of a body are read.
const (
	maxBody      = 64 << 20 // of a 2xx answer; a longer one is an error
	maxErrorBody = 1 << 20  // of any other answer; the rest of a longer one is dropped
	margin       = 16 << 10 // past either limit, so that a secret that straddles a cut is redacted whole
)

var errTooLarge = fmt.Errorf("%w: it is larger than %d MiB", ErrTooLarge, maxBody>>20)

// bodyReader is an [http.RoundTripper] that reads the whole body as part of the attempt.
// So a connection that is reset in the middle of a body is a failed attempt like any
// other, the time limit covers the body, and no code path leaves a body open.
type bodyReader struct {
	next    http.RoundTripper
	timeout time.Duration // of one attempt; 0 means no limit
	memory  *memory
}

// RoundTrip makes one attempt within the time limit.
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
	case ctx.Err() != nil && req.Context().Err() == nil && !errors.Is(err, ErrNoRoom):
		err = fmt.Errorf("%w: none within %s", ErrTimeout, b.timeout)
	}
	return resp, err
}

// read sends req and reads the answer.
func (b bodyReader) read(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 { // such as 101, after which no HTTP follows
		return nil, fmt.Errorf("%w: HTTP %d is no answer to this request", ErrHeaders, resp.StatusCode)
	}
	if location := resp.Header.Get("Location"); location != "" {
		if _, err := req.URL.Parse(location); err != nil {
			resp.Header.Del("Location") // else net/http fails with an error that shows the whole URL
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
	decompressed, err := decompress(resp)
	if err == nil {
		err = body.readFrom(req.Context(), decompressed, limit+margin)
	}
	if err != nil && limit == maxErrorBody && !errors.Is(err, ErrNoRoom) {
		// If the body came whole and only its compression is broken, its status still counts.
		if _, readErr := io.CopyN(io.Discard, resp.Body, maxErrorBody); readErr == io.EOF {
			body.Close()
			err = body.readFrom(req.Context(), http.NoBody, limit)
		}
	}
	if err != nil {
		body.Close()
		return nil, bodyError(err)
	}
	if len(body.Bytes()) > limit && limit == maxBody {
		body.Close()
		return nil, errTooLarge
	}
	io.CopyN(io.Discard, resp.Body, margin) // what follows compressed data; a connection is only reused after a body that was read to its end
	resp.Body = body
	return resp, nil
}

// decompress returns the body without gzip or deflate. It goes by the first bytes of the
// body rather than by Content-Encoding, which some servers and proxies set wrongly. No
// JSON and no text begins with the bytes that gzip begins with.
func decompress(resp *http.Response) (io.Reader, error) {
	r := bufio.NewReaderSize(resp.Body, 16)
	first, _ := r.Peek(16)
	if len(first) < 2 {
		return r, nil
	}
	switch {
	case bytes.HasPrefix(first, gzipMagic):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		return gzipMembers{z, r}, nil
	case first[0] == 'x' && (uint(first[0])<<8+uint(first[1]))%31 == 0 && !isText(first): // the header of zlib
		return zlib.NewReader(r)
	case resp.Header.Get("Content-Encoding") != "" && foreignEncoding(resp.Header) == "" && !isText(first):
		return flate.NewReader(r), nil // some send deflate without that header
	}
	return r, nil
}

var gzipMagic = []byte{0x1f, 0x8b}

// gzipMembers reads one gzip member after another. What follows the last one does not
// count: some servers add a line end.
type gzipMembers struct {
	*gzip.Reader
	r *bufio.Reader
}

func (m gzipMembers) Read(p []byte) (n int, err error) {
	n, err = m.Reader.Read(p)
	if next, _ := m.r.Peek(2); err == io.EOF && bytes.Equal(next, gzipMagic) {
		err = m.Reset(m.r)
		m.Multistream(false)
	}
	return n, err
}

// isText reports whether a text in UTF-8 may begin with first, which may end in the middle
// of a character.
func isText(first []byte) bool {
	for len(first) > 0 && utf8.FullRune(first) {
		r, size := utf8.DecodeRune(first)
		if r == utf8.RuneError || r < ' ' && !unicode.IsSpace(r) || r == 0x7f {
			return false
		}
		first = first[size:]
	}
	return true
}

// body is a body that has been read into memory. Its first chunk does not count toward
// the memory budget: those of 1,024 calls in flight take 64 MiB.
type body struct {
	first  *[chunkSize]byte // from the pool; nil after join and Close
	n      int              // how many bytes first holds
	whole  []byte           // the body, if it is longer than one chunk
	holder *holder
	held   int // how many bytes of the memory budget the body takes
}

const chunkSize = 64 << 10 // bytes

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// readFrom reads r to its end, or up to limit bytes. It reads in chunks, so that it takes
// memory for the bytes that arrive and not for the length that a header claims.
func (b *body) readFrom(ctx context.Context, r io.Reader, limit int) error {
	b.first = chunks.Get().(*[chunkSize]byte)
	n, err := fill(r, b.first[:])
	b.n = n
	more := []*[chunkSize]byte{b.first}
	for size := n; err == nil && size < limit; size += n {
		if err := b.holder.grow(ctx, chunkSize, true); err != nil {
			recycle(more[1:])
			return err
		}
		b.held += chunkSize
		chunk := chunks.Get().(*[chunkSize]byte)
		more = append(more, chunk)
		n, err = fill(r, chunk[:min(chunkSize, limit-size)])
	}
	if err != nil && err != io.EOF {
		recycle(more[1:])
		return err
	}
	if len(more) > 1 {
		b.join(more, (len(more)-1)*chunkSize+n)
	}
	return nil
}

// fill reads into p until p is full or r fails. The error is nil if p is full.
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

// join copies the chunks, which hold size bytes, into one piece of memory. A body takes
// its memory twice meanwhile, so only one large body is joined at a time.
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
	recycle(parts)
}

// recycle returns chunks to the pool.
func recycle(parts []*[chunkSize]byte) {
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

// document is the decoded body of a 2xx answer.
type document struct {
	text     string // normalized JSON, or the beginning of a body that is not JSON
	isJSON   bool
	cutShort bool // whether the body is the beginning of JSON
	deep     bool // whether it is nested deeper than MaxDepth
	size     int  // of the body as it came, in bytes
	held     int  // how many bytes of the memory budget text takes
}

// decode decodes the body, and closes it.
func (b *body) decode() document {
	defer b.Close()
	d := document{size: len(b.Bytes())}
	text, depth, ok := normalize(b.Bytes())
	if !ok {
		text = bytes.TrimPrefix(b.Bytes(), []byte("\ufeff"))
		d.cutShort = endsEarly(text)
		d.text = string(text[:min(len(text), maxText+margin)])
		return d
	}
	d.isJSON, d.deep = true, depth > MaxDepth
	if b.whole == nil {
		d.text = string(text)
		return d
	}
	d.text = unsafe.String(unsafe.SliceData(text), len(text)) // nothing else refers to these bytes
	d.held, b.held = b.held, 0
	return d
}

// Read returns io.EOF: the body has been read. It makes body an [io.ReadCloser], as
// net/http asks for.
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

// success reports whether status is 2xx.
func success(status int) bool { return status >= 200 && status < 300 }
