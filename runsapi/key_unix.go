//go:build !windows

package runsapi

import (
	"context"
	"os/exec"
	"syscall"
)

// shellCommand is command for /bin/sh. When ctx ends, it is ended together with
// all that it started.
func shellCommand(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return endGroup(cmd) }
	return cmd
}

// endGroup ends cmd, if it has started, and what it started.
func endGroup(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
