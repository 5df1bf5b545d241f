package tile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/stria-j2k/stria/internal/openjpeg"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// whole collects the planes of a plan into one set.
func whole(t *testing.T, p *tile.Plan) *tile.Planes {
	t.Helper()
	all, err := collect(t.Context(), p)
	require.NoError(t, err)
	return all
}

// collect copies the bands of planes of a plan into one set of I32 planes.
func collect(ctx context.Context, p *tile.Plan) (*tile.Planes, error) {
	var all *tile.Planes
	var bands []*tile.Planes
	for b, err := range p.Planes(ctx) {
		if err != nil {
			return nil, err
		}
		c := &tile.Planes{Bounds: b.Bounds}
		for _, q := range b.Planes {
			c.Planes = append(c.Planes, widen(q))
		}
		bands = append(bands, c)
	}
	for _, b := range bands {
		if all == nil {
			all = &tile.Planes{Planes: make([]tile.Plane, len(b.Planes))}
		}
		all.Bounds = all.Bounds.Union(b.Bounds)
		for i, q := range b.Planes {
			all.Planes[i].Bounds = all.Planes[i].Bounds.Union(q.Bounds)
		}
	}
	for i := range all.Planes {
		dst := &all.Planes[i]
		dst.Depth, dst.Signed = bands[0].Planes[i].Depth, bands[0].Planes[i].Signed
		dst.Stride = dst.Bounds.Dx()
		dst.I32 = make([]int32, dst.Stride*dst.Bounds.Dy())
		for _, b := range bands {
			q := b.Planes[i]
			for y := q.Bounds.Min.Y; y < q.Bounds.Max.Y; y++ {
				copy(dst.I32[(y-dst.Bounds.Min.Y)*dst.Stride+q.Bounds.Min.X-dst.Bounds.Min.X:],
					q.I32[(y-q.Bounds.Min.Y)*q.Stride:][:q.Bounds.Dx()])
			}
		}
	}
	return all, nil
}

// widen copies a plane to one of I32.
func widen(p tile.Plane) tile.Plane {
	q := tile.Plane{Bounds: p.Bounds, Depth: p.Depth, Signed: p.Signed, Stride: p.Bounds.Dx()}
	q.I32 = make([]int32, 0, q.Stride*q.Bounds.Dy())
	for y := range p.Bounds.Dy() {
		for x := range p.Bounds.Dx() {
			i := y*p.Stride + x
			switch {
			case p.U8 != nil:
				q.I32 = append(q.I32, int32(p.U8[i]))
			case p.U16 != nil:
				q.I32 = append(q.I32, int32(p.U16[i]))
			default:
				q.I32 = append(q.I32, p.I32[i])
			}
		}
	}
	return q
}

// crop is the part of a set of planes inside an area of the reference grid.
func crop(p *tile.Planes, i int, bounds image.Rectangle) []int32 {
	src := p.Planes[i]
	var out []int32
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		at := (y-src.Bounds.Min.Y)*src.Stride + bounds.Min.X - src.Bounds.Min.X
		out = append(out, src.I32[at:at+bounds.Dx()]...)
	}
	return out
}

// same fails when two planes differ, and says where first.
func same(t *testing.T, bounds image.Rectangle, want, got []int32, format string, args ...any) {
	t.Helper()
	require.Len(t, got, len(want), format, args)
	for i := range want {
		if want[i] != got[i] {
			require.Fail(t, "other samples", "%s: %d instead of %d at %v", fmt.Sprintf(format, args...),
				got[i], want[i], bounds.Min.Add(image.Pt(i%bounds.Dx(), i/bounds.Dx())))
		}
	}
}

func open(t testing.TB, data []byte) *jp2.File {
	t.Helper()
	f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return f
}

// A picture is a generated image with the arguments that it is compressed with.
type picture struct {
	name string
	spec testimg.Spec
	args []string
}

var pictures = []picture{
	{"grey 5/3 untiled", testimg.Spec{Width: 515, Height: 389}, nil},
	{"rgb 5/3 tiled", testimg.Spec{Width: 500, Height: 420, Components: 3},
		[]string{"-t", "150,130", "-n", "4"}},
	{"rgb 9/7 offset tiles", testimg.Spec{Width: 450, Height: 333, Components: 3},
		[]string{"-d", "37,21", "-T", "11,5", "-t", "160,170", "-I", "-r", "8"}},
	{"rgb 9/7 small blocks", testimg.Spec{Width: 300, Height: 310, Components: 3},
		[]string{"-I", "-r", "5", "-b", "8,8", "-n", "4"}},
	{"grey 16 bit precincts", testimg.Spec{Width: 400, Height: 300, Depth: 16},
		[]string{"-c", "[64,64],[32,32]", "-p", "RPCL", "-SOP", "-EPH"}},
	{"rgb 12 bit layers", testimg.Spec{Width: 260, Height: 270, Components: 3, Depth: 12},
		[]string{"-r", "20,10,1", "-p", "PCRL", "-M", "5"}},
	{"signed", testimg.Spec{Width: 130, Height: 140, Signed: true}, nil},
}

// A region's samples are the crop of the whole's, whatever the region, the
// reduction, the budget and the number of workers.
func TestRegionIsCropOfWhole(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, pic := range pictures {
		t.Run(pic.name, func(t *testing.T) {
			f := open(t, testimg.Compress(t, pic.spec, "jp2", pic.args...))
			rnd := rand.New(rand.NewPCG(1, uint64(len(pic.name))))
			for reduce := 0; reduce <= min(3, f.Header.Reduces()); reduce++ {
				dec := &tile.Decoder{Strict: true}
				p, err := dec.Plan(f, tile.Request{Reduce: reduce})
				require.NoError(t, err)
				all := whole(t, p)
				if reduce == 0 {
					drawn := testimg.Draw(pic.spec)
					if f.Header.Components[0].Reversible {
						for i, c := range drawn.Planes {
							same(t, all.Planes[i].Bounds, c.Samples, all.Planes[i].I32, "component %d", i)
						}
					}
				}
				rounds := 12
				if testing.Short() {
					rounds = 2
				}
				for range rounds {
					b := f.Bounds()
					x, y := rnd.IntN(b.Dx()), rnd.IntN(b.Dy())
					region := image.Rect(x, y, x+1+rnd.IntN(b.Dx()-x), y+1+rnd.IntN(b.Dy()-y))
					dec := &tile.Decoder{Strict: true, Gap: int64(rnd.IntN(3)-1) * 100,
						Budget: &tile.Budget{Workers: 1 + rnd.IntN(3)}}
					p, err := dec.Plan(f, tile.Request{Region: region, Reduce: reduce, Orient: tile.Orient(rnd.IntN(8))})
					if errors.Is(err, tile.ErrRequest) {
						continue // nothing is left of it
					}
					require.NoError(t, err)
					part := whole(t, p)
					for i := range part.Planes {
						same(t, part.Planes[i].Bounds, crop(all, i, part.Planes[i].Bounds), part.Planes[i].I32,
							"region %v reduce %d component %d", region, reduce, i)
					}
					require.Zero(t, dec.Budget.Used())
				}
			}
		})
	}
	require.Zero(t, openjpeg.Live())
}

// A pixel that is asked for in its own size is that pixel, at every place.
func TestPixelIsPixelOfWhole(t *testing.T) {
	spec := testimg.Spec{Width: 70, Height: 66}
	f := open(t, testimg.Compress(t, spec, "jp2", "-n", "4"))
	drawn := testimg.Draw(spec).Planes[0].Samples
	for _, at := range []image.Point{{}, {32, 64}, {31, 33}, {8, 16}, {69, 65}} {
		for _, size := range []image.Point{{}, {1, 1}, {0, 1}, {2, 2}} {
			region := image.Rectangle{at, at.Add(image.Pt(1, 1))}
			p, err := new(tile.Decoder).Plan(f, tile.Request{Region: region, Size: size})
			require.NoError(t, err)
			require.Zero(t, p.Reduce())
			img, err := p.Image(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, drawn[at.Y*spec.Width+at.X], img.(*image.Gray).Pix[0], "%v %v", at, size)
		}
	}
}

// The pixels of a whole image in strips are those of one window.
func TestSlabsDoNotShow(t *testing.T) {
	defer goleak.VerifyNone(t)
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 1900, Height: 1000, Components: 3}, "jp2", "-I", "-r", "12"))
	want, err := image1(t, &tile.Decoder{Strict: true, Budget: &tile.Budget{Bytes: -1, Workers: 1}}, f, tile.Request{})
	require.NoError(t, err)
	workers := []int{1, 3}
	if testing.Short() {
		workers = workers[1:]
	}
	for _, b := range []int64{64 << 20, 1 << 30} {
		for _, workers := range workers {
			for _, orient := range []tile.Orient{tile.Rotate0, tile.Rotate90, tile.Rotate180} {
				dec := &tile.Decoder{Strict: true, Budget: &tile.Budget{Bytes: b, Workers: workers}}
				got, err := image1(t, dec, f, tile.Request{Orient: orient})
				require.NoError(t, err, "budget %d", b)
				require.True(t, bytes.Equal(turnedImage(want, orient).Pix, got.Pix), "budget %d workers %d orient %d", b, workers, orient)
				require.LessOrEqual(t, dec.Budget.Peak(), b)
				require.Zero(t, dec.Budget.Used())
			}
		}
	}
	require.Zero(t, openjpeg.Live())
}

// image1 runs a request and returns the strips' bytes as rows.
func image1(t *testing.T, dec *tile.Decoder, f *jp2.File, req tile.Request) (*image.NRGBA, error) {
	p, err := dec.Plan(f, req)
	if err != nil {
		return nil, err
	}
	all := image.NewNRGBA(image.Rectangle{Max: p.Size()})
	y := 0
	for s, err := range p.Strips(t.Context()) {
		if err != nil {
			return nil, err
		}
		require.Equal(t, y, s.Bounds.Min.Y)
		require.Equal(t, p.Size().X, s.Bounds.Dx())
		for ; y < s.Bounds.Max.Y; y++ {
			copy(all.Pix[y*all.Stride:(y+1)*all.Stride], s.Pix[(y-s.Bounds.Min.Y)*s.Stride:])
		}
	}
	require.Equal(t, p.Size().Y, y)
	return all, nil
}

// turnedImage is the slow twin of turning.
func turnedImage(src *image.NRGBA, o tile.Orient) *image.NRGBA {
	if o >= tile.Mirror0 {
		m := image.NewNRGBA(src.Bounds())
		for y := range src.Bounds().Dy() {
			for x := range src.Bounds().Dx() {
				m.SetNRGBA(src.Bounds().Dx()-1-x, y, src.NRGBAAt(x, y))
			}
		}
		src = m
	}
	for range o % 4 {
		m := image.NewNRGBA(image.Rect(0, 0, src.Bounds().Dy(), src.Bounds().Dx()))
		for y := range src.Bounds().Dy() {
			for x := range src.Bounds().Dx() {
				m.SetNRGBA(src.Bounds().Dy()-1-y, x, src.NRGBAAt(x, y))
			}
		}
		src = m
	}
	return src
}

// Turned and scaled is scaled and turned afterwards, give or take the rounding.
func TestTurnedIsTurnedAfterwards(t *testing.T) {
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 301, Height: 211, Components: 3}, "jp2", "-t", "100,90", "-n", "3"))
	for _, req := range []tile.Request{{}, {Reduce: 1}, {Region: image.Rect(30, 40, 233, 190)},
		{Size: image.Pt(100, 77)}, {Size: image.Pt(400, 0)}} {
		dec := &tile.Decoder{Strict: true}
		upright, err := image1(t, dec, f, req)
		require.NoError(t, err)
		for o := tile.Rotate0; o <= tile.Mirror270; o++ {
			req.Orient = o
			got, err := image1(t, dec, f, req)
			require.NoError(t, err)
			want := turnedImage(upright, o)
			require.Equal(t, want.Bounds(), got.Bounds())
			for i := range want.Pix {
				if d := int(want.Pix[i]) - int(got.Pix[i]); d < -1 || d > 1 {
					require.InDelta(t, want.Pix[i], got.Pix[i], 1, "%+v", req)
				}
			}
		}
	}
}

var errSource = errors.New("the disk is on fire")

// failing fails, or runs dry, from an offset on.
type failing struct {
	io.ReaderAt
	from int64
	err  error
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) <= f.from {
		return f.ReaderAt.ReadAt(p, off)
	}
	return 0, f.err
}

func TestSourceFails(t *testing.T) {
	defer goleak.VerifyNone(t)
	data := testimg.Compress(t, testimg.Spec{Width: 500, Height: 420, Components: 3}, "jp2", "-t", "150,130", "-n", "4")
	for from := int64(0); from < int64(len(data)); from += int64(len(data)) / 50 {
		for _, strict := range []bool{true, false} {
			src := failing{bytes.NewReader(data), from, errSource}
			f, err := jp2.NewFile(src, int64(len(data)))
			if err == nil {
				dec := &tile.Decoder{Strict: strict, Budget: &tile.Budget{}}
				_, err = image1(t, dec, f, tile.Request{})
				require.Zero(t, dec.Budget.Used())
			}
			require.ErrorIs(t, err, errSource, "failing from %d", from)
		}
	}
	require.Zero(t, openjpeg.Live())
}

// A run that is cancelled at any strip ends with the cause and leaves nothing.
func TestCancelAtEveryStrip(t *testing.T) {
	defer goleak.VerifyNone(t)
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 500, Height: 420, Components: 3}, "jp2", "-t", "150,130", "-n", "4"))
	dec := &tile.Decoder{Budget: &tile.Budget{}}
	p, err := dec.Plan(f, tile.Request{})
	require.NoError(t, err)
	gone := errors.New("viewer left")
	for n := range 4 { // it has 4
		ctx, cancel := context.WithCancelCause(t.Context())
		strips, last := 0, error(nil)
		if n == 0 {
			cancel(gone)
		}
		for s, err := range p.Strips(ctx) {
			if err != nil {
				require.Nil(t, s)
				last = err
				break
			}
			if strips++; strips == n {
				cancel(gone)
			}
		}
		require.ErrorIs(t, last, gone, fmt.Sprint(n, " strips"))
		require.Zero(t, dec.Budget.Used())
		cancel(nil)
	}
	require.Zero(t, openjpeg.Live())
}

func TestLeavingTheLoopFreesEverything(t *testing.T) {
	defer goleak.VerifyNone(t)
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 500, Height: 420, Components: 3}, "jp2", "-t", "150,130", "-n", "4"))
	dec := &tile.Decoder{Budget: &tile.Budget{}}
	p, err := dec.Plan(f, tile.Request{})
	require.NoError(t, err)
	for _, err := range p.Strips(t.Context()) {
		require.NoError(t, err)
		break
	}
	require.Zero(t, dec.Budget.Used())
	require.Zero(t, openjpeg.Live())
}

// Any number of runs at once stay within one budget, and all have their turn.
func TestManyRunsShareABudget(t *testing.T) {
	defer goleak.VerifyNone(t)
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 500, Height: 420, Components: 3}, "jp2", "-t", "150,130", "-n", "4"))
	budget := &tile.Budget{Workers: 2}
	dec := &tile.Decoder{Budget: budget}
	p, err := dec.Plan(f, tile.Request{})
	require.NoError(t, err)
	budget.Bytes = 5 * p.Memory() / 2
	want, err := p.Image(t.Context())
	require.NoError(t, err)
	var runs errgroup
	for range 64 {
		runs.Go(func() error {
			got, err := p.Image(context.Background())
			if err == nil && !bytes.Equal(want.(*image.NRGBA).Pix, got.(*image.NRGBA).Pix) {
				err = errors.New("other pixels")
			}
			return err
		})
	}
	require.NoError(t, runs.Wait())
	require.LessOrEqual(t, budget.Peak(), budget.Bytes)
	require.Zero(t, budget.Used())
	require.Zero(t, openjpeg.Live())
}

// An errgroup waits for functions and joins their errors.
type errgroup struct {
	wg   sync.WaitGroup
	mu   sync.Mutex
	errs []error
}

func (g *errgroup) Go(f func() error) {
	g.wg.Go(func() {
		err := f()
		g.mu.Lock()
		g.errs = append(g.errs, err)
		g.mu.Unlock()
	})
}

func (g *errgroup) Wait() error {
	g.wg.Wait()
	return errors.Join(g.errs...)
}

// A thin bright line keeps its light when light is scaled, and loses some when
// numbers are; a flat picture is the same either way.
func TestLinear(t *testing.T) {
	f := open(t, testimg.Compress(t, testimg.Spec{Kind: testimg.Checkers, Width: 96, Height: 96}, "jp2", "-n", "1"))
	mean := func(req tile.Request) int {
		p, err := new(tile.Decoder).Plan(f, req)
		require.NoError(t, err)
		img, err := p.Image(t.Context())
		require.NoError(t, err)
		sum := 0
		for _, v := range img.(*image.Gray).Pix {
			sum += int(v)
		}
		return sum / len(img.(*image.Gray).Pix)
	}
	numbers, light := mean(tile.Request{Size: image.Pt(6, 6)}), mean(tile.Request{Size: image.Pt(6, 6), Linear: true})
	require.InDelta(t, 127, numbers, 4) // half of the samples are 255
	require.InDelta(t, 188, light, 4)   // half of the light, in sRGB
	_, err := new(tile.Decoder).Plan(f, tile.Request{Linear: true, Format: tile.YCbCr8})
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// A source that gives fewer bytes than asked for, without saying why, ends in an
// error and not in a picture.
func TestSourceShortReads(t *testing.T) {
	defer goleak.VerifyNone(t)
	data := testimg.Compress(t, testimg.Spec{Width: 500, Height: 420, Components: 3}, "jp2", "-t", "150,130", "-n", "4")
	for from := int64(0); from < int64(len(data)); from += int64(len(data)) / 30 {
		src := failing{bytes.NewReader(data), from, nil}
		f, err := jp2.NewFile(src, int64(len(data)))
		if err == nil {
			_, err = image1(t, &tile.Decoder{}, f, tile.Request{})
		}
		require.Error(t, err, "short from %d", from)
	}
}

// Tiles that are shorter than a slab, more of them side by side than workers,
// some of them on both sides of where slabs would end: none waits for a place
// that another has until its next piece.
func TestShortTiles(t *testing.T) {
	defer goleak.VerifyNone(t)
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 1100, Height: 700, Components: 3}, "jp2", "-t", "100,90", "-n", "3"))
	want, err := image1(t, &tile.Decoder{Strict: true, Budget: &tile.Budget{Workers: 12}}, f, tile.Request{})
	require.NoError(t, err)
	for _, workers := range []int{1, 2, 3} {
		for _, orient := range []tile.Orient{tile.Rotate0, tile.Rotate90, tile.Rotate180} {
			dec := &tile.Decoder{Strict: true, Budget: &tile.Budget{Workers: workers}}
			got, err := image1(t, dec, f, tile.Request{Orient: orient})
			require.NoError(t, err)
			require.True(t, bytes.Equal(turnedImage(want, orient).Pix, got.Pix), "workers %d orient %d", workers, orient)
			require.Zero(t, dec.Budget.Used())
		}
	}
}

// tight is a decoder with no more than the memory that the request takes at
// least.
func tight(t *testing.T, f *jp2.File, req tile.Request, workers int) *tile.Decoder {
	t.Helper()
	_, err := (&tile.Decoder{Budget: &tile.Budget{Bytes: 1, Workers: workers}}).Plan(f, req)
	var need *tile.BudgetError
	require.ErrorAs(t, err, &need)
	return &tile.Decoder{Strict: true, Budget: &tile.Budget{Bytes: need.Need, Workers: workers}}
}

// What the pieces of a tile depend on may be all of it, one time after the other.
func TestPiecesThatNeedTheWhole(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, p := range []picture{
		{"9/7", testimg.Spec{Width: 200, Height: 210, Components: 3}, []string{"-t", "190,70", "-I", "-r", "8"}},
		{"5/3 upsampled", testimg.Spec{Width: 64, Height: 80, Components: 3,
			Sub: []image.Point{{X: 1, Y: 1}, {X: 1, Y: 2}, {X: 1, Y: 2}}},
			[]string{"-t", "64,18", "-n", "3"}},
	} {
		f := open(t, testimg.Compress(t, p.spec, "j2k", p.args...))
		want, err := image1(t, &tile.Decoder{}, f, tile.Request{})
		require.NoError(t, err)
		for _, workers := range []int{1, 3} {
			for _, orient := range []tile.Orient{tile.Rotate0, tile.Rotate90, tile.Rotate180} {
				req := tile.Request{Orient: orient}
				dec := tight(t, f, req, workers)
				got, err := image1(t, dec, f, req)
				require.NoError(t, err, p.name)
				require.True(t, bytes.Equal(turnedImage(want, orient).Pix, got.Pix), "%s workers %d orient %d", p.name, workers, orient)
				require.Zero(t, dec.Budget.Used())
			}
		}
	}
	require.Zero(t, openjpeg.Live())
}

// What a plan is for is never less than what its windows take, also where
// components have blocks that end together only far apart.
func TestBoundsOfSubsampledWindows(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for _, sub := range []image.Point{{X: 2, Y: 2}, {X: 3, Y: 3}, {X: 4, Y: 1}} {
		for _, args := range [][]string{{"-n", "1", "-b", "32,8"}, {"-n", "2", "-b", "8,8", "-I"}, {"-n", "3", "-b", "4,16"}} {
			spec := testimg.Spec{Kind: testimg.Gradient, Width: 360, Height: 384, Components: 3, Sub: []image.Point{{X: 1, Y: 1}, sub, sub}}
			f := open(t, testimg.Compress(t, spec, "j2k", args...))
			for range 25 {
				at := image.Pt(rnd.IntN(340), rnd.IntN(360))
				req := tile.Request{Format: tile.Coded,
					Region: image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rnd.IntN(20), 1+rnd.IntN(40)))}}
				for _, dec := range []*tile.Decoder{{Strict: true}, tight(t, f, req, 1)} {
					p, err := dec.Plan(f, req)
					require.NoError(t, err)
					_, err = collect(t.Context(), p)
					require.NoError(t, err, "%v %v %v", sub, args, req.Region)
				}
			}
		}
	}
}
