package runsapi

import (
	"encoding/base64"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

const (
	// shortestSecret is the length from which on a secret is replaced wherever it
	// is found. A shorter one is replaced only where it stands alone: the key
	// "test" is no reason to garble thread_test. A value that may be harmless does
	// not count as a secret below this length: replacing every "v1" would spoil
	// the text.
	shortestSecret = 8
	// maxText is how many bytes of a text are looked at and kept.
	maxText = 64 << 10
)

// redactor replaces secrets by *** in whatever may reach a client or a log.
type redactor struct{ secrets []secret }

type secret struct {
	text  string // as canonical returns it
	short bool   // replaced only where it stands alone
	// credential tells that the secret signs the caller in. Only such secrets are
	// replaced in good answers.
	credential bool
	probe      string // the part of it that is seldom spelled in another way
}

// newRedactor collects the secrets of a configuration, whose query is query, and
// of the URLs of the proxies.
func newRedactor(cfg Config, query url.Values, proxies []string) redactor {
	var r redactor
	for _, key := range []string{cfg.APIKey, cfg.Portkey.APIKey, cfg.Portkey.VirtualKey} {
		r.add(key, true)
	}
	r.add(cfg.Portkey.Config, false)
	r.addHeader("X-Portkey-Config", cfg.Portkey.Config)
	for name, values := range cfg.Header {
		for _, v := range values {
			r.addHeader(name, v)
		}
	}
	for name, values := range query {
		for _, v := range values {
			if name != "api-version" {
				r.addNamed(name, v)
			}
		}
	}
	for _, proxy := range proxies {
		r.addProxy(proxy)
	}
	return r
}

// environmentProxies returns the URLs of the proxies that net/http may use.
func environmentProxies() []string {
	var proxies []string
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		if v := os.Getenv(name); v != "" {
			proxies = append(proxies, v)
		}
	}
	return proxies
}

func (r *redactor) add(text string, credential bool) {
	s := secret{text: canonical(text)}
	if strings.Trim(s.text, ` ="'`) == "" {
		return
	}
	s.short = len(s.text) < shortestSecret
	s.credential = credential && !s.short
	s.probe = probe(text)
	r.secrets = append(r.secrets, s)
	if decoded, err := url.PathUnescape(text); err == nil && decoded != text { // a server may decode it before it echoes it
		r.add(decoded, credential)
	}
}

// addNamed adds a value that counts as a secret because of its name or its length.
func (r *redactor) addNamed(name, value string) {
	credential := isCredential(name)
	if credential || len(value) >= shortestSecret {
		r.add(value, credential)
	}
}

// addHeader adds the value of a header and the secrets inside it.
func (r *redactor) addHeader(name, value string) {
	value = strings.TrimSpace(value)
	r.addNamed(name, value)
	scheme, rest, hasScheme := strings.Cut(value, " ")
	if hasScheme {
		r.addNamed(name, strings.TrimSpace(rest)) // what follows "Bearer"
		r.addNamed(name, value[strings.LastIndexByte(value, ' ')+1:])
	}
	if strings.EqualFold(scheme, "Basic") {
		r.addBasic(strings.TrimSpace(rest))
	}
	if gjson.Valid(value) {
		r.addStrings("", gjson.Parse(value))
		return
	}
	const shortestPart = 4 // a cookie's "1" or "en" stands alone too often to be replaced
	cookie := strings.EqualFold(name, "Cookie")
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ';' || r == ',' }) {
		label, v, found := strings.Cut(part, "=")
		label, v = strings.TrimSpace(label), strings.Trim(v, ` "'`)
		label = label[strings.LastIndexByte(label, ' ')+1:] // without a scheme before it
		switch credential := cookie || isCredential(label) || looksRandom(v); {
		case !found:
		case credential && len(v) >= shortestPart, len(v) >= shortestSecret:
			r.add(v, credential)
		}
	}
}

// addStrings adds the strings inside a JSON value that is the member name of
// another.
func (r *redactor) addStrings(name string, v gjson.Result) {
	switch {
	case v.IsArray(), v.IsObject():
		v.ForEach(func(key, member gjson.Result) bool {
			if v.IsObject() {
				name = key.Str
			}
			r.addStrings(name, member)
			return true
		})
	case v.Type == gjson.String && looksRandom(v.Str):
		r.add(v.Str, true)
	case v.Type == gjson.String:
		r.addNamed(name, v.Str)
	}
}

// looksRandom reports whether a value inside a header, whose name says nothing,
// looks like a key: long, without spaces, of letters and digits.
func looksRandom(v string) bool {
	return len(v) >= 12 && strings.ContainsAny(v, "0123456789") && !strings.Contains(v, " ") &&
		strings.ContainsFunc(v, unicode.IsLetter)
}

// addBasic adds the password of a Basic credential, and the credential.
func (r *redactor) addBasic(encoded string) {
	r.add(encoded, true)
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return
	}
	if _, password, ok := strings.Cut(string(decoded), ":"); ok {
		r.add(string(decoded), true)
		r.add(password, true)
	}
}

// addProxy adds the user info of a proxy's URL, which need not have a scheme.
func (r *redactor) addProxy(proxy string) {
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" {
		if u, err = url.Parse("http://" + proxy); err != nil {
			return
		}
	}
	if u.User == nil {
		return
	}
	r.add(u.User.String(), true)
	password, ok := u.User.Password()
	if !ok {
		r.add(u.User.Username(), true) // a token as a rule
		return
	}
	r.addBasic(base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password)))
}

// with returns r with more keys.
func (r redactor) with(keys []string) redactor {
	r.secrets = slices.Clip(r.secrets)
	for _, key := range keys {
		r.add(key, true)
	}
	return r
}

// text replaces every secret in s, however its characters are spelled. It cuts s
// to 64 KiB; what follows is looked at, so that a secret that straddles the cut
// is replaced whole.
func (r redactor) text(s string) string {
	s = s[:min(len(s), maxText+margin)]
	var t spelledText
	t.read(s)
	s, _ = t.redact(r.secrets, min(len(s), maxText), false)
	return s
}

// result replaces every credential in the strings of JSON that is the good answer
// to a call. The result is valid JSON again. An answer without a trace of a
// credential, which is the rule, is only searched for such traces.
func (r redactor) result(json string) string {
	if !slices.ContainsFunc(r.secrets, func(s secret) bool { return s.credential && strings.Contains(json, s.probe) }) && !spelledOddly(json) {
		return json
	}
	credentials := slices.DeleteFunc(slices.Clone(r.secrets), func(s secret) bool { return !s.credential })
	if len(credentials) == 0 {
		return json
	}
	var out strings.Builder
	var t spelledText
	for {
		open := strings.IndexByte(json, '"') + 1
		if open == 0 {
			break
		}
		out.WriteString(json[:open])
		json = json[open:]
		end := 0
		for json[end] != '"' {
			end += escapeLength(json, end)
		}
		for rest := json[:end]; rest != ""; {
			t.read(rest[:min(len(rest), maxText+margin)])
			redacted, read := t.redact(credentials, min(len(rest), maxText), true)
			out.WriteString(redacted)
			rest = rest[read:]
		}
		out.WriteByte('"')
		json = json[end+1:]
	}
	out.WriteString(json)
	return out.String()
}

// spelledOddly reports whether some letter, digit, - or _ in JSON may be spelled
// as an escape, which no program does that means well: it is what a secret's
// probe would be overlooked by.
func spelledOddly(json string) bool {
	hex := func(after string) bool {
		if len(after) < 2 {
			return false
		}
		high, ok1 := hexDigit(after[0])
		low, ok2 := hexDigit(after[1])
		c := byte(high<<4 | low)
		return ok1 && ok2 && (isWord(c) || c == '%' || c == '\\' || c == '&' && startsEntity(after[2:]))
	}
	return anyAfter(json, `\u00`, hex) ||
		anyAfter(json, "%", func(after string) bool { return hex(after) || strings.IndexAny(after, `\&u`) == 0 }) ||
		anyAfter(json, "&", startsEntity) ||
		anyAfter(json, `\\`, func(after string) bool { return strings.IndexAny(after, "xU") == 0 || strings.HasPrefix(after, "u{") })
}

// anyAfter reports whether what follows some prefix in s is as wanted.
func anyAfter(s, prefix string, wanted func(after string) bool) bool {
	for {
		_, after, found := strings.Cut(s, prefix)
		if !found || wanted(after) {
			return found
		}
		s = after
	}
}

// startsEntity reports whether s goes on as an HTML entity, after its &, that may
// stand for a letter, a digit, - or _, or for an introducer of another escape.
func startsEntity(s string) bool {
	for strings.HasPrefix(s, "amp;") {
		s = s[len("amp;"):]
	}
	for _, prefix := range []string{"#", "num", "bsol", "percnt", "lowbar", `\`, "%", "amp"} {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// canonical returns s as it is compared: white space, control characters and +,
// which stands for a space in forms, are one space each run, as texts are made
// one line; backslashes are left out, as each escaping adds some.
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

// probe returns the part of a secret that a good answer is searched for: a run of
// letters, digits, - and _, which are seldom escaped. It begins with a capital or
// a digit if it can, as those are rarer in answers, which makes the search faster.
func probe(secret string) (longest string) {
	for run := range strings.FieldsFuncSeq(secret, func(r rune) bool { return r >= utf8.RuneSelf || !isWord(byte(r)) }) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	rare := strings.IndexFunc(longest, func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' })
	if rare > 0 && len(longest)-rare >= shortestSecret {
		longest = longest[rare:]
	}
	return longest
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// Redact replaces the secrets of c, those that a key command gave among them, by
// *** in a text for a client or a log, and cuts it to 64 KiB.
func (c *Client) Redact(text string) string { return c.inUse().text(text) }

// redactResult replaces the credentials of c in the JSON of a good answer.
func (c *Client) redactResult(json string) string { return c.inUse().result(json) }

// inUse returns the redactor for all secrets that are in use.
func (c *Client) inUse() redactor {
	if c.keys == nil {
		return c.redactor
	}
	keys := c.keys.seen()
	r := c.withKeys.Load()
	if r == nil || !slices.Equal(r.keys, keys) {
		r = &keyedRedactor{keys, c.redactor.with(keys)}
		c.withKeys.Store(r)
	}
	return r.redactor
}

// keyedRedactor is a redactor for the keys that a key command gave, too.
type keyedRedactor struct {
	keys []string
	redactor
}
