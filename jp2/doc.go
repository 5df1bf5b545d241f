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
//
// # Colours that a file does not say rightly
//
// What Annex I has a reader pass over is passed over. What is left to be known is
// taken by the rules below, which a [Warning] with Colors then says; such
// warnings are for people to see, and errors of a strict tile.Decoder.
//
//   - A colour specification by a method or in a space that is not known, with an
//     ICC profile that is broken, or for more colours than there are channels, is
//     passed over, and so is a profile for grey of three channels or more. Channels
//     are counted without those that cdef says are opacity.
//   - When no specification is left, the colours are what a broken profile says it
//     is for (grey, RGB or CMYK), if there are as many channels; else grey of one
//     or two channels, and sRGB of three or more, of which the first three are
//     shown, or sYCC if the second and third component are subsampled.
//   - A specification for fewer colours than there are channels holds for the first.
//     Only grey beside a palette of three columns or more is taken for sRGB: the
//     columns say what they are.
//   - A channel is opacity only if cdef says so. A codestream that stands alone
//     cannot say so: its second component of two or fourth of four is opacity.
//   - sRGB whose second and third component are subsampled is sYCC.
//   - A palette column with values beyond its depth, and those said to be as deep,
//     have as many bits as the bytes of a value: 8 instead of up to 7.
//   - An entry of cdef for a channel or a colour that is not there is passed over.
//     Where colours are left without a channel they are taken in order.
package jp2
