// This file implements the index as data that can be kept beside the image and
// put back, so that nothing of the image has to be read to find a block.

package codestream

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"reflect"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/stria-j2k/stria/internal/grid"
)

// ErrSidecar is what errors of [OpenSidecar] match: the data is truncated,
// corrupt, of another version, or belongs to another image.
var ErrSidecar = errors.New("not a sidecar of this image")

const (
	sidecarMagic   = "striaidx"
	sidecarVersion = 2
	// sidecarFloor and sidecarFactor bound what a sidecar may take once it is
	// decompressed: the latter for each byte of it. No index needs as much.
	sidecarFloor  = 4 << 20
	sidecarFactor = 64
)

func sidecarError(format string, args ...any) error {
	return fmt.Errorf("codestream: sidecar: %s: %w", fmt.Sprintf(format, args...), ErrSidecar)
}

// Load makes the whole index known: the packets and code-blocks of all tiles. It
// reads the codestream once from front to back, in large blocks, and nothing of
// it stays in memory but the index. Damaged tiles are no errors.
func (x *Index) Load(ctx context.Context) error {
	var spare *packetScan
	for tile := range x.h.NumTiles() {
		if _, data := x.packet.get(tile); data != nil {
			continue
		}
		t, err := x.packets(ctx, tile)
		switch {
		case tileFault(err):
			continue
		case err != nil:
			return err
		}
		if spare, err = t.loadAll(ctx, x, spare); err != nil {
			return err
		}
		x.compact(t)
	}
	return nil
}

// tileFault reports whether an error is about the data of a tile.
func tileFault(err error) bool {
	return errors.Is(err, ErrFormat) || errors.Is(err, errors.ErrUnsupported)
}

// loadAll is load for the whole tile. It takes and gives a scan that is over, for
// its memory; either may be nil.
func (t *tilePackets) loadAll(ctx context.Context, x *Index, spare *packetScan) (*packetScan, error) {
	select {
	case t.scanning <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() {
		x.weigh(t)
		<-t.scanning
	}()
	t.spare = spare
	err := t.readAll(ctx, x)
	spare, t.spare = t.spare, nil
	return spare, err
}

// readAll is loadAll for the holder of scanning.
func (t *tilePackets) readAll(ctx context.Context, x *Index) error {
	if t.done {
		return nil
	}
	if t.lengths == lengthsUnknown {
		if err := t.useLengths(ctx, x); err != nil {
			return err
		}
	}
	switch t.lengths {
	case lengthsTrusted:
		// All has to be read anyway, and the scan does that best.
		if err := t.doubt(ctx); err != nil {
			return err
		}
		if t.lengths != lengthsTolerant {
			return nil
		}
	case lengthsUnused:
		return t.reach(ctx, packetID{component: -1})
	}
	v := &view{s: &Selection{}, layers: t.coding.Layers}
	for i := range t.geometry.components {
		c := &t.geometry.components[i]
		for r := range c.levels + 1 {
			w, h := c.precincts(r)
			v.needs = append(v.needs, need{component: i, resolution: r, precincts: grid.New(0, 0, w, h)})
		}
	}
	if err := t.jump(ctx, v); err != nil {
		return err
	}
	t.complete()
	return nil
}

// complete says that all packets were read that the lengths lead to.
func (t *tilePackets) complete() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.jumps, t.read, t.done = nil, nil, true
	t.lengths = lengthsUnused
	t.store.clip()
}

// Sidecar loads the whole index and returns it as data for [OpenSidecar]. The
// tag is the caller's, to tell whether the image is still the same: an ETag, or
// a time of change.
func (x *Index) Sidecar(ctx context.Context, tag string) ([]byte, error) {
	if err := x.Load(ctx); err != nil {
		return nil, err
	}
	var body []byte
	for tile := range x.h.NumTiles() {
		if _, data := x.packet.get(tile); data != nil {
			body = append(body, data...)
			continue
		}
		t, err := x.packets(ctx, tile)
		if err != nil && !tileFault(err) {
			return nil, err
		}
		body = appendTileIndex(body, x, t, err)
	}
	return sealSidecar(x.h, tag, body)
}

// sealSidecar makes a sidecar of its content.
func sealSidecar(h *Header, tag string, body []byte) ([]byte, error) {
	dst := []byte(sidecarMagic)
	dst = append(dst, sidecarVersion)
	dst = binary.AppendVarint(dst, h.Span.Off)
	dst = binary.AppendVarint(dst, h.Span.Len)
	digest := h.digest()
	dst = append(dst, digest[:]...)
	dst = appendString(dst, tag)
	dst = binary.AppendUvarint(dst, uint64(len(body)))
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("codestream: sidecar: %w (bug)", err)
	}
	dst = w.EncodeAll(body, dst)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst)), nil
}

// OpenSidecar makes an index of the codestream in r whose main header is h from
// what [Index.Sidecar] returned. Nothing is read from r, neither now nor by
// Select. Errors match [ErrSidecar] and say why: the data is not a sound
// sidecar, or not of a codestream of the same size and place with the same
// headers and tag.
func OpenSidecar(r io.ReaderAt, h *Header, data []byte, tag string) (*Index, error) {
	if !bytes.HasPrefix(data, []byte(sidecarMagic)) || len(data) < len(sidecarMagic)+5 {
		return nil, sidecarError("it does not begin like one")
	}
	end := len(data) - 4
	f := sidecarReader{fieldReader: fieldReader{b: data[len(sidecarMagic):end]}}
	if v := f.byte(); v != sidecarVersion {
		return nil, sidecarError("version %d", v)
	}
	if crc32.ChecksumIEEE(data[:end]) != binary.BigEndian.Uint32(data[end:]) {
		return nil, sidecarError("wrong checksum")
	}
	at := Span{f.varint(), f.varint()}
	digest := f.bytes(sha256.Size)
	own := string(f.bytes(f.count(1)))
	size := f.uvarint()
	want := h.digest()
	switch {
	case f.bad:
		return nil, sidecarError("it is truncated")
	case at != h.Span:
		return nil, sidecarError("it is of another size or place")
	case !bytes.Equal(digest, want[:]):
		return nil, sidecarError("it is of another header")
	case own != tag:
		return nil, sidecarError("its tag is %q", own)
	case size > sidecarFloor+sidecarFactor*uint64(len(data)):
		return nil, sidecarError("%d bytes in %d", size, len(data))
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("codestream: sidecar: %w (bug)", err)
	}
	defer z.Close()
	body, err := z.DecodeAll(f.b, make([]byte, 0, size))
	if err != nil || uint64(len(body)) != size {
		return nil, sidecarError("its content cannot be decompressed")
	}
	x := NewIndex(r, h)
	x.packet.tiles = make(map[int]*tilePackets)
	f = sidecarReader{fieldReader: fieldReader{b: body}}
	for tile := range h.NumTiles() {
		begin := f.b
		t, err := f.tile(x, tile)
		if err != nil {
			return nil, sidecarError("tile %d: %v", tile, err)
		}
		x.packet.tiles[tile] = t
		x.weigh(t)
		if t.small() {
			x.keepCompact(tile, begin[:len(begin)-len(f.b)])
		}
	}
	if len(f.b) != 0 {
		return nil, sidecarError("there is more than its tiles")
	}
	return x, nil
}

// digest is over everything that the main header says about where data is and
// how it is coded.
func (h *Header) digest() [sha256.Size]byte {
	b := appendSIZ(nil, h)
	b = appendTileCoding(b, h.coding())
	if h.CAP != nil {
		b = appendCAP(b, h.CAP)
	}
	b = binary.AppendVarint(b, h.FirstPart)
	for _, s := range h.Segments {
		b = binary.AppendVarint(b, int64(s.Marker))
		b = binary.AppendVarint(b, s.Span.Off)
		b = binary.AppendVarint(b, s.Span.Len)
	}
	for _, c := range h.Comments {
		b = append(b, c.Data...)
	}
	return sha256.Sum256(b)
}

// appendTileCoding appends marker segments that say what t does.
func appendTileCoding(dst []byte, t *TileCoding) []byte {
	n := len(t.Components)
	dst = appendCOD(dst, t.Coding, t.Components[0])
	dst = appendQCD(dst, t.Components[0].Quant)
	for i := range t.Components {
		c := &t.Components[i]
		if !c.sameBlocks(&t.Components[0]) {
			dst = appendCOC(dst, n, i, *c)
		}
		if !reflect.DeepEqual(c.Quant, t.Components[0].Quant) {
			dst = appendQCC(dst, n, i, c.Quant)
		}
		if c.ROIShift != 0 {
			dst = appendRGN(dst, n, i, c.ROIShift)
		}
	}
	return appendPOC(dst, n, t.Progressions)
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// The kinds of tiles in a sidecar, and what else a tile's first byte says.
const (
	sidecarFault = iota // of no use: an error
	sidecarBase         // coded as the main header says
	sidecarOwn          // with parameters of its own

	sidecarKind   = 3      // mask of the kind
	sidecarCut    = 1 << 2 // these errors are there
	sidecarDamage = 1 << 3
	sidecarWrong  = 1 << 4
)

// appendTileIndex appends what is known of a tile, or what is wrong with it.
func appendTileIndex(dst []byte, x *Index, t *tilePackets, fault error) []byte {
	if fault != nil {
		return appendFault(append(dst, sidecarFault), fault)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	kind, first := byte(sidecarBase), len(dst)
	dst = append(dst, 0)
	if t.coding != x.base() {
		kind = sidecarOwn
		coding := appendTileCoding(nil, t.coding)
		dst = append(binary.AppendUvarint(dst, uint64(len(coding))), coding...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(t.stream.spans)))
	at := int64(0)
	for _, s := range t.stream.spans {
		dst = binary.AppendVarint(dst, s.Off-at)
		dst = binary.AppendVarint(dst, s.Len)
		at = s.End()
	}
	if t.cut != nil {
		kind |= sidecarCut
		dst = appendFault(dst, t.cut)
	}
	if t.damage != nil {
		kind |= sidecarDamage
		dst = appendFault(dst, t.damage)
		dst = append(dst, begun(t.begun))
		dst = binary.AppendUvarint(dst, uint64(t.frontier.component))
		dst = binary.AppendUvarint(dst, uint64(t.frontier.resolution))
		dst = binary.AppendUvarint(dst, uint64(t.frontier.precinct))
		dst = binary.AppendUvarint(dst, uint64(t.frontier.layer))
	}
	if t.wrong != nil {
		kind |= sidecarWrong
		dst = appendFault(dst, t.wrong)
		dst = appendDirectory(dst, t.geometry, t.bad)
	}
	dst[first] = kind
	return t.store.append(dst, t.geometry)
}

func begun(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// append appends all of the store.
func (s *blockStore) append(dst []byte, g *tileGeometry) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.pages)))
	for i := range s.pages {
		dst = binary.AppendVarint(dst, s.pages[i].base)
		dst = binary.AppendUvarint(dst, uint64(len(s.pages[i].data)))
		dst = append(dst, s.pages[i].data...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.tables)))
	for _, t := range s.tables {
		dst = binary.AppendUvarint(dst, uint64(len(t)))
		for i, m := range t {
			var last groupMark
			if i > 0 {
				last = t[i-1]
			}
			dst = binary.AppendVarint(dst, int64(m.group)-int64(last.group))
			dst = binary.AppendVarint(dst, int64(m.pos)-int64(last.pos))
			dst = binary.AppendVarint(dst, int64(m.off)-int64(last.off))
		}
	}
	return appendDirectory(dst, g, s.dir)
}

// appendDirectory appends the numbers of a directory by component, resolution
// and precinct, in ascending order.
func appendDirectory(dst []byte, g *tileGeometry, d directory) []byte {
	type entry struct {
		p int64
		v uint32
	}
	var list []entry
	dst = binary.AppendUvarint(dst, uint64(len(d)))
	last := uint32(0)
	for i, c := range d {
		dst = binary.AppendUvarint(dst, uint64(len(c)))
		for r := range c {
			if grid.MulSat(g.components[i].precincts(r)) == 1 {
				dst = binary.AppendVarint(dst, int64(c[r].only)-int64(last))
				last = c[r].only
				continue
			}
			list = list[:0]
			// The function returns no error.
			_ = c[r].all(func(p int64, v uint32) error {
				list = append(list, entry{p, v})
				return nil
			})
			slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.p, b.p) })
			dst = binary.AppendUvarint(dst, uint64(len(list)))
			at := int64(-1)
			for _, e := range list {
				dst = binary.AppendUvarint(dst, uint64(e.p-at-1))
				dst = binary.AppendVarint(dst, int64(e.v)-int64(last))
				at, last = e.p, e.v
			}
		}
	}
	return dst
}

// The kinds of errors in a sidecar.
const (
	faultNone   = iota
	faultFormat // a FormatError
	faultOther
)

// faultCauses are what errors in a sidecar can unwrap to, by number.
func faultCauses() []error { return []error{nil, io.ErrUnexpectedEOF, errors.ErrUnsupported} }

// appendFault appends an error about the data, or that there is none.
func appendFault(dst []byte, err error) []byte {
	if err == nil {
		return append(dst, faultNone)
	}
	var f *FormatError
	if errors.As(err, &f) {
		dst = append(dst, faultFormat)
		dst = binary.AppendVarint(dst, f.Offset)
		dst = appendString(dst, f.Where)
		err = f.Err
	} else {
		dst = append(dst, faultOther)
	}
	cause := 0
	for i, c := range faultCauses() {
		if c != nil && errors.Is(err, c) {
			cause = i
		}
	}
	return appendString(append(dst, byte(cause)), err.Error())
}

// A storedFault is an error that was kept as text.
type storedFault struct {
	text  string
	cause error
}

func (e *storedFault) Error() string { return e.text }

func (e *storedFault) Unwrap() error { return e.cause }

// A sidecarReader takes a sidecar apart. Nothing of it is believed.
type sidecarReader struct {
	fieldReader
	shared bool // what is made of the data may keep it
}

// bytes takes n bytes.
func (f *sidecarReader) bytes(n int) []byte {
	if n > len(f.b) {
		f.b, f.bad = nil, true
		return nil
	}
	b := f.b[:n:n]
	f.b = f.b[n:]
	return b
}

// count takes a number of things of at least so many bytes each, which must be
// there.
func (f *sidecarReader) count(size int) int {
	n := f.uvarint()
	if n > uint64(len(f.b)/size) {
		f.b, f.bad = nil, true
		return 0
	}
	return int(n)
}

// fault takes an error, or nil.
func (f *sidecarReader) fault() error {
	kind := f.byte()
	if kind == faultNone {
		return nil
	}
	e := &FormatError{}
	if kind == faultFormat {
		e.Offset, e.Where = f.varint(), string(f.bytes(f.count(1)))
	}
	cause, causes := int(f.byte()), faultCauses()
	own := &storedFault{text: string(f.bytes(f.count(1)))}
	if kind > faultOther || cause >= len(causes) {
		f.bad = true
		return nil
	}
	own.cause = causes[cause]
	if e.Err = own; kind == faultFormat {
		return e
	}
	return own
}

var errTruncated = errors.New("it is truncated")

// tile takes one tile of x.
func (f *sidecarReader) tile(x *Index, tile int) (*tilePackets, error) {
	coding := x.base()
	kind := f.byte()
	switch kind & sidecarKind {
	case sidecarFault:
		fault := f.fault()
		if f.bad || fault == nil {
			return nil, errTruncated
		}
		return &tilePackets{tile: tile, fault: fault}, nil
	case sidecarOwn:
		var err error
		if coding, err = parseTileCoding(x.h, f.bytes(f.count(1))); err != nil {
			return nil, err
		}
	case sidecarBase:
	default:
		return nil, fmt.Errorf("kind %d", kind)
	}
	t, err := newTilePackets(x.h, tile, coding)
	if err != nil {
		return nil, err
	}
	spans := make([]Span, f.count(2))
	if len(spans) > maxTileParts {
		return nil, errors.New("too many tile-parts")
	}
	at, total := int64(0), int64(0)
	for i := range spans {
		s := Span{Off: at + f.varint(), Len: f.varint()}
		if s.Len < 0 || s.Len > x.h.Span.Len || s.Off < x.h.Span.Off || s.Off > x.h.Span.End()-s.Len {
			return nil, errors.New("a tile-part lies outside of the codestream")
		}
		if total += s.Len; total > x.h.Span.Len {
			return nil, errors.New("tile-parts overlap")
		}
		spans[i], at = s, s.End()
	}
	t.stream = newTileStream(x.r, spans)
	if kind&sidecarCut != 0 {
		t.cut = f.fault()
	}
	if kind&sidecarDamage != 0 {
		t.damage = f.fault()
		t.begun = f.byte() != 0
		t.frontier.component, t.frontier.resolution = int(f.uvarint()), int(f.uvarint())
		t.frontier.precinct, t.frontier.layer = int64(f.uvarint()), int(f.uvarint())
		if t.begun && !t.exists(t.frontier) {
			return nil, errors.New("a packet does not exist")
		}
	}
	if kind&sidecarWrong != 0 {
		t.wrong = f.fault()
		if t.bad, err = f.directory(t.geometry); err != nil {
			return nil, err
		}
	}
	if err := f.store(t); err != nil {
		return nil, err
	}
	if f.bad {
		return nil, errTruncated
	}
	t.done, t.lengths = true, lengthsUnused
	return t, nil
}

// exists reports whether the tile has such a packet.
func (t *tilePackets) exists(id packetID) bool {
	if id.component < 0 || id.component >= len(t.geometry.components) {
		return false
	}
	c := &t.geometry.components[id.component]
	if id.resolution < 0 || id.resolution > c.levels {
		return false
	}
	return id.precinct >= 0 && id.precinct < grid.MulSat(c.precincts(id.resolution)) &&
		id.layer >= 0 && id.layer < t.coding.Layers
}

// parseTileCoding reads what appendTileCoding wrote.
func parseTileCoding(h *Header, data []byte) (*TileCoding, error) {
	var set codingSet
	for len(data) > 0 {
		if len(data) < 4 {
			return nil, errTruncated
		}
		n := 2 + int(binary.BigEndian.Uint16(data[2:]))
		if n < 4 || n > len(data) {
			return nil, errTruncated
		}
		f := &fields{marker: Marker(binary.BigEndian.Uint16(data)), data: data[4:n]}
		if own, err := set.add(f, h); err != nil {
			return nil, err
		} else if !own {
			return nil, fmt.Errorf("a segment %v", f.marker)
		}
		data = data[n:]
	}
	if set.coding == nil || set.qcd == nil {
		return nil, errors.New("no coding parameters")
	}
	t := &TileCoding{Components: make([]ComponentCoding, len(h.Components))}
	return t, set.over(t)
}

// directory takes a directory of a tile's precincts.
func (f *sidecarReader) directory(g *tileGeometry) (directory, error) {
	var d directory
	components := f.count(1)
	if components > len(g.components) {
		return nil, errors.New("too many components")
	}
	v := int64(0)
	for c := range components {
		resolutions := f.count(1)
		if resolutions > g.components[c].levels+1 {
			return nil, errors.New("too many resolutions")
		}
		for r := range resolutions {
			count := uint64(grid.MulSat(g.components[c].precincts(r)))
			if count == 1 {
				if v += f.varint(); v < 0 || v > 1<<32-1 {
					return nil, errors.New("a precinct is nowhere")
				}
				if v > 0 {
					d.set(g, c, r, 0, uint32(v))
				}
				continue
			}
			p := uint64(0)
			for range f.count(2) {
				gap := f.uvarint()
				if gap >= count || p+gap >= count {
					return nil, errors.New("a precinct does not exist")
				}
				p += gap
				if v += f.varint(); v <= 0 || v > 1<<32-1 {
					return nil, errors.New("a precinct is nowhere")
				}
				d.set(g, c, r, int64(p), uint32(v))
				p++
			}
		}
	}
	return d, nil
}

// store takes a tile's store. What its records say is checked when they are
// used.
func (f *sidecarReader) store(t *tilePackets) error {
	t.store.pages = make([]storePage, f.count(2))
	for i := range t.store.pages {
		p := &t.store.pages[i]
		p.base = f.varint()
		n := f.count(1)
		if n > pageSize {
			return errors.New("a page is too large")
		}
		if p.data = f.bytes(n); !f.shared {
			p.data = bytes.Clone(p.data)
		}
	}
	t.store.tables = make([][]groupMark, f.count(1))
	for i := range t.store.tables {
		table := make([]groupMark, f.count(3))
		var group, pos, off int64
		for k := range table {
			group, pos, off = group+f.varint(), pos+f.varint(), off+f.varint()
			table[k] = groupMark{uint32(group), uint32(pos), uint32(off)}
		}
		t.store.tables[i] = table
	}
	var err error
	t.store.dir, err = f.directory(t.geometry)
	return err
}
