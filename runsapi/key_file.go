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
	info fs.FileInfo // of the file that last was read from
	used usedKeys
}

// newKeyFile reads the key, so that a wrong path is found at the start.
func newKeyFile(path string) (*keyFile, error) {
	k := &keyFile{path: path}
	return k, k.read()
}

// key reads the file again if it is another one than before, or was written to.
func (k *keyFile) key(context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(k.path)
	if err == nil && (!os.SameFile(info, k.info) || info.Size() != k.info.Size() || !info.ModTime().Equal(k.info.ModTime())) {
		k.read()
	}
	return k.last, nil
}

// refused reads the file in any case: the times of files are coarse.
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
	info, text, err := readFile(k.path)
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
	k.last, k.info = key, info
	k.used.add(key)
	return nil
}

// readFile returns at most maxKey bytes of a file.
func readFile(path string) (fs.FileInfo, string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", err
	}
	if !info.Mode().IsRegular() { // to open a pipe might block for ever
		return nil, "", errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKey))
	return info, string(text), err
}
