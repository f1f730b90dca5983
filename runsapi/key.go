package runsapi

import (
	"context"
	"slices"
	"strings"
)

// maxKey bounds what a key file may hold and a key command may print, in bytes.
const maxKey = 64 << 10

// keySource provides a key that may change while the program runs.
type keySource interface {
	// key returns the current key. Its error is a [*KeyError], the cause of the end of
	// ctx, or errClosed.
	key(ctx context.Context) (string, error)
	// refused records that the API answered 401 to key, and reports whether the source
	// may have another key.
	refused(key string) bool
	// seen returns the keys that have been in use. All of them remain secret.
	seen() []string
}

// KeyError is the error of a key file or key command that gave no key. Its text shows
// nothing of the path, the command or the output, because each may be secret.
type KeyError struct {
	Source   Source // SourceKeyFile or SourceKeyCommand
	Problem  string // completes "the API key file" or "the API key command"
	ExitCode int    // of a command that failed, else 0; 126 and 127 mean that the shell could not start a program
}

func (e *KeyError) Error() string {
	if e.Source == SourceKeyFile {
		return "the API key file " + e.Problem
	}
	return "the API key command " + e.Problem
}

// parseKey returns the key on the first line of text or, if there is none, what is there
// instead. It removes one pair of quotes around the key, because tools that print JSON add
// one.
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

// usedKeys are the keys that have been in use, the latest one last.
type usedKeys []string

// maxUsedKeys is how many are kept: a month's worth at one every 45 minutes.
const maxUsedKeys = 1000

// add makes key the latest one.
func (u *usedKeys) add(key string) {
	others := slices.DeleteFunc(slices.Clone(*u), func(used string) bool { return used == key })
	others = append(others, key)
	*u = others[max(0, len(others)-maxUsedKeys):]
}
