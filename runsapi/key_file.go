package runsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// keyFile gets the key from a file, as containers receive their secrets. If the file holds
// no key, the last key stays in use: the file may be in the middle of being written.
type keyFile struct {
	path string

	mu   sync.Mutex
	last string // the latest key
	used usedKeys
}

// newKeyFile reads the key at once, so that a wrong path is reported at start-up.
func newKeyFile(path string) (*keyFile, error) {
	k := &keyFile{path: path}
	return k, k.read()
}

// key reads the file each time. The file is small, and its modification time is too coarse
// to show every change.
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

// read reads the key from the file. The caller has locked k.mu, or is the only user of k.
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
	if !info.Mode().IsRegular() { // opening a pipe could block forever
		return "", errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err == nil && len(text) > maxKey {
		err = fmt.Errorf("it is longer than %d KiB", maxKey>>10)
	}
	return string(text), err
}
