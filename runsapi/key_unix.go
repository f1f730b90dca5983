//go:build !windows

package runsapi

import (
	"context"
	"os/exec"
	"syscall"
)

// shellCommand is command for /bin/sh. It ends with ctx, and with it all that it
// started.
func shellCommand(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
