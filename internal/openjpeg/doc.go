// Package openjpeg decodes windows of a codestream with OpenJPEG, the C
// library libopenjp2 (2.5.0 or newer). Memory goes in, samples come out: C
// reads no file, starts no thread and never calls Go.
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
// OpenJPEG 2.5.0 aborts the process on some damaged High-Throughput blocks: an
// assertion at the start of the MEL segment, which random damage does reach,
// and some sixty assertions further on that depend on the data and that
// distributions leave enabled. 2.5.1 turned the first into an error.
// [CheckHT] looks for what trips it. Because it cannot look for the others, such
// codestreams are refused below 2.5.1 altogether ([SupportsHT]); from 2.5.1 on
// they are decoded, and callers are expected to leave out the blocks that
// CheckHT refuses. What remains is that a library built with assertions may
// still abort on a block that was damaged with care.
package openjpeg
