package runsapi

import (
	"html"
	"iter"
	"slices"
	"strings"
	"unicode/utf16"
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

// escape adds the readings of the escape at p whose introducer ends at q.
func (t *spelledText) escape(p int, introducer byte, q int) {
	switch introducer {
	case '%':
		t.percent(p, q)
	case '\\':
		t.backslash(p, q)
	case '&':
		t.entity(p, q)
	}
}

// percent adds the readings of an escape such as %2B, or %u002B as JavaScript's
// escape function writes it.
func (t *spelledText) percent(p, q int) {
	if n, end, ok := t.hex(q, 2); ok {
		t.add(p, string([]byte{byte(n)}), end)
	} else if q, ok := t.accept(q, 'u'); ok {
		t.utf16(p, q)
	}
}

// backslash adds the readings of an escape such as \n, \u002B, \u{2B}, \x2B or
// \U0000002B.
func (t *spelledText) backslash(p, q int) {
	for _, c := range []byte("nrtbfvuxU") {
		_, q, ok := t.exactly(q, func(got byte) bool { return got == c })
		if !ok {
			continue
		}
		switch c {
		case 'u':
			t.utf16(p, q)
			t.braced(p, q)
		case 'x':
			t.codePoint(p, q, 2)
		case 'U':
			t.codePoint(p, q, 8)
		default: // a control character
			t.add(p, " ", q)
		}
	}
}

// codePoint adds the character whose number has so many hexadecimal digits at q.
func (t *spelledText) codePoint(p, q, digits int) {
	if n, end, ok := t.hex(q, digits); ok {
		t.add(p, string(rune(n)), end)
	}
}

// braced adds the character whose hexadecimal number stands in braces at q.
func (t *spelledText) braced(p, q int) {
	q, ok := t.accept(q, '{')
	if !ok {
		return
	}
	n, q := t.number(q, 16)
	if n < 0 {
		return
	}
	if end, ok := t.accept(q, '}'); ok {
		t.add(p, string(rune(n)), end)
	}
}

// utf16 adds the character whose UTF-16 code unit has its four hexadecimal digits
// at q. If that is the first half of a surrogate pair, the escape of the other half
// has to follow.
func (t *spelledText) utf16(p, q int) {
	n, end, ok := t.hex(q, 4)
	if !ok {
		return
	}
	if utf16.IsSurrogate(rune(n)) {
		if strings.HasPrefix(t.text[end:], `\`) {
			t.lowSurrogate(p, rune(n), end+1)
		}
		for r := range t.readingsAt(end) {
			if r.s == `\` {
				t.lowSurrogate(p, rune(n), r.end)
			}
		}
		return
	}
	t.add(p, string(rune(n)), end)
}

// lowSurrogate adds the character of a surrogate pair, given its first half, if the
// u and the digits of the second half follow at q.
func (t *spelledText) lowSurrogate(p int, high rune, q int) {
	if q, ok := t.accept(q, 'u'); ok {
		if low, end, ok := t.hex(q, 4); ok {
			if c := utf16.DecodeRune(high, rune(low)); c != utf8.RuneError {
				t.add(p, string(c), end)
			}
		}
	}
}

// entity adds the HTML entity whose name or number begins at q. The semicolon at
// its end may be missing where browsers do without it.
func (t *spelledText) entity(p, q int) {
	if q, ok := t.accept(q, '#'); ok {
		t.numericEntity(p, q, 10)
		for _, x := range []byte("xX") {
			if q, ok := t.accept(q, x); ok {
				t.numericEntity(p, q, 16)
			}
		}
		return
	}
	const longest = 31 // the length of the longest name of an entity
	var name []byte
	for len(name) < longest {
		c, end, ok := t.one(q, isWord)
		if !ok {
			break
		}
		name, q = append(name, c), end
		end, closed := t.accept(q, ';')
		switch entity := "&" + string(name) + ";"; {
		case closed:
			if s := html.UnescapeString(entity); s != entity {
				t.add(p, s, end)
			}
		case entity == "&lt;", entity == "&gt;", entity == "&amp;", entity == "&quot;":
			t.add(p, html.UnescapeString(entity), q)
		}
	}
}

// numericEntity adds the HTML entity whose number begins at q.
func (t *spelledText) numericEntity(p, q, base int) {
	n, end := t.number(q, base)
	if n < 0 {
		return
	}
	if q, ok := t.accept(end, ';'); ok {
		end = q
	}
	t.add(p, string(rune(n)), end)
}

// one reads a wanted character at p. It skips backslashes before the character,
// because escaping an escape adds some. Of several readings it takes the one with
// the fewest escapes.
func (t *spelledText) one(p int, wanted func(byte) bool) (c byte, end int, ok bool) {
	var places [maxBackslashes]int
	n := 1
	places[0] = p
	for i := 0; i < n; i++ {
		p := places[i]
		if c, end, ok := t.exactly(p, wanted); ok {
			return c, end, true
		}
		add := func(p int) {
			if n < len(places) && !slices.Contains(places[:n], p) {
				places[n] = p
				n++
			}
		}
		if p < len(t.text) && t.text[p] == '\\' {
			add(p + 1)
		}
		for r := range t.readingsAt(p) {
			if r.s == `\` {
				add(r.end)
			}
		}
	}
	return 0, p, false
}

// exactly reads a wanted character at p without skipping anything.
func (t *spelledText) exactly(p int, wanted func(byte) bool) (c byte, end int, ok bool) {
	if p >= len(t.text) {
		return 0, p, false
	}
	if wanted(t.text[p]) {
		return t.text[p], p + 1, true
	}
	for r := range t.readingsAt(p) {
		if len(r.s) == 1 && wanted(r.s[0]) {
			return r.s[0], r.end, true
		}
	}
	return 0, p, false
}

// accept reads the character c at p.
func (t *spelledText) accept(p int, c byte) (end int, ok bool) {
	_, end, ok = t.one(p, func(got byte) bool { return got == c })
	return end, ok
}

// hex reads a hexadecimal number with exactly so many digits at p.
func (t *spelledText) hex(p, digits int) (n, end int, ok bool) {
	for range digits {
		c, end, ok := t.one(p, func(c byte) bool { _, ok := hexDigit(c); return ok })
		if !ok {
			return 0, p, false
		}
		v, _ := hexDigit(c)
		n, p = n<<4|v, end
	}
	return n, p, true
}

// number reads a number at p. It returns -1 if there is none, or if it is too
// large for a character.
func (t *spelledText) number(p, base int) (n, end int) {
	const most = 10 // digits, including leading zeros
	n = -1
	for range most {
		c, end, ok := t.one(p, func(c byte) bool { v, ok := hexDigit(c); return ok && v < base })
		if !ok {
			break
		}
		v, _ := hexDigit(c)
		n, p = max(n, 0)*base+v, end
	}
	if n > utf8.MaxRune {
		n = -1
	}
	return n, p
}

// hexDigit returns the value of a hexadecimal digit.
func hexDigit(c byte) (int, bool) {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0'), true
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10, true
	}
	return 0, false
}

// redact replaces each spelling of a secret that begins before limit. It returns
// the redacted text up to limit, or up to the end of a secret that straddles the
// limit, and how many bytes of the original text that covers. With inJSON the text
// is the inside of a JSON string, and no escape of that string is split.
func (t *spelledText) redact(secrets []secret, limit int, inJSON bool) (redacted string, read int) {
	var begins [256]bool // the first bytes of the secrets
	for _, s := range secrets {
		begins[s.text[0]] = true
	}
	var out strings.Builder
	done := 0 // how many bytes of the text are in out, redacted or not
	p := 0
	for p < limit {
		if begins[plain(t.text[p])] || t.text[p] == '\\' || t.isEscape(p) {
			if end := t.longestMatch(p, secrets, inJSON); end > done {
				if p >= done { // else the secret overlaps the one before it
					out.WriteString(t.text[done:p])
					out.WriteString("***")
				}
				done = end
			}
		}
		p = t.after(p, inJSON)
	}
	if done == 0 {
		return t.text[:p], p
	}
	if p > done {
		out.WriteString(t.text[done:p])
		done = p
	}
	return out.String(), done
}

// longestMatch returns where the longest spelling of a secret that begins at p
// ends, or -1. With inJSON it ends between two characters of the JSON string.
func (t *spelledText) longestMatch(p int, secrets []secret, inJSON bool) int {
	end := -1
	for _, s := range secrets {
		end = max(end, t.match(p, s))
		if inJSON && strings.HasPrefix(t.text[p:], `\\`) { // the second backslash may begin an escape of its own
			end = max(end, t.match(p+1, s))
		}
	}
	if !inJSON || end < 0 {
		return end
	}
	for p < end {
		p = t.after(p, inJSON)
	}
	return p
}

// after returns where the byte at p ends or, with inJSON, the character or escape
// of the JSON string.
func (t *spelledText) after(p int, inJSON bool) int {
	if !inJSON {
		return p + 1
	}
	return min(p+escapeLength(t.text, p), len(t.text))
}

// escapeLength returns the length of the byte or escape at p of the inside of a
// JSON string.
func escapeLength(s string, p int) int {
	switch {
	case s[p] != '\\':
		return 1
	case p+1 < len(s) && s[p+1] == 'u':
		return len(`\u0000`)
	}
	return len(`\n`)
}

// match returns where the spelling of s that begins at p ends, or -1. A short
// secret has to stand alone.
func (t *spelledText) match(p int, s secret) int {
	end := t.follow(p, s.text)
	if end < 0 || !s.short {
		return end
	}
	if end < len(t.text) && isWord(t.text[end]) || p > 0 && isWord(t.text[p-1]) && !t.separatorBefore(p) {
		return -1
	}
	return end
}

// separatorBefore reports whether an escape that stands for a separator ends at p,
// as %22 does before a quoted word.
func (t *spelledText) separatorBefore(p int) bool {
	const longest = 16 // the length of the longest escape that is looked for
	for q := max(0, p-longest); q < p; q++ {
		for r := range t.readingsAt(q) {
			if r.end == p && !isWord(r.s[0]) {
				return true
			}
		}
	}
	return false
}

// position is a place in the text, and how many bytes of a secret match before it.
type position struct{ at, matched int }

// follow returns where a spelling of s, which is canonical, that begins at p ends,
// or -1. It searches depth first.
func (t *spelledText) follow(p int, s string) int {
	pending := []position{{p, 0}}
	var seen map[position]bool // the positions at escapes, to which several ways may lead
	for len(pending) > 0 {
		here := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if here.matched == len(s) {
			return here.at
		}
		if here.at == len(t.text) {
			continue
		}
		if here.matched > 0 && t.isEscape(here.at) {
			if seen[here] {
				continue
			}
			if seen == nil {
				seen = map[position]bool{}
			}
			seen[here] = true
		}
		if next, ok := step(here, s, t.text[here.at:here.at+1], here.at+1); ok {
			pending = append(pending, next)
		}
		for r := range t.readingsAt(here.at) {
			if next, ok := step(here, s, r.s, r.end); ok {
				pending = append(pending, next)
			}
		}
	}
	return -1
}

// step returns the position after got, which ends at end, if s goes on with got.
// Within s it skips backslashes, and white space after a space.
func step(here position, s, got string, end int) (position, bool) {
	if len(got) == 1 {
		c := plain(got[0])
		switch {
		case c == s[here.matched]:
			return position{end, here.matched + 1}, true
		case here.matched > 0 && (c == '\\' || c == ' ' && s[here.matched-1] == ' '):
			return position{end, here.matched}, true
		}
		return here, false
	}
	if strings.HasPrefix(s[here.matched:], got) {
		return position{end, here.matched + len(got)}, true
	}
	return here, false
}

// plain returns c in its canonical form, except that it keeps backslashes.
func plain(c byte) byte {
	if c <= ' ' || c == 0x7f || c == '+' {
		return ' '
	}
	return c
}
