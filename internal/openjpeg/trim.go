//go:build cgo

// This file implements giving C memory back. What glibc has freed it keeps, in
// an arena for each thread that has ever allocated, and Go runs a decoder on
// whatever thread is at hand. So what was freed here is seldom what is taken
// next, and the process grows to a multiple of what its decoders hold: 200 MB
// where one of 96 MB was decoding at a time, 450 MB for four. glibc's own
// settings would help (one arena, a low threshold), but they are the program's
// and not a library's to make, and cost up to half of the speed.

package openjpeg

import "sync/atomic"

// #include "shim.h"
import "C"

// trimAfter is how many bytes are freed before memory is given back. The
// process may be larger than its decoders by about that.
const trimAfter = 32 << 20

// freed is the number of bytes that were freed since memory was last given
// back, estimated.
var freed atomic.Int64

// trim counts n bytes as freed and gives memory back when it is time.
func trim(n int64) {
	if sum := freed.Add(n); sum >= trimAfter && freed.CompareAndSwap(sum, 0) {
		C.stria_opj_trim()
	}
}
