// This file draws the picture: something like a photograph, with large shapes,
// texture at all scales, some hard edges and grain, so that an encoder spends
// its bits where it does in photographs. Any row is drawn by itself.

package images

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// octaves is how many scales of texture there are: cells of 1<<9 samples down
// to 1<<2, each with 0.62 of the contrast of the one before.
const octaves = 8

// A painter draws rows of one picture. It is not safe for concurrent use.
type painter struct {
	width, components int
	texture           []float32 // of one row, and one more row for each chroma
	chroma            [2][]float32
}

func newPainter(width, components int) *painter {
	p := &painter{width: width, components: components, texture: make([]float32, width)}
	for i := range p.chroma {
		p.chroma[i] = make([]float32, width)
	}
	return p
}

// row draws row y into dst, interleaved samples of 8 bits.
func (p *painter) row(dst []byte, y int) {
	clear(p.texture)
	amplitude := float32(52)
	for n := range octaves {
		addNoise(p.texture, y, 9-n, uint32(n), amplitude)
		amplitude *= 0.62
	}
	if p.components == 1 {
		for x, v := range p.texture {
			dst[x] = level(128 + v + edges(x, y) + grain(x, y))
		}
		return
	}
	for i, c := range p.chroma {
		clear(c)
		addNoise(c, y, 10, uint32(100+i), 48)
		addNoise(c, y, 7, uint32(110+i), 14)
	}
	for x, v := range p.texture {
		v += 128 + edges(x, y) + grain(x, y)
		u, w := p.chroma[0][x], p.chroma[1][x]
		dst[3*x] = level(v + u)
		dst[3*x+1] = level(v - 0.4*u - 0.3*w)
		dst[3*x+2] = level(v + w)
	}
}

// addNoise adds value noise with cells of 1<<shift samples to a row.
func addNoise(row []float32, y, shift int, seed uint32, amplitude float32) {
	size := 1 << shift
	fy := smooth(float32(y&(size-1)) / float32(size))
	at := func(cx int) float32 {
		a, b := lattice(cx, y>>shift, seed), lattice(cx, y>>shift+1, seed)
		return amplitude * (a + (b-a)*fy)
	}
	left := at(0)
	for x0 := 0; x0 < len(row); x0 += size {
		right := at(x0>>shift + 1)
		step := (right - left) / float32(size)
		v := left
		for x := x0; x < min(x0+size, len(row)); x++ {
			row[x] += v
			v += step
		}
		left = right
	}
}

// edges is a pattern of discs with hard edges, one in most squares of 512.
func edges(x, y int) float32 {
	cx, cy := x>>9, y>>9
	h := hash(cx, cy, 77)
	r := int(h&127) + 60
	dx, dy := x&511-(200+int(h>>8&127)), y&511-(200+int(h>>16&127))
	if dx*dx+dy*dy < r*r {
		return float32(int(h>>24)&63) - 32
	}
	return 0
}

// grain is noise of a sample, from -2 to 2.
func grain(x, y int) float32 {
	return float32(hash(x, y, 5)%5) - 2
}

// lattice is a value from -1 to 1 for a corner of a cell.
func lattice(x, y int, seed uint32) float32 {
	return float32(hash(x, y, seed)>>8)/(1<<23) - 1
}

// hash mixes coordinates; the result is the same everywhere.
func hash(x, y int, seed uint32) uint32 {
	h := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77 ^ seed*0xc2b2ae3d
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	return h ^ h>>15
}

func smooth(v float32) float32 { return v * v * (3 - 2*v) }

func level(v float32) byte { return byte(min(max(v+0.5, 0), 255)) }

// WritePNM writes the picture of that size as PGM or PPM, of 1 or 3 components,
// in bands of rows that are drawn in parallel. Memory does not depend on height.
func WritePNM(w io.Writer, width, height, components int) error {
	kind := map[int]string{1: "P5", 3: "P6"}[components]
	if kind == "" {
		return fmt.Errorf("images: no PNM of %d components", components)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n%d %d\n255\n", kind, width, height)

	const band = 16
	stride := width * components
	painters := make([]*painter, runtime.GOMAXPROCS(0))
	rows := make([][]byte, len(painters))
	for i := range painters {
		painters[i] = newPainter(width, components)
		rows[i] = make([]byte, band*stride)
	}
	for y := 0; y < height; y += band * len(painters) {
		var wait sync.WaitGroup
		for i, p := range painters {
			first, end := min(y+i*band, height), min(y+(i+1)*band, height)
			rows[i] = rows[i][:(end-first)*stride]
			wait.Go(func() {
				for r := first; r < end; r++ {
					p.row(rows[i][(r-first)*stride:][:stride], r)
				}
			})
		}
		wait.Wait()
		for _, b := range rows {
			if _, err := out.Write(b); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}
