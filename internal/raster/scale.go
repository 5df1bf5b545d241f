package raster

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// This file implements taking samples of any depth and sign to 8 or 16 bits.

// A Sample is how decoded samples lie in memory: []uint8 for unsigned samples
// of up to 8 bits, []uint16 for up to 16, []int32 for all others.
type Sample interface{ uint8 | uint16 | int32 }

// tableDepth is the largest depth that is scaled by a table: 16 KiB to 8 bits,
// which stays in the nearest cache.
const tableDepth = 14

// A Scale maps samples onto [0, 255] or [0, 65535]: the smallest becomes 0, the
// largest the largest, rounded to nearest between. Samples beyond these, which
// lossy decoding makes, are clamped.
type Scale struct {
	offset  int64                    // makes the smallest 0
	max     int64                    // what the largest then is
	inverse uint64                   // 2^64/max, rounded up, for 1 < max < 1<<16
	to8     *[1 << tableDepth]uint8  // for max < 1<<tableDepth
	to16    *[1 << tableDepth]uint16 // likewise
}

// ScaleMemory bounds the bytes of a Scale.
const ScaleMemory = 3<<tableDepth + 256

// NewScale makes the tables for samples of a depth of 1 to 32 bits. Signed
// samples are in [-1<<(depth-1), 1<<(depth-1)).
func NewScale(depth int, signed bool) *Scale {
	if depth < 1 || depth > 32 {
		panic("raster: impossible depth (bug)")
	}
	if signed {
		return NewScaleBetween(-1<<(depth-1), 1<<(depth-1)-1)
	}
	return NewScaleBetween(0, 1<<depth-1)
}

// NewScaleBetween makes the tables for samples whose black is lo and whose
// white is hi, greater than lo by less than 1<<32.
func NewScaleBetween(lo, hi int64) *Scale {
	s := &Scale{offset: -lo, max: hi - lo}
	if s.max > 1 && s.max < 1<<16 {
		s.inverse = math.MaxUint64/uint64(s.max) + 1
	}
	if s.max < 1<<tableDepth {
		s.to8, s.to16 = new([1 << tableDepth]uint8), new([1 << tableDepth]uint16)
		for v := range s.max + 1 {
			s.to8[v] = uint8(scaled(v, s.max, 255))
			s.to16[v] = uint16(scaled(v, s.max, 65535))
		}
	}
	return s
}

// NewExtendedScale is for e-sRGB, PIMA 7667 (bg-sRGB of IEC 61966-2-1), in
// samples of 10 to 16 bits, whose black and white leave room for colours
// outside of sRGB: at 10 bits they are 384 and 894. Those colours are clamped.
func NewExtendedScale(depth int) *Scale {
	black := int64(3) << (depth - 3)
	return NewScaleBetween(black, black+255<<(depth-9))
}

// NewChromaScale is for chroma of 8 to 32 bits that is to be that of JPEG: none of
// it is at 128 of 8 bits, and at the middle of any other depth.
func NewChromaScale(depth int, signed bool) *Scale {
	most, middle := int64(1)<<depth-1, int64(1)<<(depth-1)
	lo := int64(math.Floor(float64(middle) - 128*float64(most)/255 + 0.5))
	if signed {
		lo -= middle
	}
	return NewScaleBetween(lo, lo+most)
}

// Bytes reports whether samples of 8 bits stay what they are.
func (s *Scale) Bytes() bool { return s.offset == 0 && s.max == 255 }

// scaled is v of [0, max] in [0, to], rounded; halves go up.
func scaled(v, max, to int64) int64 {
	return int64((uint64(v)*uint64(to) + uint64(max)/2) / uint64(max))
}

// scaled is the same by a multiplication with 2^64/max, rounded up. The error
// of that is less than max/2^64 for each of at most 1<<32 units of what is
// multiplied, so that nothing is carried.
func (s *Scale) scaled(v, to int64) int64 {
	if s.inverse == 0 {
		return scaled(v, s.max, to)
	}
	q, _ := bits.Mul64(uint64(v)*uint64(to)+uint64(s.max)/2, s.inverse)
	return int64(q)
}

// from16 is scaled(v, 65535, 255) without a division.
func from16(v uint16) uint8 { return uint8((uint32(v)*255 + 32895) >> 16) }

// Scale8 writes samples as bytes, the first at dst[0] and each next step bytes
// on: with step 4, a channel of interleaved pixels. It writes len(src) samples.
func Scale8[S Sample](dst []byte, step int, src []S, s *Scale) {
	if len(src) == 0 {
		return
	}
	_ = dst[(len(src)-1)*step]
	switch src := any(src).(type) {
	case []uint8:
		if s.Bytes() {
			spread(dst, step, src)
			return
		}
	case []uint16:
		if s.offset == 0 && s.max == 65535 {
			for i, v := range src {
				dst[i*step] = from16(v)
			}
			return
		}
	}
	at := 0
	if s.to8 != nil && s.offset == 0 && S(0)-1 > 0 { // unsigned
		last, table := int(s.max), s.to8
		for _, v := range src {
			dst[at] = table[min(int(v), last)&(1<<tableDepth-1)]
			at += step
		}
		return
	}
	if s.to8 != nil {
		last, offset, table := s.max, s.offset, s.to8
		for _, v := range src {
			dst[at] = table[min(max(int64(v)+offset, 0), last)&(1<<tableDepth-1)]
			at += step
		}
		return
	}
	for _, v := range src {
		dst[at] = uint8(s.scaled(min(max(int64(v)+s.offset, 0), s.max), 255))
		at += step
	}
}

// spread writes bytes as they are.
func spread(dst []byte, step int, src []uint8) {
	if step == 1 {
		copy(dst, src)
		return
	}
	for i, v := range src {
		dst[i*step] = v
	}
}

// Scale16 writes samples as big-endian 16-bit numbers, the first at dst[0] and
// each next step bytes on. It writes len(src) samples.
func Scale16[S Sample](dst []byte, step int, src []S, s *Scale) {
	if len(src) == 0 {
		return
	}
	_ = dst[(len(src)-1)*step+1]
	if src, ok := any(src).([]uint16); ok && s.offset == 0 && s.max == 65535 {
		for i, v := range src {
			binary.BigEndian.PutUint16(dst[i*step:], v)
		}
		return
	}
	at := 0
	if s.to16 != nil {
		last, offset, table := s.max, s.offset, s.to16
		for _, v := range src {
			binary.BigEndian.PutUint16(dst[at:],
				table[min(max(int64(v)+offset, 0), last)&(1<<tableDepth-1)])
			at += step
		}
		return
	}
	for _, v := range src {
		v := s.scaled(min(max(int64(v)+s.offset, 0), s.max), 65535)
		binary.BigEndian.PutUint16(dst[at:], uint16(v))
		at += step
	}
}

// Narrow takes pixels of big-endian 16-bit channels to 8 bits, rounded. It
// writes len(dst) samples; dst may begin where src does.
func Narrow(dst, src []byte) {
	src = src[:2*len(dst)]
	// Two samples in the lanes of a word, two words at a time.
	for len(dst) >= 4 && len(src) >= 8 {
		x := binary.BigEndian.Uint64(src)
		a := (x>>16&(0xFFFF*lanes)*255 + 32895*lanes) >> 16 & lowBytes
		b := (x&(0xFFFF*lanes)*255 + 32895*lanes) >> 16 & lowBytes
		x = a<<8 | b
		binary.BigEndian.PutUint32(dst, uint32(x>>16|x))
		dst, src = dst[4:], src[8:]
	}
	for i := range dst {
		dst[i] = from16(binary.BigEndian.Uint16(src))
		src = src[2:]
	}
}
