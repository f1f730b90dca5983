package runsapi

import (
	"strings"
	"unicode/utf8"
)

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
		got, end := t.text[here.at:here.at+1], here.at+1
		if r, size := utf8.DecodeRuneInString(t.text[here.at:]); size > 1 && isSpaceOrControl(r) {
			got, end = " ", here.at+size // as canonical has it
		}
		if next, ok := step(here, s, got, end); ok {
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

// canonical returns s in the form in which secrets are compared. Each sequence of
// white space, control characters and +, which stands for a space in forms, becomes
// one space, because error texts are put on one line. Backslashes are removed, because
// escaping adds some.
func canonical(s string) string {
	var b strings.Builder
	space := false
	for s = strings.TrimSpace(s); s != ""; {
		r, size := utf8.DecodeRuneInString(s)
		char := s[:size]
		s = s[size:]
		switch {
		case r == '\\':
		case isSpaceOrControl(r) || r == '+':
			if !space {
				b.WriteByte(' ')
			}
			space = true
		default:
			b.WriteString(char)
			space = false
		}
	}
	return strings.TrimSpace(b.String())
}

// isWord reports whether c is an ASCII letter or digit, _ or -.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
