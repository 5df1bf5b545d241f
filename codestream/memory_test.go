package codestream_test

import (
	"bytes"
	"image"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// held is by how much the heap has grown when f has returned what it made.
func held(f func() any) (int64, any) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	made := f()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc), made
}

// What an index says that it holds is about what the heap has grown by.
func TestMemory(t *testing.T) {
	const copies = 5
	for _, options := range []string{
		"", "-PLT", "-b 4,4", "-b 4,4 -PLT -c [32,32]", "-r 20,10,5,2,1", "-r 20,10,5,2,1 -PLT -p RPCL", "-c [32,32] -b 16,16 -p PCRL -r 9,4",
		"-t 64,64", "-t 64,64 -TLM -PLT", "-t 64,64 -TP R", "-t 20,20 -n 2", "-t 300,300 -r 20,10,5 -c [32,32]",
	} {
		data := compressed(t, 500, 400, options)
		h, err := codestream.ReadHeader(bytes.NewReader(data), codestream.Span{Len: int64(len(data))})
		require.NoError(t, err)
		for name, use := range map[string]func(x *codestream.Index) error{
			"new": func(*codestream.Index) error { return nil },
			"a window": func(x *codestream.Index) error {
				for tile := range h.TilesIn(image.Rect(100, 100, 300, 200)) {
					if _, err := x.Select(t.Context(), codestream.Window{Tile: tile, Area: image.Rect(100, 100, 300, 200)}); err != nil {
						return err
					}
				}
				return nil
			},
			"small": func(x *codestream.Index) error {
				for tile := range h.NumTiles() {
					if _, err := x.Select(t.Context(), codestream.Window{Tile: tile, Reduce: 1, Layers: 1, Area: h.Bounds}); err != nil {
						return err
					}
				}
				return nil
			},
			"all": func(x *codestream.Index) error { return x.Load(t.Context()) },
		} {
			grown, made := held(func() any {
				list := make([]*codestream.Index, copies)
				for i := range list {
					list[i] = codestream.NewIndex(bytes.NewReader(data), h)
					require.NoError(t, use(list[i]))
				}
				return list
			})
			said := int64(0)
			for _, x := range made.([]*codestream.Index) {
				said += x.Memory()
			}
			t.Logf("%-40s %-10s %8d bytes, said %8d", options, name, grown/copies, said/copies)
			require.InDelta(t, grown, said, 0.45*float64(grown)+2<<10*copies, "%s %s", options, name)
		}
	}
}
