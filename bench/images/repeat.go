// This file implements untiled images that are too large to compress: a smaller
// one's packets, over and over.

package images

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
)

// A Repeated is a bare codestream of one tile, in which the precincts of another
// untiled image come again and again. A packet, header and all, depends on its
// precinct alone (B.9, B.10), so that packets can be copied as long as precincts
// come at the same places of every repetition.
//
// The other image must start at the origin, in one tile-part, have no subsampled
// components, packets in the order RPCL, and PLT.
type Repeated struct {
	Name          string
	Of            Image
	Width, Height int
}

// Untiled images of colour with 2 bits a pixel, precincts and PLT.
var (
	// Wide has 210 megapixels.
	Wide = Repeated{"untiled-lossy-210-rgb-plt.j2k", UntiledLossyPLT, 20480, 10240}
	// Huge has 10,066 megapixels, in 2.6 GB.
	Huge = Repeated{"untiled-lossy-10066-rgb-plt.j2k", UntiledLossyPLT, 102400, 98304}
)

// Small is the same kind of image with 17 megapixels.
func (m Repeated) Small() Repeated {
	return Repeated{"small-" + m.Name, m.Of.Small(), 4096, 4096}
}

// File is the path of the image in the folder dir, made if it is not there yet.
func (m Repeated) File(dir string) (string, error) {
	return derive(dir, m.Name, m.Of, m.write)
}

// derive makes a file of another image's unless it is there.
func derive(dir, name string, of Image, write func(io.Writer, *jp2.File) error) (string, error) {
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	source, err := of.File(dir)
	if err != nil {
		return "", err
	}
	f, err := jp2.Open(source)
	if err != nil {
		return "", err
	}
	defer f.Close()
	temp, err := os.CreateTemp(dir, "making")
	if err != nil {
		return "", err
	}
	defer os.Remove(temp.Name())
	w := bufio.NewWriterSize(temp, 1<<20)
	if err := errors.Join(write(w, f), w.Flush(), temp.Close()); err != nil {
		return "", fmt.Errorf("images: %s: %w", name, err)
	}
	return path, os.Rename(temp.Name(), path)
}

// A packet is where it lies in the body of the tile-part.
type packet struct{ off, length int }

func (m Repeated) write(w io.Writer, f *jp2.File) error {
	h := f.Header
	p := make([]byte, h.Span.Len)
	if _, err := f.Source().ReadAt(p, h.Span.Off); err != nil {
		return err
	}
	head, rest := p[:h.FirstPart-h.Span.Off], p[h.FirstPart-h.Span.Off:]
	lengths, body, err := packetLengths(rest)
	if err != nil {
		return err
	}
	grids, err := m.grids(h)
	if err != nil {
		return err
	}
	var packets []packet
	for _, n := range lengths {
		off := 0
		if k := len(packets); k > 0 {
			off = packets[k-1].off + packets[k-1].length
		}
		packets = append(packets, packet{off, n})
	}

	// In RPCL the packets of all components and layers at one place are neighbours
	// (B.12.1.3), and places come row by row.
	each := len(h.Components) * h.Coding.Layers
	var order []packet
	first, size := 0, 0
	for _, g := range grids {
		for y := range g.to.Y {
			for x := range g.to.X {
				at := first + ((y%g.period.Y)*g.from.X+x%g.period.X)*each
				if at+each > len(packets) {
					return errors.New("PLT has too few packets")
				}
				for _, q := range packets[at:][:each] {
					order = append(order, q)
					size += q.length
				}
			}
		}
		first += g.from.X * g.from.Y * each
	}
	if first != len(packets) {
		return fmt.Errorf("PLT has %d packets, not %d", len(packets), first)
	}

	lengthsOut := writePLT(order)
	size += 12 + len(lengthsOut) + 2
	if int64(size) > 1<<32-1 {
		size = 0 // until EOC (A.4.2)
	}
	part := binary.BigEndian.AppendUint16(nil, uint16(codestream.SOT))
	part = append(part, 0, 10, 0, 0)
	part = binary.BigEndian.AppendUint32(part, uint32(size))
	part = append(part, 0, 1)
	part = append(part, lengthsOut...)
	part = append(part, 0xFF, 0x93)
	if err := m.writeHeader(w, h, head); err != nil {
		return err
	}
	if _, err := w.Write(part); err != nil {
		return err
	}
	for _, q := range order {
		if _, err := w.Write(body[q.off:][:q.length]); err != nil {
			return err
		}
	}
	_, err = w.Write([]byte{0xFF, 0xD9})
	return err
}

// writeHeader writes the main header without TLM and with another size.
func (m Repeated) writeHeader(w io.Writer, h *codestream.Header, head []byte) error {
	if _, err := w.Write([]byte{0xFF, 0x4F}); err != nil {
		return err
	}
	for _, s := range h.Segments {
		if s.Marker == codestream.SOC || s.Marker == codestream.TLM {
			continue
		}
		p := head[s.Span.Off-h.Span.Off:][:s.Span.Len]
		if s.Marker == codestream.SIZ {
			// A.5.1: Xsiz and Ysiz follow the marker, Lsiz and Rsiz; XTsiz and
			// YTsiz come after the offsets.
			for i, v := range []int{m.Width, m.Height} {
				binary.BigEndian.PutUint32(p[6+4*i:], uint32(v))
				binary.BigEndian.PutUint32(p[22+4*i:], uint32(v))
			}
		}
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// A grid is how many precincts a resolution has.
type grid struct {
	from   image.Point // in the image that is repeated
	period image.Point // of which so many, that are whole, are repeated
	to     image.Point // in the result
}

// grids are those of every resolution, lowest first.
func (m Repeated) grids(h *codestream.Header) ([]grid, error) {
	c := h.Components[0]
	size := h.Bounds.Size()
	if h.Bounds.Min != (image.Point{}) || h.NumTiles() != 1 || h.Coding.Progression != codestream.RPCL {
		return nil, fmt.Errorf("%s cannot be repeated", m.Of.Name)
	}
	// The reference grid points of the largest precinct: the period's unit.
	unit := image.Pt(1, 1)
	for r, p := range c.Precincts {
		unit.X = max(unit.X, 1<<(int(p.PPx)+c.Levels-r))
		unit.Y = max(unit.Y, 1<<(int(p.PPy)+c.Levels-r))
	}
	whole := image.Pt(size.X/unit.X*unit.X, size.Y/unit.Y*unit.Y)
	if whole.X == 0 || whole.Y == 0 || m.Width%unit.X != 0 || m.Height%unit.Y != 0 {
		return nil, fmt.Errorf("%s repeats in steps of %v", m.Of.Name, unit)
	}
	var grids []grid
	for r, p := range c.Precincts {
		count := func(s image.Point) image.Point {
			down := c.Levels - r
			w, h := (s.X+1<<down-1)>>down, (s.Y+1<<down-1)>>down
			return image.Pt((w+1<<p.PPx-1)>>p.PPx, (h+1<<p.PPy-1)>>p.PPy)
		}
		grids = append(grids, grid{count(size), count(whole), count(image.Pt(m.Width, m.Height))})
	}
	return grids, nil
}

// packetLengths reads PLT (A.7.3) from the header of a tile-part, and returns the
// body as well.
func packetLengths(part []byte) (lengths []int, body []byte, err error) {
	for p := part; len(p) >= 4; {
		marker := codestream.Marker(binary.BigEndian.Uint16(p))
		if marker == codestream.SOD {
			return lengths, p[2:], nil
		}
		n := int(binary.BigEndian.Uint16(p[2:])) + 2
		if n > len(p) {
			break
		}
		if marker == codestream.PLT {
			v := 0
			for _, b := range p[5:n] {
				v = v<<7 | int(b&0x7F)
				if b < 0x80 {
					lengths, v = append(lengths, v), 0
				}
			}
		}
		p = p[n:]
	}
	return nil, nil, io.ErrUnexpectedEOF
}

// writePLT is the PLT segments of some packets.
func writePLT(packets []packet) []byte {
	var out, segment []byte
	count := byte(0)
	flush := func() {
		out = binary.BigEndian.AppendUint16(out, uint16(codestream.PLT))
		out = binary.BigEndian.AppendUint16(out, uint16(len(segment)+3))
		out = append(append(out, count), segment...)
		segment = segment[:0]
		count++
	}
	for _, q := range packets {
		if len(segment) > 65000 {
			flush()
		}
		for shift := 28; shift > 0; shift -= 7 {
			if q.length>>shift > 0 {
				segment = append(segment, 0x80|byte(q.length>>shift))
			}
		}
		segment = append(segment, byte(q.length&0x7F))
	}
	flush()
	return out
}
