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
// OpenJPEG decodes them only where it is asked for all of a codestream; in windows
// it takes their coefficients for zero, in 2.5.4 still. [Decoder.Decode] refuses
// such windows.
//
// How it takes the first bytes of a block's MEL segment depends on where in memory
// they are. Of damaged ones, 2.5.0 may abort the process, and later versions may
// refuse the block or not. So that neither happens, callers leave out the blocks
// that [CheckHT] refuses. None of the other assertions in that decoder, which
// distributions leave enabled, can be reached by the bytes of a block, as far as
// reading it and 150,000 damaged images have shown.
package openjpeg
