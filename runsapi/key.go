package runsapi

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	keyAge     = 45 * time.Minute // Entra tokens live for about an hour
	keyPause   = time.Minute      // between two runs of the command
	keyTimeout = 30 * time.Second
	// How long a call waits for a new key while the one at hand may still do.
	keyPatience = 5 * time.Second
	maxKey      = 64 << 10 // bytes that the command may print
)

// keyCommand gets the key from a command, for tokens that do not live as long
// as the process does.
type keyCommand struct {
	command string

	mu      sync.Mutex
	last    string    // the key
	refuses bool      // the API refused it
	ran     time.Time // when the command last ended
	err     error     // how it last ended
	old     []string  // keys before last, which are secrets still
	running *keyRun   // nil while the command does not run
}

// keyRun is one run of the command. It serves all who wait, and is ended when
// nobody does any more.
type keyRun struct {
	waiting int
	stop    context.CancelFunc
	done    chan struct{}
}

func newKeyCommand(command string) *keyCommand { return &keyCommand{command: command} }

// key returns the key, running the command if there is none yet or it is old.
func (k *keyCommand) key(ctx context.Context) (string, error) {
	k.mu.Lock()
	for k.wanted() {
		if k.running == nil {
			k.start()
		}
		run := k.running
		run.waiting++
		var patience <-chan time.Time
		if k.last != "" && !k.refuses {
			patience = time.After(keyPatience)
		}
		k.mu.Unlock()
		late := false
		select {
		case <-run.done:
		case <-ctx.Done():
		case <-patience:
			late = true
		}
		k.mu.Lock()
		run.waiting--
		if late {
			break // with the key at hand; the run goes on
		}
		if ctx.Err() != nil {
			last := run.waiting == 0
			k.mu.Unlock()
			if last {
				run.stop()
				<-run.done // so that the command does not outlive the program
			}
			return "", context.Cause(ctx)
		}
	}
	defer k.mu.Unlock()
	if k.last == "" {
		return "", k.err
	}
	return k.last, nil
}

// wanted reports whether the command is to be run: at first, when the key is
// old or refused, but not within a minute of its last run.
func (k *keyCommand) wanted() bool {
	age := time.Since(k.ran)
	return k.running != nil || age >= keyAge || age >= keyPause && (k.last == "" || k.refuses || k.err != nil)
}

// start runs the command. If it fails, the key at hand stays in use.
func (k *keyCommand) start() {
	ctx, stop := context.WithTimeout(context.Background(), keyTimeout)
	run := &keyRun{stop: stop, done: make(chan struct{})}
	k.running = run
	go func() {
		defer stop()
		key, err := shell(ctx, k.command)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.running = nil
		close(run.done)
		if errors.Is(ctx.Err(), context.Canceled) {
			return // nobody waited for it any more: as if it had not run
		}
		k.ran, k.err = time.Now(), err
		if err == nil {
			if k.last != "" && k.last != key {
				k.old = append(k.old, k.last)
			}
			k.last, k.refuses = key, false
		}
	}()
}

// refused tells that the API answered 401 to key, and reports whether the call
// is worth another try: with the key that came meanwhile, or with a fresh one.
func (k *keyCommand) refused(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == key {
		k.refuses = true
	}
	return k.last != key || k.wanted()
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
type KeyError struct {
	Problem  string
	ExitCode int // of the command; 0 if it did not end by itself
}

func (e *KeyError) Error() string { return "the API key command " + e.Problem }

// shell runs command with the system shell, its stdin closed, and returns the
// first line that it prints.
func shell(ctx context.Context, command string) (string, error) {
	cmd := shellCommand(ctx, command)
	var out firstBytes
	cmd.Stdout = &out
	cmd.WaitDelay = 200 * time.Millisecond // something that it started may hold the pipe open
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", &KeyError{Problem: fmt.Sprintf("did not end within %s", keyTimeout)}
	case errors.Is(err, errTooMuch), len(out) > maxKey/2 && err != nil:
		return "", &KeyError{Problem: fmt.Sprintf("printed more than %d KiB", maxKey>>10)}
	case errors.As(err, &exit):
		return "", &KeyError{Problem: fmt.Sprintf("ended with %s", exit.ProcessState), ExitCode: exit.ExitCode()}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return "", &KeyError{Problem: "could not be run by the system shell"}
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(string(out), "\ufeff"), "\n")
	key := strings.TrimSpace(first)
	if key == "" {
		return "", &KeyError{Problem: "printed nothing on its first line"}
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' }) {
		return "", &KeyError{Problem: "printed a first line that is no key: it has spaces or other than ASCII characters in it"}
	}
	return key, nil
}

var errTooMuch = errors.New("too much output")

// firstBytes takes maxKey bytes, and fails beyond, which ends the command.
type firstBytes []byte

func (f *firstBytes) Write(p []byte) (int, error) {
	if len(*f)+len(p) > maxKey {
		return 0, errTooMuch
	}
	*f = append(*f, p...)
	return len(p), nil
}
