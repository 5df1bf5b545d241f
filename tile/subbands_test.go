package tile_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/internal/corpus"
	"github.com/stria-j2k/stria/internal/openjpeg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// Areas of a walk give what one window gives, whatever their order and the number
// of threads.
func TestSubbandWalk(t *testing.T) {
	highThroughputFiles(t, func(t *testing.T, row corpus.Row, f *jp2.File) {
		bounds := f.Header.TileBounds(0)
		s, err := f.Index().Select(t.Context(), codestream.Window{Area: bounds})
		require.NoError(t, err)
		decode := func(walk tile.Walk, area image.Rectangle) *tile.Planes {
			dst := &tile.Planes{Bounds: area}
			for _, c := range f.Header.Components {
				b := image.Rect(up(area.Min.X, c.Sub.X), up(area.Min.Y, c.Sub.Y), up(area.Max.X, c.Sub.X), up(area.Max.Y, c.Sub.Y))
				p := tile.Plane{Bounds: b, Depth: c.Depth, Signed: c.Signed, Stride: b.Dx()}
				switch n := b.Dx() * b.Dy(); {
				case c.Signed || c.Depth > 16:
					p.I32 = make([]int32, n)
				case c.Depth > 8:
					p.U16 = make([]uint16, n)
				default:
					p.U8 = make([]uint8, n)
				}
				dst.Planes = append(dst.Planes, p)
			}
			require.NoError(t, walk.Decode(t.Context(), area, dst))
			for i := range dst.Planes {
				dst.Planes[i] = widen(dst.Planes[i])
			}
			return dst
		}
		begin := func(threads int) tile.Walk {
			walk, err := tile.OpenJPEG().Begin(t.Context(), &tile.Job{Selection: s, Data: f.Source(), Threads: threads})
			require.NoError(t, err)
			return walk
		}
		one := begin(1)
		defer one.Close()
		all := decode(one, bounds)
		rnd := rand.New(rand.NewPCG(9, uint64(row.Bytes)))
		for _, threads := range []int{1, 4} {
			down, across, anywhere := begin(threads), begin(threads), begin(threads)
			check := func(walk tile.Walk, area image.Rectangle) {
				if area = area.Intersect(bounds); area.Empty() {
					return
				}
				got := decode(walk, area)
				for i := range got.Planes {
					b := got.Planes[i].Bounds
					same(t, b, crop(all, i, b), got.Planes[i].I32, "area %v component %d", area, i)
				}
			}
			size := bounds.Size()
			for part := range 6 {
				x, y := bounds.Min.X+size.X*part/6, bounds.Min.Y+size.Y*part/6
				check(down, image.Rect(bounds.Min.X, y, bounds.Max.X, y+(size.Y+5)/6))
				check(across, image.Rect(x, bounds.Min.Y, x+(size.X+5)/6, bounds.Max.Y))
				x, y = bounds.Min.X+rnd.IntN(size.X), bounds.Min.Y+rnd.IntN(size.Y)
				check(anywhere, image.Rect(x, y, x+1+rnd.IntN(size.X), y+1+rnd.IntN(size.Y)))
			}
			gone := errors.New("viewer left")
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(gone)
			left := begin(threads)
			require.ErrorIs(t, left.Decode(ctx, bounds, all), gone)
			for _, walk := range []tile.Walk{down, across, anywhere, left} {
				walk.Close()
			}
		}
	})
	require.Zero(t, openjpeg.Live())
}

// up is a quotient rounded up.
func up(a, b int) int { return (a + b - 1) / b }

// highThroughputFiles opens the files of the corpus that have High-Throughput
// blocks and can be decoded.
func highThroughputFiles(t *testing.T, test func(t *testing.T, row corpus.Row, f *jp2.File)) {
	for _, row := range corpus.Manifest(t) {
		if !row.Codestream() || row.Expected != corpus.Decodes || !highThroughput(row) {
			continue
		}
		t.Run(row.Path, func(t *testing.T) {
			skipped(t, row.Path, row.Bytes)
			f, err := jp2.Open(row.Name)
			require.NoError(t, err)
			defer f.Close()
			test(t, row, f)
		})
	}
}

// A region is the crop of the whole, at every reduction.
func TestHighThroughputRegions(t *testing.T) {
	highThroughputFiles(t, func(t *testing.T, row corpus.Row, f *jp2.File) {
		rnd := rand.New(rand.NewPCG(6, uint64(row.Bytes)))
		for reduce := range min(f.Header.Reduces(), 3) + 1 {
			dec := &tile.Decoder{Strict: true, Budget: new(tile.Budget)}
			p, err := dec.Plan(f, tile.Request{Reduce: reduce, Format: tile.Coded})
			require.NoError(t, err)
			all := whole(t, p)
			for range 5 {
				b := f.Bounds()
				x, y := rnd.IntN(b.Dx()), rnd.IntN(b.Dy())
				region := image.Rect(x, y, x+1+rnd.IntN(300), y+1+rnd.IntN(300)).Intersect(b)
				p, err := dec.Plan(f, tile.Request{Region: region, Reduce: reduce, Format: tile.Coded})
				if errors.Is(err, tile.ErrRequest) {
					continue
				}
				require.NoError(t, err)
				part := whole(t, p)
				for i := range part.Planes {
					same(t, part.Planes[i].Bounds, crop(all, i, part.Planes[i].Bounds), part.Planes[i].I32,
						"region %v reduce %d component %d", region, reduce, i)
				}
			}
		}
	})
}

// A damagedSource has other bytes here and there.
type damagedSource struct {
	io.ReaderAt
	at   []int64
	with []byte
}

func (d *damagedSource) ReadAt(p []byte, off int64) (int, error) {
	n, err := d.ReaderAt.ReadAt(p, off)
	for i, at := range d.at {
		if at >= off && at < off+int64(n) {
			p[at-off] = d.with[i]
		}
	}
	return n, err
}

// damage changes some bytes of a block: anywhere, or where its segments' lengths
// and the first bytes of them are.
func (d *damagedSource) damage(rnd *rand.Rand, b *codestream.Block) {
	var offsets []int64
	for _, s := range b.Spans {
		for i := range s.Len {
			offsets = append(offsets, s.Off+i)
		}
	}
	d.at, d.with = d.at[:0], d.with[:0]
	set := func(i int) {
		if i >= 0 && i < len(offsets) {
			d.at = append(d.at, offsets[i])
			d.with = append(d.with, []byte{byte(rnd.Uint32()), 0xff, 0x7f, 0x8f, 0x90, 0}[rnd.IntN(6)])
		}
	}
	end := b.Codewords[0].Length
	switch rnd.IntN(5) {
	case 0:
		set(rnd.IntN(len(offsets)))
	case 1: // Scup
		set(end - 1)
		set(end - 2)
	case 2: // MEL, if the block is short, and VLC
		first := max(end-2-rnd.IntN(60), 0)
		for i := first; i < end-2; i++ {
			set(i)
		}
	case 3: // refinement
		for i := end; i < len(offsets); i++ {
			set(i)
		}
	default:
		for i := range offsets {
			set(i)
		}
	}
}

// Damaged blocks decode to something or cost themselves alone: nothing but the
// samples around them changes, and the caller is told if one was left out.
func TestDamagedHighThroughput(t *testing.T) {
	refused := 0
	highThroughputFiles(t, func(t *testing.T, row corpus.Row, f *jp2.File) {
		if b := f.Bounds(); f.Header.NumTiles() > 1 || b.Dx()*b.Dy()*len(f.Header.Components) > 1<<20 {
			t.Skip("its blocks are decoded in several windows")
		}
		data := row.Read(t)
		s, err := f.Index().Select(t.Context(), codestream.Window{Area: f.Header.Bounds})
		require.NoError(t, err)
		blocks := slices.Collect(s.Blocks())
		p, err := (&tile.Decoder{Strict: true}).Plan(f, tile.Request{Format: tile.Coded})
		require.NoError(t, err)
		sound := whole(t, p)
		rnd := rand.New(rand.NewPCG(7, uint64(row.Bytes)))
		for range 20 {
			b := blocks[rnd.IntN(len(blocks))]
			source := &damagedSource{ReaderAt: bytes.NewReader(data)}
			source.damage(rnd, &b)
			bad, err := jp2.NewFile(source, int64(len(data)))
			require.NoError(t, err)
			var mu sync.Mutex
			told := 0
			dec := &tile.Decoder{Hooks: &tile.Hooks{Damaged: func(_ int, err error) {
				mu.Lock()
				defer mu.Unlock()
				told++
				require.ErrorIs(t, err, codestream.ErrFormat)
			}}}
			p, err := dec.Plan(bad, tile.Request{Format: tile.Coded})
			require.NoError(t, err)
			all := whole(t, p)
			require.LessOrEqual(t, told, 1)
			refused += told

			strict, err := (&tile.Decoder{Strict: true}).Plan(bad, tile.Request{Format: tile.Coded})
			require.NoError(t, err)
			if _, err := collect(t.Context(), strict); told > 0 {
				require.ErrorIs(t, err, codestream.ErrFormat)
			} else {
				require.NoError(t, err)
			}

			// What the block's coefficients reach, on the grid of its component.
			scale := 1 << (s.Coding().Components[0].Levels - max(b.Resolution-1, 0))
			near := image.Rectangle{Min: b.Bounds.Min.Mul(scale), Max: b.Bounds.Max.Mul(scale)}.Inset(-5 * scale)
			for i := range all.Planes {
				if !s.Coding().MCT && i != b.Component {
					same(t, all.Planes[i].Bounds, sound.Planes[i].I32, all.Planes[i].I32, "component %d", i)
					continue
				}
				q := &all.Planes[i]
				for k, v := range q.I32 {
					at := q.Bounds.Min.Add(image.Pt(k%q.Stride, k/q.Stride))
					if v != sound.Planes[i].I32[k] && !at.In(near) {
						require.Fail(t, "damage far away", "component %d at %v, block %+v", i, at, b)
					}
				}
			}
		}
	})
	if !testing.Short() {
		require.Positive(t, refused)
	}
	require.Zero(t, openjpeg.Live())
}
