//go:build !unix

package stdio

import "io"

// On these systems pipes always block, and only a failed write shows that the reader is gone.

func waitUntilReadable(io.Reader, error) bool { return false }

func waitUntilWritable(io.Writer, error) bool { return false }

func readerGone(io.Writer, <-chan struct{}) <-chan struct{} { return nil }
