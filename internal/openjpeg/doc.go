// Package openjpeg decodes windows of a codestream with OpenJPEG, the C
// library libopenjp2 (2.5.0 or newer). Memory goes in, samples come out: C
// reads no file and never calls Go, and starts threads only where [Open] says so.
//
// The codestreams it is made for are those that package codestream assembles:
// one tile in one tile-part, one layer, and a main header of our own writing.
// Strangers wrote only the bytes of the code-blocks in them. [Open] refuses
// what does not look like that.
//
// # Building
//
// The library is found with pkg-config. A build that fails with "Package
// libopenjp2 was not found" or "OpenJPEG's headers are missing" needs a package:
//
//	Debian, Ubuntu   apt install libopenjp2-7-dev pkg-config
//	Fedora           dnf install openjpeg2-devel pkgconf
//	Alpine           apk add openjpeg-dev pkgconf
//	macOS            brew install openjpeg pkg-config
//
// and a C compiler. Without cgo the package builds as well, and [Open] returns
// an error that matches [errors.ErrUnsupported].
//
// # Memory
//
// C memory is unknown to Go's garbage collector and to its memory limit.
// [Cost.Memory] bounds it beforehand, [Decoder.Close] frees it, [Live] counts
// the decoders that are not closed yet.
//
// # High-Throughput blocks
//
// [Open] refuses them. OpenJPEG takes their coefficients for zero in windows, in
// 2.5.4 still; 2.5.0 may abort the process for the first bytes of a damaged one, and
// overflows the heap where other components have Part 1 blocks.
package openjpeg
