// Package codestream reads the JPEG 2000 codestream of ISO/IEC 15444-1 without
// decoding a sample: markers (Annex A), the geometry of the image (Annex B),
// packet headers and the index that says which bytes hold which code-block.
//
// # The shape of a codestream
//
// A codestream is a main header (SOC, SIZ, COD, QCD and optional segments),
// then tile-parts, then EOC. The image lies on a reference grid and is cut into
// tiles. Each component of a tile, a tile-component, is wavelet-transformed into
// resolutions 0 (smallest) to NL; resolution 0 has one sub-band, LL, every other
// has three, HL, LH and HH. The sub-bands of a resolution are cut into precincts,
// and a precinct's part of each sub-band into code-blocks, which are entropy
// coded alone. A packet is one layer of one precinct: a header that says which
// code-blocks contribute how many bytes, and those bytes.
//
// # Grids
//
// Every rectangle says which grid it is on. The reference grid is the one of
// SIZ. A component grid is the reference grid divided by XRsiz and YRsiz. A
// resolution grid is a component grid divided by a power of two, and a sub-band
// grid is where the coefficients of one sub-band lie (B.5). The reduced
// reference grid is the reference grid divided by 2^reduce. All divisions round
// up, as Annex B does.
//
// # Trust
//
// Nothing in a codestream is believed before it is checked. Errors about the
// data match [ErrFormat] and carry an offset; legal things that Stria does not
// do match [errors.ErrUnsupported]; errors of the source come through as they
// are.
package codestream
