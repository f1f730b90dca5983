package runsapi

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// keyFile gets the key from a file, as containers are handed their secrets. The
// key in use stays in use while the file holds none: it may just be written.
type keyFile struct {
	path string

	mu   sync.Mutex
	last string
	used usedKeys
}

// newKeyFile reads the key, so that a wrong path is found at the start.
func newKeyFile(path string) (*keyFile, error) {
	k := &keyFile{path: path}
	return k, k.read()
}

// key reads the file each time: it is small, and its times are too coarse to
// tell whether it has changed.
func (k *keyFile) key(context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read()
	return k.last, nil
}

func (k *keyFile) refused(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read()
	return k.last != key
}

func (k *keyFile) seen() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.used)
}

func (k *keyFile) read() error {
	text, err := readFile(k.path)
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // without the path
	}
	if err != nil {
		return &KeyError{Source: SourceKeyFile, Problem: "cannot be read: " + err.Error()}
	}
	key, instead := parseKey(text)
	if instead != "" {
		return &KeyError{Source: SourceKeyFile, Problem: "holds " + instead}
	}
	k.last = key
	k.used.add(key)
	return nil
}

// readFile returns at most maxKey bytes of a file.
func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // to open a pipe might block for ever
		return "", errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKey))
	return string(text), err
}
