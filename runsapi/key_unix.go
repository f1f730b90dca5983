//go:build !windows

package runsapi

import (
	"context"
	"os/exec"
	"syscall"
)

// shellCommand is command for /bin/sh, in a process group of its own. It ends
// with ctx; endGroup ends what it started.
func shellCommand(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// endGroup ends what cmd started and left running.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
