//go:build cgo

// This file implements what C memory is kept and what is given back. What glibc
// has freed it keeps, in an arena for each thread that has ever allocated, and
// Go runs a decoder on whatever thread is at hand, unless the caller locks one.
// So what was freed here is often not what is taken next, and the process grows
// to a multiple of what its decoders hold: 200 MB where one of 96 MB was decoding
// at a time, 450 MB for four. Therefore memory is given back after so many bytes.
// Giving it back within a walk, or letting glibc do so at every free, costs more
// in page faults than decoding (20 s of 64 for 201 megapixels in colour).
// What fixes glibc's settings for good (mallopt: one arena, thresholds of one's
// own) is the program's to do and not a library's. Its thresholds are only raised
// as they rise by themselves in programs with large pieces; see settle.

package openjpeg

import (
	"sync"
	"sync/atomic"
)

// #include "shim.h"
import "C"

// trimAfter is how many bytes are freed before memory is given back. The
// process may be larger than its decoders by about that.
const trimAfter = 128 << 20

// settle makes glibc keep what is freed between the windows of a walk, where it
// is wanted again at once: page faults took a third of the time otherwise.
var settle = sync.OnceFunc(func() { C.stria_opj_settle() })

// freed is the number of bytes that were freed since memory was last given
// back, estimated.
var freed atomic.Int64

// trim counts n bytes as freed and gives memory back when it is time.
func trim(n int64) {
	if sum := freed.Add(n); sum >= trimAfter && freed.CompareAndSwap(sum, 0) {
		C.stria_opj_trim()
	}
}
