package runsapi

import (
	"context"
	"slices"
	"strings"
)

// maxKey bounds what a key file may hold and a key command may print, in bytes.
const maxKey = 64 << 10

// keySource gives the key where it may change while the program runs.
type keySource interface {
	// key returns the key, or a [*KeyError], or why ctx or the client ended.
	key(ctx context.Context) (string, error)
	// refused records that the API answered 401 to key, and reports whether
	// another try may do better.
	refused(key string) bool
	// seen lists the keys that were ever in use: all of them stay secret.
	seen() []string
}

// KeyError describes a key file or key command that gave no key. Its text holds
// nothing of the path, the command or the output: each may be secret.
type KeyError struct {
	Source   Source // SourceKeyFile or SourceKeyCommand
	Problem  string
	ExitCode int // of a command that failed; the shell's 126 and 127 mean that it could not be started
}

func (e *KeyError) Error() string {
	if e.Source == SourceKeyFile {
		return "the API key file " + e.Problem
	}
	return "the API key command " + e.Problem
}

// parseKey returns the key on the first line of text, or else what stands there
// instead. One pair of quotes around the key goes, as tools that print JSON put
// it there.
func parseKey(text string) (key, instead string) {
	first, _, _ := strings.Cut(strings.TrimPrefix(text, "\ufeff"), "\n")
	key = strings.TrimSpace(first)
	if n := len(key); n >= 2 && strings.ContainsRune("\"'", rune(key[0])) && key[0] == key[n-1] {
		key = key[1 : n-1]
	}
	switch {
	case key == "":
		return "", "nothing on its first line"
	case key[0] == '{', key[0] == '[', key == "null":
		return "", "JSON, where the key alone is needed"
	case strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\'' }):
		return "", "a first line that is no key: it has spaces, quotes or characters other than ASCII in it"
	}
	return key, ""
}

// usedKeys are the keys that were ever in use, the last one at the end.
type usedKeys []string

// maxUsedKeys is how many are kept: a month's worth at one in 45 minutes.
const maxUsedKeys = 1000

func (u *usedKeys) add(key string) {
	others := slices.DeleteFunc(slices.Clone(*u), func(used string) bool { return used == key })
	others = append(others, key)
	*u = others[max(0, len(others)-maxUsedKeys):]
}
