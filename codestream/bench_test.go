package codestream_test

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// benchImages are options of opj_compress for what an index costs: 9 megapixels
// of a grey image that is as noisy as a scan.
var benchImages = []struct{ name, options string }{
	{"untiled", ""},
	{"untiled, lossy", "-I -r 8"},
	{"untiled, blocks of 32", "-b 32,32"},
	{"precincts", "-c [128,128] -p RPCL"},
	{"precincts, lossy", "-c [128,128] -p RPCL -I -r 8"},
	{"3 layers", "-r 10,5,1"},
	{"3 layers, lossy", "-I -r 40,20,10"},
	{"12 layers, lossy", "-I -r 400,300,200,150,100,80,60,50,40,30,20,10"},
	{"tiles", "-t 256,256"},
	{"tiles, lossy", "-t 256,256 -I -r 8"},
	{"tiles, blocks of 32", "-t 256,256 -b 32,32"},
	{"SOP and EPH", "-SOP -EPH -c [128,128] -p RPCL"},
}

// benchImage is a grey image, as PGM: smooth, with edges and noise.
func benchImage(w, h int) []byte {
	rng := rand.New(rand.NewPCG(5, 6))
	b := fmt.Appendf(make([]byte, 0, w*h+20), "P5\n%d %d\n255\n", w, h)
	noise := rng.Uint64()
	for y := range h {
		for x := range w {
			v := 60 + (x>>4+y>>5)&63
			if (x>>6^y>>7)&3 == 0 {
				v += 60
			}
			noise ^= noise << 13
			noise ^= noise >> 7
			noise ^= noise << 17
			b = append(b, byte(v+int(noise&15)))
		}
	}
	return b
}

// BenchmarkIndex makes the whole index of images of several layouts. It reports
// the codestream read a second, what the index takes of the heap for each
// code-block, and for each tile.
func BenchmarkIndex(b *testing.B) {
	if _, err := exec.LookPath("opj_compress"); err != nil {
		b.Skip("there is no opj_compress")
	}
	dir := b.TempDir()
	in := filepath.Join(dir, "in.pgm")
	require.NoError(b, os.WriteFile(in, benchImage(3072, 3072), 0o600))
	for i, k := range benchImages {
		b.Run(k.name, func(b *testing.B) {
			out := filepath.Join(dir, fmt.Sprintf("%d.j2k", i))
			if _, err := os.Stat(out); err != nil {
				args := append([]string{"-i", in, "-o", out}, strings.Fields(k.options)...)
				msg, err := exec.CommandContext(b.Context(), "opj_compress", args...).CombinedOutput()
				require.NoError(b, err, "%s", msg)
			}
			data, err := os.ReadFile(out)
			require.NoError(b, err)
			at := codestream.Span{Len: int64(len(data))}
			h, err := codestream.ReadHeader(bytes.NewReader(data), at)
			require.NoError(b, err)

			b.SetBytes(at.Len)
			b.ReportAllocs()
			for b.Loop() {
				x := codestream.NewIndex(bytes.NewReader(data), h)
				require.NoError(b, x.Load(b.Context()))
			}
			b.StopTimer()

			x := codestream.NewIndex(bytes.NewReader(data), h)
			before := heap()
			require.NoError(b, x.Load(b.Context()))
			size, blocks := heap()-before, 0
			for tile := range h.NumTiles() {
				s, err := x.Select(b.Context(), codestream.Window{Tile: tile, Area: h.Bounds})
				require.NoError(b, err)
				require.NoError(b, s.Damage())
				blocks += s.NumBlocks()
			}
			runtime.KeepAlive(x)
			b.ReportMetric(float64(size)/float64(blocks), "B/block")
			b.ReportMetric(float64(size)/float64(h.NumTiles()), "B/tile")
		})
	}
}

// heap is the bytes of all live objects.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkSelect selects windows of an image whose index is known.
func BenchmarkSelect(b *testing.B) {
	data := compressed(b, 600, 600, "-b 16,16")
	for _, size := range []int{64, 256, 600} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			x, err := openIndex(data, codestream.Span{Len: int64(len(data))})
			require.NoError(b, err)
			require.NoError(b, x.Load(b.Context()))
			w := codestream.Window{Area: image.Rect(0, 0, size, size)}
			b.ReportAllocs()
			blocks := 0
			for b.Loop() {
				s, err := x.Select(b.Context(), w)
				require.NoError(b, err)
				blocks = s.NumBlocks()
			}
			b.StopTimer()
			before := heap()
			s, err := x.Select(b.Context(), w)
			require.NoError(b, err)
			size := heap() - before
			runtime.KeepAlive(s)
			b.ReportMetric(float64(size)/float64(blocks), "B/block")
		})
	}
}
