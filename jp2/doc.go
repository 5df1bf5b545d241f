// Package jp2 reads and writes the file formats around a JPEG 2000 codestream:
// JP2 (ISO/IEC 15444-1 Annex I), what it shares with JPX (15444-2 Annex M) and
// JPH (15444-15 Annex D), and the codestream that stands alone.
//
// # Boxes
//
// A file is a sequence of boxes, each with a length and a type of four
// characters; a superbox contains boxes. The signature and file type boxes come
// first, the JP2 header box (jp2h) says what the samples mean, and the
// contiguous codestream box (jp2c) has the image. Everything else is metadata.
// Boxes are walked from one to the next and never searched for, and of those
// that do not concern the image only the headers are read: their contents are
// fetched with [File.Data] by whoever wants them.
//
// # From components to colours
//
// The codestream has components. A palette ([Palette]) and component mapping
// ([Mapping]) turn them into channels; without these, every component is a
// channel. Channel definitions ([Channel]) say which channel is which colour
// and which is opacity, and the colour specification ([Color]) says what the
// colours are. [Layout] is the outcome of all this.
//
// # Tolerance
//
// What decides which picture is shown must be right: sizes that contradict
// each other and mappings that point nowhere are errors that match
// [codestream.ErrFormat]. What only adds to it (resolution, metadata, an ICC
// profile that lies about its size) is left out when it is wrong, and
// [File.Warnings] says so.
package jp2
