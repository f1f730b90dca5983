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

// keyCommand gets the key from a command, for tokens that expire while the program runs.
type keyCommand struct {
	command  string
	maxAge   time.Duration // after which the key is renewed
	pause    time.Duration // before the command is run again after a failure or a refused key
	timeout  time.Duration // of a run
	patience time.Duration // how long a call waits for a new key while the last one may still be valid
	grace    time.Duration // how long the output may stay open after the command has ended

	ctx  context.Context // ends when the client is closed
	stop context.CancelFunc

	mu      sync.Mutex
	last    string    // the latest key; empty before the first
	denied  bool      // whether the API refused it
	ended   time.Time // when the last run ended; zero before the first
	err     error     // of the last run
	running *keyRun   // nil while the command is not running
	used    usedKeys
}

// keyRun is one run of the command. All calls that need a key wait for the same run. It is
// stopped when the last of them is cancelled.
type keyRun struct {
	waiting int // how many calls wait
	stop    context.CancelFunc
	done    chan struct{} // closed at the end of the run
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

// close kills the command if it is running, and the processes that it started.
func (k *keyCommand) close() {
	k.stop()
	k.mu.Lock()
	run := k.running
	k.mu.Unlock()
	if run != nil {
		<-run.done
	}
}

// key returns the key. If there is none yet, or a new one is due, it runs the command or
// waits for the run in progress.
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

// due reports whether a new key is needed and the command may be run for it.
func (k *keyCommand) due() bool {
	age := time.Since(k.ended)
	return age >= k.maxAge || age >= k.pause && (k.denied || k.err != nil)
}

// usable reports whether there is a key that may still be valid.
func (k *keyCommand) usable() bool { return k.last != "" && !k.denied }

// wait waits until run has ended. While there is a usable key, it waits no longer than
// k.patience. The caller has locked k.mu, which wait unlocks meanwhile.
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

// start starts a run of the command. If the run fails, the last key stays in use.
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
			return // every call that waited is cancelled: the run counts as neither success nor failure
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

// run runs the command in the system shell, without input, and returns the key that it
// prints.
func (k *keyCommand) run(ctx context.Context) (string, error) {
	cmd := shellCommand(ctx, k.command)
	var out limitedBuffer
	cmd.Stdout, cmd.WaitDelay = &out, k.grace
	err := cmd.Run()
	endGroup(cmd)

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

// limitedBuffer holds up to maxKey bytes. A Write beyond that fails, which ends the
// command.
type limitedBuffer struct {
	bytes []byte
	full  bool // whether a Write has failed
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if len(b.bytes)+len(p) > maxKey {
		b.full = true
		return 0, errors.New("too much output")
	}
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}
