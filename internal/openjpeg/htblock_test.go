//go:build cgo

// This file decodes High-Throughput code-blocks of any bytes.

package openjpeg

import (
	"encoding/binary"
	"image"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/codestream"
)

// An htBlock is a code-block that is all of a codestream without a transform, of
// 30 magnitude bit-planes.
type htBlock struct {
	size       image.Point
	zero       int // missing bit-planes
	causal     bool
	cleanup    []byte
	refinement []byte
	passes     int // 1 to 3
}

// A bitWriter writes packet headers: a byte after 0xff has seven bits (B.10.1).
type bitWriter struct {
	b    []byte
	left int // bits of the last byte
}

func (w *bitWriter) bits(v, n int) {
	for n--; n >= 0; n-- {
		if w.left == 0 {
			w.left = 8
			if len(w.b) > 0 && w.b[len(w.b)-1] == 0xff {
				w.left = 7
			}
			w.b = append(w.b, 0)
		}
		w.left--
		w.b[len(w.b)-1] |= byte(v>>n&1) << w.left
	}
}

// stream is the codestream.
func (k *htBlock) stream() []byte {
	g := geometry{image.Rectangle{Max: k.size}, 1, 0, 6, 0, true, 1}
	s := g.stream()
	s = s[:len(s)-3] // the body of one byte, and EOC
	const siz, cod, qcd = 2 + 4 + 36, 2 + 4 + 39 + 4, 2 + 4 + 39 + 14 + 4
	s[siz] = 0x80 | 30 // signed, 31 bits
	s[cod+6], s[cod+7] = 0, 0
	for i, n := range []int{k.size.X, k.size.Y} {
		s[cod+6+i] = byte(max(bits.Len(uint(n-1)), 2) - 2)
	}
	s[cod+8] = styleHT
	if k.causal {
		s[cod+8] |= byte(codestream.VSC)
	}
	s[qcd], s[qcd+1] = 1<<5, 30<<3

	var w bitWriter
	w.bits(0b11, 2) // the packet has something: the block
	w.bits(1, k.zero+1)
	w.bits([]int{0b0, 0b10, 0b1100}[k.passes-1], []int{1, 2, 4}[k.passes-1])
	more := bits.Len(uint(k.passes-1)) - 1 // of the second length
	lblock := max(3, bits.Len(uint(len(k.cleanup))))
	if k.passes > 1 {
		lblock = max(lblock, bits.Len(uint(len(k.refinement)))-more)
	}
	w.bits(1<<(lblock-3+1)-2, lblock-3+1)
	w.bits(len(k.cleanup), lblock)
	if k.passes > 1 {
		w.bits(len(k.refinement), lblock+more)
	}
	body := append(w.b, k.cleanup...)
	if k.passes > 1 {
		body = append(body, k.refinement...)
	}
	binary.BigEndian.PutUint32(s[len(s)-2-6:], uint32(14+len(body)))
	return append(append(s, body...), 0xff, 0xd9)
}

// decode decodes the block. Samples are those of an error, too.
func (k *htBlock) decode(t *testing.T) ([]int32, error) {
	live := Live()
	d, err := Open(k.stream(), 1)
	require.NoError(t, err)
	p := newPlane(image.Rectangle{Max: k.size}, 31, true)
	err = d.DecodeAll([]Plane{p})
	requireGuards(t, []Plane{p})
	d.Close()
	require.Equal(t, live, Live())
	var samples []int32
	for y := range k.size.Y {
		for x := range k.size.X {
			samples = append(samples, p.at(x, y))
		}
	}
	return samples, err
}

// silence is a cleanup segment of n bytes whose MEL segment says that no quad has
// anything.
func silence(n int) []byte {
	s := make([]byte, n)
	s[n-2], s[n-1] = 0xf2, 0
	return s
}

func TestHighThroughputSilence(t *testing.T) {
	for _, size := range []image.Point{{X: 1, Y: 1}, {X: 64, Y: 64}, {X: 3, Y: 1024}, {X: 1024, Y: 4}, {X: 37, Y: 53}} {
		for passes := 1; passes <= 3; passes++ {
			k := htBlock{size: size, zero: 5, cleanup: silence(9), refinement: []byte{0xff, 0x7f, 3}, passes: passes}
			samples, err := k.decode(t)
			require.NoError(t, err)
			for _, v := range samples {
				require.Zero(t, v)
			}
		}
	}
}

// Windows of such blocks are not to be had: OpenJPEG's would be all zero.
func TestHighThroughputWindow(t *testing.T) {
	k := htBlock{size: image.Pt(20, 20), zero: 5, cleanup: silence(9), passes: 1}
	d := open(t, k.stream())
	area := image.Rect(0, 0, 20, 10)
	require.ErrorContains(t, d.Decode(area, []Plane{newPlane(area, 31, true)}), "window")
}

// checkBlock decodes a block that CheckHT lets pass. Whatever the bytes, there is
// an error or there are samples.
func checkBlock(t *testing.T, k *htBlock) bool {
	if CheckHT(k.cleanup) != nil {
		return false
	}
	if _, err := k.decode(t); err != nil {
		require.ErrorIs(t, err, codestream.ErrFormat)
		return false
	}
	return true
}

// Bytes at random decode, more often than not, where the segment that says which
// quads have anything says that few have.
func TestHighThroughputNoise(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	decoded := 0
	for range 2000 {
		k := htBlock{size: image.Pt(1+rnd.IntN(64), 1+rnd.IntN(64)), zero: rnd.IntN(30), passes: 1 + rnd.IntN(3),
			causal: rnd.IntN(4) == 0, cleanup: make([]byte, 2+rnd.IntN(300)), refinement: make([]byte, rnd.IntN(100))}
		if k.zero == 29 {
			k.passes = 1
		}
		noise := byte(rnd.Uint32() | rnd.Uint32())
		for i := range k.cleanup {
			k.cleanup[i] = byte(rnd.Uint32()) | noise
		}
		for i := range k.refinement {
			k.refinement[i] = byte(rnd.Uint32())
		}
		n := len(k.cleanup)
		scup := 2 + rnd.IntN(n-1)
		k.cleanup[n-2], k.cleanup[n-1] = k.cleanup[n-2]&0xf0|byte(scup&15), byte(scup>>4)
		if checkBlock(t, &k) {
			decoded++
		}
	}
	require.Greater(t, decoded, 50)
}

func FuzzHighThroughput(f *testing.F) {
	f.Add(uint16(63), uint16(63), uint8(3), silence(20), []byte{})
	f.Add(uint16(3), uint16(1023), uint8(3|1<<6), silence(20), []byte{1, 2, 3})
	f.Add(uint16(33), uint16(18), uint8(10|2<<6), append([]byte{1, 2, 3, 4, 0xff, 0xff, 0x55}, silence(40)...), []byte{0xff, 0x7f, 3})
	f.Fuzz(func(t *testing.T, w, h uint16, how uint8, cleanup, refinement []byte) {
		k := htBlock{size: image.Pt(1+int(w)%1024, 1+int(h)%1024), zero: min(int(how&31), 29), causal: how&32 != 0,
			passes: 1 + int(how>>6)%3, cleanup: cleanup, refinement: refinement}
		// A block has 2^12 samples at most, its sides being powers of two.
		for k.size.X > 1<<(12-max(bits.Len(uint(k.size.Y-1)), 2)) {
			k.size.X = (k.size.X + 1) / 2
		}
		if len(cleanup)+len(refinement) < 1<<14 {
			checkBlock(t, &k)
		}
	})
}
