// This file holds what the headers say, as values: the main header and the
// coding parameters in effect for a tile. The marker segments that they come
// from are in files of their own (siz.go, cod.go, ...).

package codestream

import "image"

// A Span is a range of bytes of the source: Len bytes from offset Off.
type Span struct{ Off, Len int64 }

// End is the offset just past the span.
func (s Span) End() int64 { return s.Off + s.Len }

// A Header is the main header of a codestream (A.2). Its exported fields are
// the inspection; they must not be changed once an [Index] is made from it. It
// is safe for concurrent use.
type Header struct {
	Span         Span                // the codestream within its source
	FirstPart    int64               // offset of the first SOT marker in the source
	Rsiz         uint16              // capabilities needed (A.5.1)
	Bounds       image.Rectangle     // reference grid: XOsiz, YOsiz, Xsiz, Ysiz
	FirstTile    image.Rectangle     // reference grid: tile 0 before clipping to Bounds
	Components   []Component         // in codestream order
	Coding       Coding              // COD, its part for all components
	Progressions []ProgressionChange // POC; nil when there is none
	CAP          *CAP                // Part 15 capabilities; nil when there is none
	CPF          []uint16            // Part 15 corresponding profile; nil when there is none
	Registration []Registration      // CRG, one per component; nil when there is none
	Comments     []Comment           // COM
	Segments     []Segment           // every marker segment of the main header, in order

	// What the tile-part index and the packet index need; see tlm.go, plt.go and
	// ppm.go. Each list is in the order of the segments' own numbers (Ztlm, Zplm,
	// Zppm), and each span starts after that number.
	tlm, plm, ppm []Span
}

// A Component is one component of the image: its samples (A.5.1) and how they
// are coded unless a tile says otherwise.
type Component struct {
	Depth  int         // bits a sample, 1 to 38
	Signed bool        // samples are signed
	Sub    image.Point // XRsiz, YRsiz: reference grid points a sample, 1 to 255
	ComponentCoding
}

// Coding is the part of COD that concerns all components of a tile (A.6.1,
// SGcod and the markers' bits of Scod).
type Coding struct {
	Progression Progression
	Layers      int  // 1 to 65535
	MCT         bool // components 0 to 2 are transformed together (Annex G)
	SOP, EPH    bool // packets may have SOP markers, have EPH markers
}

// ComponentCoding is how one component of a tile is coded: COD or COC, QCD or
// QCC, and RGN, after precedence (A.6).
type ComponentCoding struct {
	Levels     int        // NL, wavelet decomposition levels, 0 to 32
	XCB, YCB   int        // code-block size exponents, 2 to 10, sum at most 12
	Style      BlockStyle // code-block style
	Reversible bool       // the 5/3 transform; otherwise 9/7
	Precincts  []Precinct // one per resolution, lowest first: Levels+1 of them
	Quant      Quantization
	ROIShift   int // RGN, SPrgn: maxshift, 0 when there is none
}

// A Precinct is a precinct size as exponents of two on the resolution's grid
// (A.6.1, Table A.21). The default is 15, 15.
type Precinct struct{ PPx, PPy uint8 }

// BlockStyle is the code-block style (Table A.19; Part 15 for HT).
type BlockStyle uint8

// The bits of a code-block style.
const (
	Bypass  BlockStyle = 1 << iota // selective arithmetic coding bypass
	Reset                          // reset of context probabilities on pass boundaries
	TermAll                        // termination on each coding pass
	VSC                            // vertically causal context
	PTerm                          // predictable termination
	SegSym                         // segmentation symbols
	HT                             // High-Throughput block coding (Part 15)
	HTMixed                        // HT and Part 1 blocks in one component (Part 15)
)

// Quantization is QCD or QCC (A.6.4).
type Quantization struct {
	Style QuantStyle
	Guard int    // guard bits, 0 to 7
	Steps []Step // from LL of resolution 0, one a sub-band or more; one in all if Derived
}

// QuantStyle is the low five bits of Sqcd (Table A.28).
type QuantStyle uint8

// The quantisation styles.
const (
	NoQuantization QuantStyle = iota // only exponents: reversible
	Derived                          // scalar derived: LL's step, the rest follow
	Expounded                        // scalar expounded: a step for each sub-band
)

// A Step is the quantisation step size of a sub-band (Equation E-3).
type Step struct {
	Exponent uint8  // 0 to 31
	Mantissa uint16 // 0 to 2047; 0 without quantisation
}

// Progression is a progression order (Table A.16).
type Progression uint8

// The progression orders.
const (
	LRCP Progression = iota
	RLCP
	RPCL
	PCRL
	CPRL
)

// A ProgressionChange is one entry of POC (A.6.6): the packets of these layers,
// resolutions and components that have not come yet, in this order.
type ProgressionChange struct {
	Progression                    Progression
	ResolutionStart, ResolutionEnd int // RSpoc, REpoc: half open
	ComponentStart, ComponentEnd   int // CSpoc, CEpoc: half open
	LayerEnd                       int // LYEpoc: exclusive; from the first layer not sent yet
}

// A CAP is the extended capabilities segment (Part 15, A.5.2).
type CAP struct {
	Pcap uint32
	Ccap []uint16 // one for each bit set in Pcap, in order
}

// A Registration is where a component's samples lie between the points of the
// reference grid (CRG, A.9.1), in 65536ths of XRsiz and YRsiz.
type Registration struct{ X, Y uint16 }

// A Comment is a COM segment (A.9.2).
type Comment struct {
	Binary bool // Rcme is 0; otherwise Latin-1 text
	Data   []byte
}

// A Segment is a marker segment: where it is and how long.
type Segment struct {
	Marker Marker
	Span   Span // from the marker to the end of the segment
}

// TileCoding is the coding parameters in effect for one tile: the main header's
// with those of the tile's tile-part headers over them. It is immutable.
type TileCoding struct {
	Coding
	Components   []ComponentCoding
	Progressions []ProgressionChange // POC in effect: the tile's or the main header's
}

// A TilePart is one tile-part (A.4.2): part Part of tile Tile.
type TilePart struct {
	Tile, Part int
	Header     Span // from SOT through SOD
	Body       Span // the bit stream after SOD, as much of it as there is

	// Truncated says that data of the tile is missing after Body: the codestream
	// ends inside it, or tile-parts that were announced after it are missing.
	Truncated bool
}
