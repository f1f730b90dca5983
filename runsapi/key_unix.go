//go:build !windows

package runsapi

import (
	"context"
	"os/exec"
	"syscall"
)

// shellCommand returns a Cmd that runs command in /bin/sh, in a process group of its own.
// When ctx ends, the shell is killed; endGroup kills the processes that it started.
func shellCommand(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// endGroup kills the processes that cmd started and left running.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
