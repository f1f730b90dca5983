//go:build !linux

package stdio

import "io"

// widen does nothing: only Linux lets a process say how much a pipe holds.
func widen(io.Writer) {}
