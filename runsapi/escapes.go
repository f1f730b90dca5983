package runsapi

import (
	"html"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The methods in this file each find the readings of one kind of escape.

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
