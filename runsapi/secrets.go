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

// shortestSecret is the length in bytes from which on a secret is replaced wherever
// it is found. A shorter one is replaced only where it stands alone: a key "test"
// must not garble thread_test. A value that may be harmless does not count as a
// secret below this length, because replacing every "v1" would spoil the text.
const shortestSecret = 8

// secret is a text that must not reach a client or a log.
type secret struct {
	text  string // in its canonical form
	short bool   // shorter than shortestSecret: replaced only where it stands alone
	// credential reports whether the secret authenticates requests. Only such
	// secrets are replaced in the JSON of runs.
	credential bool
	probe      string // the longest part of it that is rarely escaped
}

// newRedactor collects the secrets in a configuration, in the query that goes with
// every request, and in the URLs of the proxies.
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

// environmentProxies returns the proxy URLs in the environment that net/http reads.
func environmentProxies() []string {
	var proxies []string
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		if v := os.Getenv(name); v != "" {
			proxies = append(proxies, v)
		}
	}
	return proxies
}

// add adds a secret, unless it has nothing in it that could be one.
func (r *redactor) add(text string, credential bool) {
	s := secret{text: canonical(text)}
	if strings.Trim(s.text, ` ="'`) == "" {
		return
	}
	s.short = len(s.text) < shortestSecret
	s.credential = credential && !s.short
	s.probe = probe(text)
	r.secrets = append(r.secrets, s)
	if decoded, err := url.PathUnescape(text); err == nil && decoded != text { // a server may decode it before echoing it
		r.add(decoded, credential)
	}
}

// addNamed adds a value if its name or its length makes it a secret.
func (r *redactor) addNamed(name, value string) {
	credential := isCredential(name)
	if credential || len(value) >= shortestSecret {
		r.add(value, credential)
	}
}

// addHeader adds the value of a header, and the secrets inside it: the token after
// an authentication scheme, the strings in JSON, the values of cookies and parameters.
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
	const shortestPart = 4 // a cookie's "1" or "en" is too common as a word to be replaced
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

// addStrings adds the secrets among the strings in v, a JSON value. name is the name
// of the object member that holds v.
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

// looksRandom reports whether a value looks like a key although its name does not
// say so: it is long, and has letters and digits but no spaces.
func looksRandom(v string) bool {
	return len(v) >= 12 && strings.ContainsAny(v, "0123456789") && !strings.Contains(v, " ") &&
		strings.ContainsFunc(v, unicode.IsLetter)
}

// addBasic adds a Basic credential, which is encoded in base64, and its password.
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

// addProxy adds the user info in a proxy's URL. The URL may lack a scheme.
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
		r.add(u.User.Username(), true) // usually a token
		return
	}
	r.addBasic(base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password)))
}

// with returns a copy of r with more keys.
func (r redactor) with(keys []string) redactor {
	r.secrets = slices.Clip(r.secrets)
	for _, key := range keys {
		r.add(key, true)
	}
	return r
}

// probe returns the part of a secret that the JSON of runs is searched for first: the
// longest sequence of letters, digits, - and _, which are rarely escaped. It begins
// with a capital letter or a digit if possible: they are rarer, which makes the search
// faster.
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
