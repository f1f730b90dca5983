package runsapi

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// keyCommand gets the key from a command, for tokens that do not live as long
// as the program runs.
type keyCommand struct {
	command  string
	maxAge   time.Duration // after which the key is renewed
	pause    time.Duration // between the end of a run and the next run
	timeout  time.Duration // of a run
	patience time.Duration // of a call, for a new key while the last one may still do
	grace    time.Duration // after the command's end, for others to close its output

	ctx  context.Context // ends the run, if there is one
	stop context.CancelFunc

	mu      sync.Mutex
	last    string    // the key
	denied  bool      // the API refused it
	ended   time.Time // when the last run did; zero before
	err     error     // of the last run
	running *keyRun   // nil if the command does not run
	used    usedKeys
}

// keyRun is one run of the command. It serves all calls that wait, and is
// stopped when the last of them is cancelled.
type keyRun struct {
	waiting int
	stop    context.CancelFunc
	done    chan struct{}
}

func newKeyCommand(command string) *keyCommand {
	k := &keyCommand{
		command:  command,
		maxAge:   45 * time.Minute, // Entra tokens live for about an hour
		pause:    time.Minute,
		timeout:  30 * time.Second,
		patience: 5 * time.Second,
		grace:    200 * time.Millisecond,
	}
	k.ctx, k.stop = context.WithCancel(context.Background())
	return k
}

var errClosed = errors.New("the client is closed")

// close ends the command, if it runs, and all that it started.
func (k *keyCommand) close() {
	k.stop()
	k.mu.Lock()
	run := k.running
	k.mu.Unlock()
	if run != nil {
		<-run.done
	}
}

// key returns the key. It waits for a run of the command if there is no key yet
// or a new one is due.
func (k *keyCommand) key(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.due() {
		if k.ctx.Err() != nil {
			return "", errClosed
		}
		if k.running == nil {
			k.start()
		}
		ended, err := k.wait(ctx, k.running)
		if err != nil {
			return "", err
		}
		if !ended {
			break
		}
	}
	if k.last == "" {
		return "", k.err
	}
	return k.last, nil
}

// due reports whether a new key is needed, and the command runs or may run for it.
func (k *keyCommand) due() bool {
	age := time.Since(k.ended)
	return age >= k.maxAge || age >= k.pause && (k.denied || k.err != nil)
}

// usable reports whether there is a key that may still do.
func (k *keyCommand) usable() bool { return k.last != "" && !k.denied }

// wait waits until run has ended, or for as long as it is worth while there is
// a usable key. It is called with k.mu held and gives it up meanwhile.
func (k *keyCommand) wait(ctx context.Context, run *keyRun) (ended bool, err error) {
	var patience <-chan time.Time
	if k.usable() {
		patience = time.After(k.patience)
	}
	run.waiting++
	k.mu.Unlock()
	select {
	case <-run.done:
		ended = true
	case <-patience:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	k.mu.Lock()
	run.waiting--
	if err != nil && run.waiting == 0 {
		run.stop()
	}
	return ended, err
}

// start runs the command. If it fails, the last key stays in use.
func (k *keyCommand) start() {
	ctx, stop := context.WithTimeout(k.ctx, k.timeout)
	run := &keyRun{stop: stop, done: make(chan struct{})}
	k.running = run
	go func() {
		defer stop()
		key, err := k.run(ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.running = nil
		close(run.done)
		if errors.Is(ctx.Err(), context.Canceled) {
			return // no call waits for it any more: as if it had not run
		}
		k.ended, k.err = time.Now(), err
		if err == nil {
			k.last, k.denied = key, false
			k.used.add(key)
		}
	}()
}

func (k *keyCommand) refused(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == key {
		k.denied = true
	}
	return k.last != key || k.due()
}

func (k *keyCommand) seen() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.used)
}

// run runs the command in the system shell, its input closed, and returns the
// key that it prints.
func (k *keyCommand) run(ctx context.Context) (string, error) {
	cmd := shellCommand(ctx, k.command)
	var out limitedBuffer
	cmd.Stdout, cmd.WaitDelay = &out, k.grace
	err := cmd.Run()
	endGroup(cmd) // what it left running

	var exit *exec.ExitError
	key, problem, code := "", "", 0
	switch {
	case ctx.Err() != nil:
		problem = fmt.Sprintf("did not end within %s", k.timeout)
	case out.full:
		problem = fmt.Sprintf("printed more than %d KiB", maxKey>>10)
	case errors.As(err, &exit):
		problem, code = "ended with "+exit.String(), exit.ExitCode()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		problem = "could not be run by the system shell"
	default:
		var instead string
		if key, instead = parseKey(string(out.bytes)); instead != "" {
			problem = "printed " + instead
		}
	}
	if problem != "" {
		return "", &KeyError{Source: SourceKeyCommand, Problem: problem, ExitCode: code}
	}
	return key, nil
}

// limitedBuffer takes maxKey bytes. It fails beyond, which ends the command.
type limitedBuffer struct {
	bytes []byte
	full  bool
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if len(b.bytes)+len(p) > maxKey {
		b.full = true
		return 0, errors.New("too much output")
	}
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}
