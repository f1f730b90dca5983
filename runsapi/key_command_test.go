//go:build !windows

package runsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// counting is a key command that prints key-1, key-2 and so on, and how often
// it has run.
func counting(t *testing.T) (command string, runs func() int) {
	file := filepath.Join(t.TempDir(), "runs")
	return fmt.Sprintf("echo run >> %s; echo key-$(wc -l < %s | tr -d ' '); echo second line", file, file), func() int {
		b, _ := os.ReadFile(file)
		return strings.Count(string(b), "\n")
	}
}

// accepting answers 401 to every key before the n-th.
func accepting(n *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var got int
		fmt.Sscanf(r.Header.Get("Authorization"), "Bearer key-%d", &got)
		if got < *n {
			status(401, "wrong key "+r.Header.Get("Authorization"))(w, r)
			return
		}
		answers(runJSON)(w, r)
	}
}

func TestKeyCommandRunsOnceAndIsRenewedByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		command, runs := counting(t)
		first := 1
		c := dial(t, accepting(&first), func(cfg *Config) { cfg.KeyCommand = command })
		if runs() != 0 {
			t.Error("it ran before the first call")
		}
		for _, step := range []struct {
			sleep time.Duration
			runs  int
		}{{0, 1}, {time.Minute, 1}, {43 * time.Minute, 1}, {2 * time.Minute, 2}, {time.Hour, 3}} {
			time.Sleep(step.sleep)
			if _, err := c.GetRun(t.Context(), "t", "r"); err != nil || runs() != step.runs {
				t.Errorf("after %s more: %d runs, want %d, %v", step.sleep, runs(), step.runs, err)
			}
		}
	})
}

func TestKeyCommandRunsAgainOnA401(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		command, runs := counting(t)
		first := 2
		c := dial(t, accepting(&first), func(cfg *Config) { cfg.KeyCommand = command })
		_, err := c.GetRun(t.Context(), "t", "r")
		var e *Error
		if !errors.As(err, &e) || e.Status != 401 || runs() != 1 {
			t.Errorf("within a minute of its last run: %d runs, %v", runs(), err)
		}
		if strings.Contains(err.Error(), "key-") {
			t.Errorf("the key is in %q", err)
		}
		time.Sleep(time.Minute)
		if _, err := c.GetRun(t.Context(), "t", "r"); err != nil || runs() != 2 {
			t.Errorf("a minute later: %d runs, %v", runs(), err)
		}
		first = 99
		time.Sleep(time.Minute)
		if _, err := c.GetRun(t.Context(), "t", "r"); !errors.As(err, &e) || e.Status != 401 || runs() != 3 {
			t.Errorf("a fresh key that is refused too: %d runs, %v", runs(), err)
		}
	})
}

func TestKeyCommandServesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		command, runs := counting(t)
		first := 1
		c := dial(t, accepting(&first), func(cfg *Config) { cfg.KeyCommand = command })
		together := func(want int) {
			t.Helper()
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if _, err := c.GetRun(t.Context(), "t", "r"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if runs() != want {
				t.Errorf("%d runs, want %d", runs(), want)
			}
		}
		together(1)
		time.Sleep(2 * time.Minute)
		first = 2 // all meet a 401 at once
		together(2)
		time.Sleep(time.Hour)
		together(3)
	})
}

func TestKeyCommandThatFails(t *testing.T) {
	for command, want := range map[string]KeyError{
		"echo canary-out; echo canary-err >&2; exit 3": {ExitCode: 3, Problem: "ended with exit status 3"},
		"no-such-canary":            {ExitCode: 127, Problem: "ended with exit status 127"},
		"/":                         {ExitCode: 126, Problem: "ended with exit status 126"},
		"kill -TERM $$":             {ExitCode: -1, Problem: "ended with signal: terminated"},
		"true":                      {Problem: "printed nothing on its first line"},
		"cat":                       {Problem: "printed nothing on its first line"}, // its input is closed
		"echo '{\"k\":\"canary\"}'": {Problem: "printed JSON, where the key alone is needed"},
		"yes canary":                {Problem: "printed more than 64 KiB"},
		// One byte more than is allowed.
		"echo key; head -c 65533 /dev/zero": {Problem: "printed more than 64 KiB"},
	} {
		c := dial(t, func(http.ResponseWriter, *http.Request) { t.Error("sent without a key") }, func(cfg *Config) { cfg.KeyCommand = command })
		_, err := c.GetRun(t.Context(), "t", "r")
		want.Source = SourceKeyCommand
		var got *KeyError
		if !errors.As(err, &got) || *got != want || err.Error() != "the API key command "+want.Problem {
			t.Errorf("%s: %+v, want %+v", command, err, want)
		}
	}
}

func TestKeyCommandPrintsTheMostThatIsAllowed(t *testing.T) {
	k := newKeyCommand(fmt.Sprintf("echo key; head -c %d /dev/zero", maxKey-len("key\n")))
	if key, err := k.key(t.Context()); key != "key" || err != nil {
		t.Errorf("%q, %v", key, err)
	}
}

func TestKeyCommandThatTakesTooLong(t *testing.T) {
	k := newKeyCommand("sleep 60")
	k.timeout = time.Millisecond
	if _, err := k.key(t.Context()); err == nil || err.Error() != "the API key command did not end within 1ms" {
		t.Error(err)
	}
}

// The last key stays in use while it works, and the command is not run again at
// once.
func TestRenewalThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		command := fmt.Sprintf("cd %s; echo run >> runs; test $(wc -l < runs) -ne 2 && echo key-1", dir)
		first := 1
		c := dial(t, accepting(&first), func(cfg *Config) { cfg.KeyCommand = command })
		for _, step := range []struct {
			sleep time.Duration
			runs  int
		}{{0, 1}, {time.Hour, 2}, {30 * time.Second, 2}, {31 * time.Second, 3}} {
			time.Sleep(step.sleep)
			_, err := c.GetRun(t.Context(), "t", "r")
			b, _ := os.ReadFile(filepath.Join(dir, "runs"))
			if n := strings.Count(string(b), "\n"); err != nil || n != step.runs {
				t.Errorf("after %s more: %d runs, want %d, %v", step.sleep, n, step.runs, err)
			}
		}
	})
}

// pidFile is where a command puts the id of its process.
func pidFile(t *testing.T) (path string, pid func() int) {
	path = filepath.Join(t.TempDir(), "pid")
	return path, func() (pid int) {
		for n := 0; n == 0; runtime.Gosched() { // until it has
			b, _ := os.ReadFile(path)
			n, _ = fmt.Sscanln(string(b), &pid)
		}
		return pid
	}
}

// isGone fails the test unless the process, which was killed, ends.
func isGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil; runtime.Gosched() {
		if state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); strings.Contains(string(state), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d runs on", pid)
		}
	}
}

// A renewal that hangs does not take a good key out of use, and is ended with
// the client, together with what it started.
func TestRenewalThatHangs(t *testing.T) {
	dir := t.TempDir()
	file, pid := pidFile(t)
	first := 1
	c := dial(t, accepting(&first), func(cfg *Config) {
		cfg.KeyCommand = fmt.Sprintf("cd %s; mkdir first && echo key-1 && exit; sh -c 'echo $$ > %s; sleep 60; true'; true", dir, file)
	})
	k := c.keys.(*keyCommand)
	k.maxAge, k.patience = 0, time.Nanosecond
	for range 3 {
		if _, err := c.GetRun(t.Context(), "t", "r"); err != nil {
			t.Fatal(err)
		}
	}
	hanging := pid()
	c.Close()
	k.mu.Lock()
	if k.running != nil {
		t.Error("Close did not wait for the end of the command")
	}
	k.mu.Unlock()
	isGone(t, hanging)
	if _, err := c.GetRun(t.Context(), "t", "r"); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v, want %v", err, errClosed)
	}
}

// Without a key that may still do, a call has all the patience that it takes.
func TestNoKeyIsWorthWaitingFor(t *testing.T) {
	command, _ := counting(t)
	k := newKeyCommand(command)
	k.patience, k.pause = time.Nanosecond, 0
	for _, want := range []string{"key-1", "key-2"} {
		key, err := k.key(t.Context())
		if err != nil || key != want {
			t.Errorf("%q, %v, want %s", key, err, want)
		}
		if !k.refused(key) {
			t.Errorf("%s was refused, and no other try is made", key)
		}
	}
}

// A 401 to a key that was replaced meanwhile says nothing of the new one.
func TestRefusalOfAnOlderKey(t *testing.T) {
	k := newKeyCommand("echo key-2")
	if _, err := k.key(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !k.refused("key-1") || !k.usable() {
		t.Errorf("key-1 was refused: another try is made with key-2: %t, want true", k.usable())
	}
	if k.refused("key-2") || k.usable() {
		t.Error("key-2 was refused, and is tried again at once")
	}
}

func TestEveryKeyThatWasUsedIsASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		command, _ := counting(t)
		echo := "used: token-key-1 token-key-20 token-key-39, not token-kay-40"
		c := dial(t, status(400, echo), func(cfg *Config) { cfg.KeyCommand = strings.Replace(command, "key-", "token-key-", 1) })
		var err error
		for range 40 {
			_, err = c.GetRun(t.Context(), "t", "r")
			time.Sleep(time.Hour)
		}
		if want := "used: *** *** ***, not token-kay-40"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	})
}

func TestKeyCommandThatFailsRestsForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		command, runs := counting(t)
		c := dial(t, answers(runJSON), func(cfg *Config) { cfg.KeyCommand = command + "; exit 1" })
		for _, want := range []int{1, 1, 2, 2} {
			if _, err := c.GetRun(t.Context(), "t", "r"); err == nil || runs() != want {
				t.Errorf("%d runs, want %d, %v", runs(), want, err)
			}
			time.Sleep(40 * time.Second)
		}
	})
}

func TestKeyCommandThatLeavesSomethingRunning(t *testing.T) {
	file, pid := pidFile(t)
	k := newKeyCommand(fmt.Sprintf("sleep 20 & echo $! > %s; echo good-key", file))
	k.grace = time.Millisecond
	start := time.Now()
	if key, err := k.key(t.Context()); key != "good-key" || err != nil || time.Since(start) > 10*time.Second {
		t.Errorf("%q, %v after %s", key, err, time.Since(start))
	}
	isGone(t, pid())
}

// waitFor returns once n calls wait for k's command.
func waitFor(k *keyCommand, n int) {
	for waiting := -1; waiting != n; runtime.Gosched() {
		k.mu.Lock()
		if k.running != nil {
			waiting = k.running.waiting
		}
		k.mu.Unlock()
	}
}

// One cancelled call does not end the command that another one waits for.
func TestKeyCommandOutlivesACancelledCall(t *testing.T) {
	dir := t.TempDir()
	k := newKeyCommand(fmt.Sprintf("cd %s; mkdir first || exit; until test -e go; do sleep 0.01; done; echo key", dir))
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	calls.Go(func() {
		if _, err := k.key(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled call: %v", err)
		}
	})
	waitFor(k, 1)
	calls.Go(func() {
		if key, err := k.key(t.Context()); key != "key" || err != nil {
			t.Errorf("the other call: %q, %v", key, err)
		}
	})
	waitFor(k, 2)
	cancel()
	waitFor(k, 1)
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Error(err)
	}
	calls.Wait()
}

// The last call that waits for the command ends it, and what it started, when
// it is cancelled. The next call runs it at once.
func TestKeyCommandEndsWithItsLastCall(t *testing.T) {
	file, pid := pidFile(t)
	k := newKeyCommand(fmt.Sprintf("test -e %s && echo key && exit; sh -c 'echo $$ > %s; sleep 60; true'; true", file, file))
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range 3 {
		calls.Go(func() {
			if _, err := k.key(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	waitFor(k, 3)
	started := pid()
	cancel()
	calls.Wait()
	isGone(t, started)
	if key, err := k.key(t.Context()); key != "key" || err != nil {
		t.Errorf("the next call: %q, %v", key, err)
	}
}

// A call that comes to wait for a run just as its last call is cancelled gets a key all the same.
func TestARunThatEndsWithoutAKeyIsRepeated(t *testing.T) {
	k := newKeyCommand("echo key")
	cancelled := &keyRun{stop: func() {}, done: make(chan struct{})}
	k.running = cancelled
	var call sync.WaitGroup
	call.Go(func() {
		if key, err := k.key(t.Context()); key != "key" || err != nil {
			t.Errorf("%q, %v", key, err)
		}
	})
	waitFor(k, 1)
	k.mu.Lock()
	k.running = nil
	close(cancelled.done)
	k.mu.Unlock()
	call.Wait()
}

func TestCallDoesNotWaitForAKeyLongerThanItsContext(t *testing.T) {
	c := dial(t, answers(runJSON), func(cfg *Config) { cfg.KeyCommand = "sleep 60; echo key" })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := c.GetRun(ctx, "t", "r"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
