// Package encode writes a result, strip by strip, as JPEG, PNG, PNM and other
// file formats.
//
// A [Source] is a picture that comes as strips, top to bottom; a plan of
// package tile is one. A [Format] is a file format with its settings, a plain
// struct whose zero value works:
//
//	err := encode.JPEG{Quality: 82}.Encode(ctx, w, plan)
//
// # Streaming
//
// Nothing is written before the first strip exists, so an HTTP status can still
// be chosen when the source fails at once. The header and what the first strip
// gives are flushed as soon as they are there, and from then on one of two fixed
// buffers fills while the other is written by a goroutine of its own. A slow
// Writer therefore slows the encoder, which slows the source; a Writer that
// fails stops both, and its error is what Encode returns.
//
// Encode returns when all it started has ended: nothing runs on afterwards and
// the Writer is not touched again. Cancelling the context ends reading, encoding
// and the loop over the source, but not a Write that is under way: Encode can
// only wait for that one, so a Writer that may block for ever needs a deadline
// of its own. A failed Encode leaves output that no decoder takes for complete.
//
// # Memory
//
// Formats here hold a few bands of the picture, not the picture, unless their
// comment says otherwise. [Memory] says how much before anything is done, and a
// source that keeps a budget is asked to reserve as much (see [Reserver]).
package encode
