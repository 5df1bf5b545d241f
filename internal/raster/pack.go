package raster

import "encoding/binary"

// This file implements interleaving planes into pixels and taking pixels apart.
// Scale8 and Scale16 with a step do the same for samples that need scaling.

// PackRGBX interleaves three planes with 255 for the fourth byte. It writes
// len(dst)/4 pixels.
func PackRGBX(dst []byte, r, g, b []uint8) {
	n := len(dst) / 4
	dst, r, g, b = dst[:4*n], r[:n], g[:n], b[:n]
	for i, v := range r {
		binary.LittleEndian.PutUint32(dst[4*i:],
			uint32(v)|uint32(g[i])<<8|uint32(b[i])<<16|255<<24)
	}
}

// PackNRGBA interleaves four planes: colours and opacity, or inks. It writes
// len(dst)/4 pixels.
func PackNRGBA(dst []byte, r, g, b, a []uint8) {
	n := len(dst) / 4
	dst, r, g, b, a = dst[:4*n], r[:n], g[:n], b[:n], a[:n]
	for i, v := range r {
		binary.LittleEndian.PutUint32(dst[4*i:],
			uint32(v)|uint32(g[i])<<8|uint32(b[i])<<16|uint32(a[i])<<24)
	}
}

// PackRGBX16 interleaves three planes of 16 bits into big-endian pixels, with
// 65535 for the fourth channel. It writes len(dst)/8 pixels.
func PackRGBX16(dst []byte, r, g, b []uint16) {
	n := len(dst) / 8
	dst, r, g, b = dst[:8*n], r[:n], g[:n], b[:n]
	for i, v := range r {
		binary.BigEndian.PutUint64(dst[8*i:],
			uint64(v)<<48|uint64(g[i])<<32|uint64(b[i])<<16|0xFFFF)
	}
}

// Fill sets every step-th byte, the first at dst[0], to v: the opacity of
// opaque pixels. It sets n bytes.
func Fill(dst []byte, step, n int, v byte) {
	for i := range n {
		dst[i*step] = v
	}
}

// Spread8 makes opaque pixels of four bytes of grey ones. It writes len(dst)/4
// pixels.
func Spread8(dst, src []byte) {
	n := len(dst) / 4
	dst, src = dst[:4*n], src[:n]
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], uint32(v)*0x010101|255<<24)
	}
}

// Spread16 is Spread8 for big-endian 16-bit channels.
func Spread16(dst, src []byte) {
	n := len(dst) / 8
	dst, src = dst[:8*n], src[:2*n]
	for ; len(dst) >= 8 && len(src) >= 2; dst, src = dst[8:], src[2:] {
		v := uint64(binary.BigEndian.Uint16(src))
		binary.BigEndian.PutUint64(dst, v*0x0001000100010000|0xFFFF)
	}
}

// Unpack takes one channel out of interleaved pixels of step bytes, the first
// at src[0]. It writes len(dst) samples.
func Unpack(dst []uint8, src []byte, step int) {
	if len(dst) == 0 {
		return
	}
	_ = src[(len(dst)-1)*step]
	for i := range dst {
		dst[i] = src[i*step]
	}
}

// RGB writes the first three of every four bytes, for formats without a fourth.
// It writes len(dst)/3 pixels; dst may begin where src does.
func RGB(dst, src []byte) {
	n := len(dst) / 3
	src = src[:4*n]
	for len(dst) >= 12 && len(src) >= 16 {
		s, d := (*[16]byte)(src), (*[12]byte)(dst)
		p0, p1 := binary.LittleEndian.Uint32(s[0:]), binary.LittleEndian.Uint32(s[4:])
		p2, p3 := binary.LittleEndian.Uint32(s[8:]), binary.LittleEndian.Uint32(s[12:])
		binary.LittleEndian.PutUint32(d[0:], p0&0xFFFFFF|p1<<24)
		binary.LittleEndian.PutUint32(d[4:], p1>>8&0xFFFF|p2<<16)
		binary.LittleEndian.PutUint32(d[8:], p2>>16&0xFF|p3<<8)
		dst, src = dst[12:], src[16:]
	}
	for ; len(src) >= 4; dst, src = dst[3:], src[4:] {
		d, s := (*[3]byte)(dst), (*[4]byte)(src)
		d[0], d[1], d[2] = s[0], s[1], s[2]
	}
}
