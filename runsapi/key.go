package runsapi

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	keyAge     = 45 * time.Minute // Entra tokens live for about an hour
	keyPause   = time.Minute      // between two runs of the command
	keyTimeout = 30 * time.Second
)

// keyCommand gets the key from a command, for tokens that do not live as long
// as the process does.
type keyCommand struct {
	command string
	runs    singleflight.Group // however many calls wait, the command runs once

	mu   sync.Mutex
	last string    // the key
	ran  time.Time // when the command last ended
	old  []string  // keys before last, which are secrets still
}

func newKeyCommand(command string) *keyCommand { return &keyCommand{command: command} }

// key returns the key, running the command if there is none yet or it is old.
func (k *keyCommand) key(ctx context.Context) (string, error) {
	k.mu.Lock()
	last, ran := k.last, k.ran
	k.mu.Unlock()
	age := time.Since(ran)
	if last != "" && age < keyAge {
		return last, nil
	}
	result := k.runs.DoChan("", func() (any, error) {
		// The run belongs to all who wait for it, not to the first of them.
		return k.run(context.WithoutCancel(ctx))
	})
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case r := <-result:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	}
}

// refused tells that the API answered 401 to key, and reports whether the call
// is worth another try: with the key that came meanwhile, or with a fresh one.
func (k *keyCommand) refused(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == "" || k.last != key {
		return true
	}
	if time.Since(k.ran) < keyPause {
		return false
	}
	k.old, k.last = append(k.old, k.last), ""
	return true
}

// run runs the command. If it fails while the key at hand may still do, that
// key stays in use and the command rests for a while.
func (k *keyCommand) run(ctx context.Context) (string, error) {
	key, err := shell(ctx, k.command)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		if k.last == "" {
			return "", err
		}
		k.ran = time.Now().Add(keyPause - keyAge)
		return k.last, nil
	}
	if k.last != "" && k.last != key {
		k.old = append(k.old, k.last)
	}
	k.last, k.ran = key, time.Now()
	return key, nil
}

// seen lists every key that the command has given lately.
func (k *keyCommand) seen() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.old = k.old[max(0, len(k.old)-10):]
	return append(slices.Clone(k.old), k.last)
}

// KeyError is a key command that gave no key. Its text holds nothing of the
// command or of what it printed: both may be secret.
type KeyError struct{ Problem string }

func (e *KeyError) Error() string { return "the API key command " + e.Problem }

// shell runs command with the system shell, its stdin closed, and returns the
// first line that it prints.
func shell(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	if runtime.GOOS == "windows" {
		cmd = exec.CommandContext(ctx, "cmd.exe", "/C", command)
	}
	cmd.WaitDelay = time.Second // a grandchild may hold the pipe open
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", &KeyError{fmt.Sprintf("did not end within %s", keyTimeout)}
	case errors.As(err, &exit):
		return "", &KeyError{fmt.Sprintf("ended with %s", exit.ProcessState)}
	case err != nil:
		return "", &KeyError{"could not be run by the system shell"}
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(string(out), "\ufeff"), "\n")
	key := strings.TrimSpace(first)
	if key == "" {
		return "", &KeyError{"printed nothing on its first line"}
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' }) {
		return "", &KeyError{"printed a first line that is no key: it has spaces or other than ASCII characters in it"}
	}
	return key, nil
}
