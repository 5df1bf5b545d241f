//go:build !linux && !darwin

package main

func peakMemory() int64 { return 0 }
