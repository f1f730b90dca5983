package runsapi

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// shellCommand returns a Cmd that runs command in cmd.exe, which has its own rules for
// quotes. When ctx ends, cmd.exe is killed together with the processes that it started.
func shellCommand(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, system32("cmd.exe"))
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /S /C "` + command + `"`}
	cmd.Cancel = func() error {
		tree := exec.Command(system32("taskkill.exe"), "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
		cmd.Process.Kill() // in case taskkill.exe could not be run
		return tree
	}
	return cmd
}

// endGroup does nothing: Windows has no process groups, and the children of a process that
// has ended cannot be found.
func endGroup(*exec.Cmd) {}

// system32 returns the path of a program that is part of Windows.
func system32(name string) string {
	return filepath.Join(os.Getenv("SystemRoot"), "System32", name)
}
