package runsapi

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// shellCommand is command for cmd.exe, which has its own way to read quotes.
// When ctx ends, it is ended together with all that it started.
func shellCommand(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, system32("cmd.exe"))
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /S /C "` + command + `"`}
	cmd.Cancel = func() error {
		tree := exec.Command(system32("taskkill.exe"), "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
		cmd.Process.Kill() // in case that taskkill.exe could not be run
		return tree
	}
	return cmd
}

// endGroup is for systems with process groups: here a child whose parent has
// ended can no longer be found.
func endGroup(*exec.Cmd) {}

func system32(name string) string {
	return filepath.Join(os.Getenv("SystemRoot"), "System32", name)
}
