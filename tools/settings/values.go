package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The following functions return set functions for settings. They get a value without white
// space around it. The texts of their errors continue a sentence that begins with the name of
// the setting.

// singleLine accepts any value without control characters, and not in quotes: those are never
// meant.
func singleLine(p *string) func(string) error {
	return func(v string) error {
		switch {
		case strings.ContainsFunc(v, unicode.IsControl):
			return errors.New("has a line break or another control character in it")
		case isQuoted(v):
			return errors.New("has quotes around its value: give it without them")
		}
		*p = v
		return nil
	}
}

// key accepts what singleLine does, except what cannot be sent in a header as it is.
func key(p *string) func(string) error {
	set := singleLine(p)
	return func(v string) error {
		switch {
		case len(v) > 7 && strings.EqualFold(v[:7], "bearer "):
			return errors.New(`has "Bearer" before the key: give the key alone`)
		case !isQuoted(v) && strings.ContainsFunc(v, func(r rune) bool { return r == ' ' || r > '~' }):
			return errors.New("is no key: it has spaces or characters other than ASCII in it")
		}
		return set(v)
	}
}

// command accepts any value.
func command(p *string) func(string) error {
	return func(v string) error {
		*p = v
		return nil
	}
}

func boolean(p *bool) func(string) error {
	return func(v string) (err error) {
		if *p, err = strconv.ParseBool(v); err != nil {
			return errors.New("is neither true nor false")
		}
		return nil
	}
}

func oneOf(p *string, values ...string) func(string) error {
	return func(v string) error {
		if !slices.Contains(values, v) {
			return fmt.Errorf("is not one of %s", strings.Join(values, ", "))
		}
		*p = v
		return nil
	}
}

func number(p *int, least, most int) func(string) error {
	return func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("is not a whole number from %d to %d", least, most)
		}
		*p = n
		return nil
	}
}

// duration accepts a duration that is not negative. A whole number without a unit counts
// seconds.
func duration(p *time.Duration) func(string) error {
	return func(v string) error {
		if _, err := strconv.Atoi(v); err == nil {
			v += "s"
		}
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return errors.New("is not a duration such as 90s or 2m, or 0 for no limit")
		}
		*p = d
		return nil
	}
}

func level(p *slog.Level) func(string) error {
	return func(v string) error {
		if p.UnmarshalText([]byte(v)) != nil {
			return errors.New("is not one of debug, info, warn, error")
		}
		return nil
	}
}

// headers accepts lines of the form 'Name: value'.
func headers(h http.Header) func(string) error {
	return func(v string) error {
		for line := range strings.Lines(v) {
			if strings.TrimSpace(line) == "" {
				continue
			}
			name, value, ok := strings.Cut(line, ":")
			name, value = http.CanonicalHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
			switch {
			case isQuoted(name) || isQuotedKey(name, value):
				return errors.New("has quotes around a header or its value: give it without them")
			case !ok || !isHeaderName(name):
				return errors.New("is not of the form 'Name: value'")
			case name == "Host" || name == "Content-Length" || name == "Transfer-Encoding":
				return fmt.Errorf("cannot set %s", name)
			}
			h.Set(name, value)
		}
		return nil
	}
}

// isHeaderName reports whether name is a token as RFC 9110, section 5.6.2, defines it.
func isHeaderName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// isQuotedKey reports whether the key in a header for keys is in quotes, with or without a
// scheme such as Bearer before it. In other headers, and around a parameter, quotes may be
// meant.
func isQuotedKey(name, value string) bool {
	isKey := name == "Authorization" || strings.HasSuffix(name, "Key") || strings.HasSuffix(name, "Token")
	key := value[strings.LastIndexByte(value, ' ')+1:]
	return isKey && isQuoted(key) && !strings.ContainsAny(key, "=")
}

// isQuoted reports whether v begins or ends with a quotation mark of any kind.
func isQuoted(v string) bool {
	const quotes = "\"'`“”‘’„«»"
	first, _ := utf8.DecodeRuneInString(v)
	last, _ := utf8.DecodeLastRuneInString(v)
	return strings.ContainsRune(quotes, first) || strings.ContainsRune(quotes, last)
}

// queries accepts name=value pairs that are joined by &.
func queries(q url.Values) func(string) error {
	return func(v string) error {
		v = strings.TrimPrefix(v, "?")
		parsed, err := url.ParseQuery(v)
		for pair := range strings.SplitSeq(v, "&") {
			if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
				err = errors.New("no name, or no value")
			}
		}
		if err != nil {
			return errors.New("is not of the form name=value")
		}
		for name, values := range parsed {
			q[name] = values
		}
		return nil
	}
}

// placeholder matches what documentation and host configurations write in place of a value:
// ${NAME} anywhere, and as separate words $NAME, $(command), {{NAME}}, {NAME}, %NAME%,
// <NAME>, and any word with an ellipsis, such as sk-….
var placeholder = regexp.MustCompile(`\$\{[^}]*\}+|(?:^|[\s"'=&?/\\:;,.@])` +
	`(?:\$(?:[Ee]nv:)?[A-Za-z_]\w*|\$\([^)]*\)|\{\{[^{}]*\}\}|\{[A-Za-z_][\w .:]*\}|%[^%\s]+%|<[^<>@/]+>|[\w-]*(?:…|\.{3})[\w-]*)` +
	`(?:$|[\s"'&?/\\:;,.@])`)

// isPlaceholder reports whether v holds a placeholder. A shell command may hold one, but may
// not be one as a whole.
func isPlaceholder(v string, shell bool) bool {
	match := placeholder.FindString(v)
	return match != "" && (!shell || match == v)
}

// checkProxies returns an error for a proxy variable that net/http cannot parse: it would
// ignore the variable silently, and connect without the proxy.
func checkProxies(getenv func(string) string) error {
	for _, names := range [][]string{{"HTTP_PROXY", "http_proxy"}, {"HTTPS_PROXY", "https_proxy"}} {
		for _, name := range names {
			if v := getenv(name); v != "" {
				if !isProxy(v) {
					return fmt.Errorf("%s is not a proxy's URL, such as http://proxy.example:3128", name)
				}
				break // net/http reads the first that is set
			}
		}
	}
	return nil
}

// isProxy reports whether v is a URL, or a host and port, that net/http can use.
func isProxy(v string) bool {
	if !strings.Contains(v, "://") {
		v = "http://" + v
	}
	u, err := url.Parse(v)
	return err == nil && u.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme)
}
