package runsapi

import (
	"html"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// spelledText is a text in which each character may be spelled as an escape: as
// \u002B or \x2b in JSON and programming languages, as %2B in URLs, as &#43; or
// &plus; in HTML. The characters of an escape may be spelled as escapes in turn,
// in any mix and nesting.
type spelledText struct {
	text string
	// first has the number of the first reading, counted from 1, by an escape that
	// begins at each byte; 0 stands for none. It is nil if there is no escape.
	first    []int32
	readings []reading
	last     int32 // the last reading of the byte that is being read
}

// reading is what an escape stands for, where it ends, and the number of the next
// reading of the same byte.
type reading struct {
	s    string
	end  int
	next int32
}

// Bounds of the work: in how many ways an escape may be read, as %252B may as %2B
// and as +, and how many backslashes are passed over within one.
const (
	maxReadings    = 16
	maxBackslashes = 16
)

// read finds the readings of text, from its end to its beginning, since an escape
// is made of the characters after it.
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
		for i := t.first[p]; i != 0; i = t.readings[i-1].next {
			if r := t.readings[i-1]; len(r.s) == 1 && isIntroducer(r.s[0]) {
				t.escape(p, r.s[0], r.end)
			}
		}
	}
}

func isIntroducer(c byte) bool { return c == '\\' || c == '%' || c == '&' }

// add adds a reading of the escape at p.
func (t *spelledText) add(p int, s string, end int) {
	if r, size := utf8.DecodeRuneInString(s); size == len(s) && (r == '+' || r != utf8.RuneError && isSpaceOrControl(r)) {
		s = " "
	}
	n := 0
	for i := t.first[p]; i != 0; i = t.readings[i-1].next {
		if r := t.readings[i-1]; r.s == s && r.end == end {
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

// escape adds the readings of the escapes at p that introducer begins and that go
// on at q.
func (t *spelledText) escape(p int, introducer byte, q int) {
	switch introducer {
	case '%':
		if n, end, ok := t.hex(q, 2); ok {
			t.add(p, string([]byte{byte(n)}), end)
		} else if q, ok := t.accept(q, 'u'); ok { // JavaScript's escape()
			t.utf16(p, q)
		}
	case '\\':
		for _, c := range []byte("nrtbfvuxU") {
			_, q, ok := t.exactly(q, func(got byte) bool { return got == c })
			switch {
			case !ok:
			case c == 'u':
				t.utf16(p, q)
				if q, ok := t.accept(q, '{'); ok {
					if n, q := t.number(q, 16); n >= 0 {
						if q, ok := t.accept(q, '}'); ok {
							t.add(p, string(rune(n)), q)
						}
					}
				}
			case c == 'x', c == 'U':
				if n, end, ok := t.hex(q, map[byte]int{'x': 2, 'U': 8}[c]); ok {
					t.add(p, string(rune(n)), end)
				}
			default: // a control character
				t.add(p, " ", q)
			}
		}
	case '&':
		t.entity(p, q)
	}
}

// utf16 adds the character whose four hexadecimal digits begin at q, or eight of
// a surrogate pair.
func (t *spelledText) utf16(p, q int) {
	n, end, ok := t.hex(q, 4)
	if !ok {
		return
	}
	if utf16.IsSurrogate(rune(n)) {
		if strings.HasPrefix(t.text[end:], `\`) {
			t.lowSurrogate(p, rune(n), end+1)
		}
		for i := t.first[end]; i != 0; i = t.readings[i-1].next {
			if r := t.readings[i-1]; r.s == `\` {
				t.lowSurrogate(p, rune(n), r.end)
			}
		}
		return
	}
	t.add(p, string(rune(n)), end)
}

// lowSurrogate adds the character that high begins, if the u and the digits of the
// other half follow at q.
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
// its end may be missing, as browsers have it.
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
	const longest = 31 // of the names of entities
	var name []byte
	for len(name) < longest {
		c, end, ok := t.one(q, func(c byte) bool { return isWord(c) })
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

// one reads at p a character that is wanted. Backslashes before it are passed
// over, as the escaping of an escape adds some. Where several readings would do,
// the plainest is taken.
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
		for i := t.first[p]; i != 0; i = t.readings[i-1].next {
			if r := t.readings[i-1]; r.s == `\` {
				add(r.end)
			}
		}
	}
	return 0, p, false
}

// exactly is one without passing over anything.
func (t *spelledText) exactly(p int, wanted func(byte) bool) (c byte, end int, ok bool) {
	if p >= len(t.text) {
		return 0, p, false
	}
	if wanted(t.text[p]) {
		return t.text[p], p + 1, true
	}
	for i := t.first[p]; i != 0; i = t.readings[i-1].next {
		if r := t.readings[i-1]; len(r.s) == 1 && wanted(r.s[0]) {
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

// hex reads a hexadecimal number of so many digits.
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

// number reads the digits of a number at p; n is -1 if there are none.
func (t *spelledText) number(p, base int) (n, end int) {
	const most = 10 // digits, leading zeros among them
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

// redact replaces what spells one of secrets and begins before limit. It returns
// the text up to limit, or up to the end of a secret that straddles it, and how
// much of the original that is. inJSON tells that the text stands inside a string
// of JSON, none of whose escapes may be torn apart.
func (t *spelledText) redact(secrets []secret, limit int, inJSON bool) (redacted string, read int) {
	var begins [256]bool // the first bytes of secrets
	for _, s := range secrets {
		begins[s.text[0]] = true
	}
	var out strings.Builder
	done := 0 // how much of the text is in out
	p := 0
	for step := 1; p < limit; p += step {
		if step = 1; inJSON {
			step = min(escapeLength(t.text, p), len(t.text)-p)
		}
		end := -1
		if begins[plain(t.text[p])] || t.text[p] == '\\' || t.first != nil && t.first[p] != 0 {
			for _, s := range secrets {
				end = max(end, t.match(p, s))
				if inJSON && strings.HasPrefix(t.text[p:], `\\`) { // the second backslash may begin an escape of its own
					end = max(end, t.match(p+1, s))
				}
			}
		}
		if end <= done {
			continue
		}
		if inJSON {
			boundary := p
			for boundary < end {
				boundary += escapeLength(t.text, boundary)
			}
			end = min(boundary, len(t.text))
		}
		if p >= done {
			out.WriteString(t.text[done:p])
			out.WriteString("***")
		}
		done = end
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

// escapeLength is the length of the character, or the escape, at p of the inside
// of a string of JSON.
func escapeLength(s string, p int) int {
	switch {
	case s[p] != '\\':
		return 1
	case p+1 < len(s) && s[p+1] == 'u':
		return len(`\u0000`)
	}
	return len(`\n`)
}

// match returns where the spelling of s that begins at p ends, or -1.
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

// separatorBefore reports whether an escape that stands for no letter or digit
// ends at p, as %22 does before a quoted word.
func (t *spelledText) separatorBefore(p int) bool {
	const longest = 16 // that an escape may be
	for q := max(0, p-longest); q < p && t.first != nil; q++ {
		for i := t.first[q]; i != 0; i = t.readings[i-1].next {
			if r := t.readings[i-1]; r.end == p && !isWord(r.s[0]) {
				return true
			}
		}
	}
	return false
}

// position is a place in the text up to which so many bytes of a secret match.
type position struct{ at, matched int }

// follow returns where a spelling of s, which is canonical, that begins at p ends,
// or -1.
func (t *spelledText) follow(p int, s string) int {
	open := []position{{p, 0}}
	var seen map[position]bool // of those where the text may be read in several ways
	for len(open) > 0 {
		here := open[len(open)-1]
		open = open[:len(open)-1]
		if here.matched == len(s) {
			return here.at
		}
		if here.at == len(t.text) {
			continue
		}
		severalWays := t.first != nil && t.first[here.at] != 0
		if severalWays && here.matched > 0 {
			if seen[here] {
				continue
			}
			if seen == nil {
				seen = map[position]bool{}
			}
			seen[here] = true
		}
		if next, ok := step(here, s, t.text[here.at:here.at+1], here.at+1); ok {
			open = append(open, next)
		}
		if !severalWays {
			continue
		}
		for i := t.first[here.at]; i != 0; i = t.readings[i-1].next {
			if next, ok := step(here, s, t.readings[i-1].s, t.readings[i-1].end); ok {
				open = append(open, next)
			}
		}
	}
	return -1
}

// step goes on over what is read as got and ends at end. Backslashes are passed
// over within s, and so is more white space after a space.
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

// plain is a byte as canonical has it, except that backslashes stay.
func plain(c byte) byte {
	if c <= ' ' || c == 0x7f || c == '+' {
		return ' '
	}
	return c
}
