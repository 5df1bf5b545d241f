//go:build linux || darwin

package main

import (
	"runtime"
	"syscall"
)

// peakMemory is the largest resident size that the process has had, in bytes.
func peakMemory() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss // already in bytes
	}
	return u.Maxrss * 1024
}
