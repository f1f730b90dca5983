package runsapi

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// A server that echoes a secret may escape it first, and a proxy may escape the
// result again, so the search for a secret has to see through any mix of escapes.
// It works in two steps.
//
// First, [spelledText.read] finds, for each byte at which an escape begins, all
// the readings of that escape: what it may stand for, and where it ends. It goes
// from the end of the text to its beginning, because an escape may be made of
// later escapes. In %252B, for example:
//
//	%252B
//	 ^^^^   no escape begins here
//	^       %25 reads as % and ends before 2B;
//	        that % and 2B then make %2B, which reads as + and ends after B
//
// The first byte thus has two readings, % and +. Each byte also stands for itself.
//
// Second, [spelledText.redact] tries to follow each secret from each byte at which
// one may begin: at every step it may take the byte itself or any of its readings
// ([spelledText.follow]). The secret a+b is thus found in a%252Bb.
//
// Secrets are compared in the form that [canonical] gives them.

// spelledText is a text in which each character may be spelled as an escape: as
// \u002B or \x2b in JSON and programming languages, as %2B in URLs, as &#43; or
// &plus; in HTML. The characters of an escape may be escaped in turn, in any mix
// and to any depth.
type spelledText struct {
	text string
	// first is, for each byte of text, the number of the first reading of the escape
	// that begins there. Readings are numbered from 1; 0 means that no escape begins
	// there. first is nil if the text has no escapes at all.
	first    []int32
	readings []reading
	last     int32 // the number of the last reading of the byte that is being read
}

// reading is one way to read an escape.
type reading struct {
	s    string // what the escape stands for
	end  int    // where the escape ends
	next int32  // the number of the next reading of the same escape; 0 if there is none
}

// These limits bound the work.
const (
	maxReadings    = 16 // how many readings of one escape are kept
	maxBackslashes = 16 // how many backslashes are skipped before one character
)

// read finds the readings of the escapes in text.
func (t *spelledText) read(text string) {
	t.text, t.readings = text, t.readings[:0]
	if !strings.ContainsAny(text, `\%&`) {
		t.first = nil
		return
	}
	if cap(t.first) < len(text)+1 {
		t.first = make([]int32, len(text)+1)
	}
	t.first = t.first[:len(text)+1]
	clear(t.first)
	for p := len(text) - 1; p >= 0; p-- {
		if !isIntroducer(text[p]) {
			continue
		}
		t.last = 0
		t.escape(p, text[p], p+1)
		for r := range t.readingsAt(p) { // and of those that are being added
			if len(r.s) == 1 && isIntroducer(r.s[0]) {
				t.escape(p, r.s[0], r.end)
			}
		}
	}
}

// isIntroducer reports whether c can begin an escape.
func isIntroducer(c byte) bool { return c == '\\' || c == '%' || c == '&' }

// readingsAt yields the readings of the escape that begins at p, if there is one.
// Readings that are added meanwhile are yielded too.
func (t *spelledText) readingsAt(p int) iter.Seq[reading] {
	return func(yield func(reading) bool) {
		if t.first == nil {
			return
		}
		for i := t.first[p]; i != 0; i = t.readings[i-1].next {
			if !yield(t.readings[i-1]) {
				return
			}
		}
	}
}

// isEscape reports whether an escape begins at p.
func (t *spelledText) isEscape(p int) bool { return t.first != nil && t.first[p] != 0 }

// add adds a reading of the escape at p, unless it is there already.
func (t *spelledText) add(p int, s string, end int) {
	if r, size := utf8.DecodeRuneInString(s); size == len(s) && (r == '+' || r != utf8.RuneError && isSpaceOrControl(r)) {
		s = " " // as canonical has it
	}
	n := 0
	for r := range t.readingsAt(p) {
		if r.s == s && r.end == end {
			return
		}
		n++
	}
	if n == maxReadings {
		return
	}
	t.readings = append(t.readings, reading{s, end, 0})
	i := int32(len(t.readings))
	if t.last == 0 {
		t.first[p] = i
	} else {
		t.readings[t.last-1].next = i
	}
	t.last = i
}
