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

// accepting answers 401 to every key but the n-th and those behind it.
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
	for command, want := range map[string]string{
		"echo canary-out; echo canary-err >&2; exit 3": "ended with exit status 3",
		"true":                    "printed nothing",
		"echo; echo canary":       "printed nothing",
		"echo canary with spaces": "is no key",
		"no-such-canary":          "ended with exit status 127",
		"cat":                     "printed nothing", // its stdin is closed
		"yes canary":              "printed more than 64 KiB",
	} {
		c := dial(t, func(http.ResponseWriter, *http.Request) { t.Error("sent without a key") }, func(cfg *Config) { cfg.KeyCommand = command })
		_, err := c.GetRun(t.Context(), "t", "r")
		var k *KeyError
		if !errors.As(err, &k) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %q", command, err, want)
		}
	}
}

// The key at hand stays in use while it works, and the command rests.
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

// A renewal that hangs does not take a good key out of use.
func TestRenewalThatHangs(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "runs")
	first := 1
	c := dial(t, accepting(&first), func(cfg *Config) {
		cfg.KeyCommand = fmt.Sprintf("echo run >> %s; test $(wc -l < %s) -eq 1 || sleep 20; echo key-1", file, file)
	})
	if _, err := c.GetRun(t.Context(), "t", "r"); err != nil {
		t.Fatal(err)
	}
	c.keys.mu.Lock()
	c.keys.ran = time.Now().Add(-keyAge)
	c.keys.mu.Unlock()
	if _, err := c.GetRun(t.Context(), "t", "r"); err != nil {
		t.Error(err)
	}
	c.keys.mu.Lock()
	if c.keys.running == nil {
		t.Error("it was not renewed at all")
	} else {
		c.keys.running.stop()
	}
	c.keys.mu.Unlock()
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
	c := dial(t, answers(runJSON), func(cfg *Config) { cfg.KeyCommand = "sleep 5 & echo good-key" })
	if _, err := c.GetRun(t.Context(), "t", "r"); err != nil {
		t.Error(err)
	}
}

// The last who waits for it ends the command, and what it started.
func TestKeyCommandEndsWithItsLastCall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	c := dial(t, answers(runJSON), func(cfg *Config) {
		cfg.KeyCommand = fmt.Sprintf("sh -c 'echo $$ > %s; sleep 60; true'; echo key", file)
	})
	var calls sync.WaitGroup
	contexts := make([]context.CancelFunc, 3)
	for i := range contexts {
		var ctx context.Context
		ctx, contexts[i] = context.WithCancel(t.Context())
		calls.Go(func() {
			if _, err := c.GetRun(ctx, "t", "r"); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	pid := 0
	for n, _ := 0, 0; n == 0; { // until the command has started
		b, _ := os.ReadFile(file)
		n, _ = fmt.Sscan(string(b), &pid)
	}
	for _, cancel := range contexts {
		cancel()
	}
	calls.Wait()
	// It was killed: that it is gone is a matter of the system's next look at it.
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil; runtime.Gosched() {
		if state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); strings.Contains(string(state), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d goes on", pid)
		}
	}
}

func TestCallDoesNotWaitForAKeyLongerThanItsContext(t *testing.T) {
	c := dial(t, answers(runJSON), func(cfg *Config) { cfg.KeyCommand = "sleep 1; echo key" })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := c.GetRun(ctx, "t", "r"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
