package main

import (
	"bufio"
	"fmt"
	"os"
)

// peakMemory is the largest resident size that the process has had, in bytes.
// Unlike getrusage's it does not include what was there before exec.
func peakMemory() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var kib int64
		if _, err := fmt.Sscanf(s.Text(), "VmHWM: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return 0
}
