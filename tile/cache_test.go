package tile_test

import (
	"bytes"
	"image"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// counted is a decoder with a cache that adds up what its runs did.
func counted(cache *tile.Cache, budget *tile.Budget) (*tile.Decoder, func() tile.FinishInfo) {
	var mu sync.Mutex
	var all tile.FinishInfo
	dec := &tile.Decoder{Strict: true, Cache: cache, Budget: budget, Hooks: &tile.Hooks{Finished: func(i tile.FinishInfo) {
		mu.Lock()
		defer mu.Unlock()
		all.Reads, all.Bytes = all.Reads+i.Reads, all.Bytes+i.Bytes
		all.Blocks, all.Cached = all.Blocks+i.Blocks, all.Cached+i.Cached
	}}}
	return dec, func() tile.FinishInfo {
		mu.Lock()
		defer mu.Unlock()
		i := all
		all = tile.FinishInfo{}
		return i
	}
}

// What is cached is neither read nor decoded again, not even for another region, size,
// orientation or file of the same tag, and the pixels are the same.
func TestCacheSpares(t *testing.T) {
	defer goleak.VerifyNone(t)
	data := testimg.Compress(t, testimg.Spec{Width: 700, Height: 500, Components: 3}, "jp2", "-I", "-r", "8", "-t", "300,300")
	f := open(t, data)
	f.Tag = "first"
	budget := &tile.Budget{}
	cache := new(tile.Cache)
	dec, done := counted(cache, budget)
	plain := &tile.Decoder{Strict: true}
	_, err := image1(t, dec, f, tile.Request{Region: image.Rect(100, 100, 400, 400)})
	require.NoError(t, err)
	first := done()
	require.Positive(t, first.Blocks)
	require.Zero(t, first.Cached)
	require.EqualValues(t, cache.Stats().Bytes, budget.Used())
	for _, req := range []tile.Request{
		{Region: image.Rect(100, 100, 400, 400)},
		{Region: image.Rect(150, 120, 330, 390), Orient: tile.Rotate90},
		{Region: image.Rect(100, 100, 400, 400), Size: image.Pt(60, 0), Orient: tile.Mirror180},
	} {
		again := open(t, data)
		again.Tag = "first"
		got, err := image1(t, dec, again, req)
		require.NoError(t, err)
		i := done()
		require.Zero(t, i.Blocks)
		require.Positive(t, i.Cached)
		want, err := image1(t, plain, f, req)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want.Pix, got.Pix))
	}
	other := open(t, data)
	_, err = image1(t, dec, other, tile.Request{Region: image.Rect(100, 100, 400, 400)})
	require.NoError(t, err)
	require.Zero(t, done().Cached)
}

// A cache gives up what it holds before a run has to wait, and stays within its bytes.
func TestCacheGivesWay(t *testing.T) {
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 900, Height: 700, Components: 3}, "jp2", "-b", "32,32"))
	budget := &tile.Budget{Workers: 2}
	cache := &tile.Cache{Bytes: 2 << 20}
	dec, _ := counted(cache, budget)
	p, err := dec.Plan(f, tile.Request{Region: image.Rect(0, 0, 200, 200)})
	require.NoError(t, err)
	budget.Bytes = p.Memory() + 1<<20
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		x, y := rnd.IntN(700), rnd.IntN(500)
		req := tile.Request{Region: image.Rect(x, y, x+150, y+150)}
		got, err := image1(t, dec, f, req)
		require.NoError(t, err)
		want, err := image1(t, &tile.Decoder{}, f, req)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want.Pix, got.Pix))
		require.LessOrEqual(t, cache.Stats().Bytes, cache.Bytes)
		require.LessOrEqual(t, budget.Used(), budget.Bytes)
	}
	require.Positive(t, cache.Stats().Evictions)
	require.Positive(t, cache.Stats().Hits)
}

// A pass over all of a large image leaves what is in the cache.
func TestCacheOutlastsScans(t *testing.T) {
	f := open(t, testimg.Compress(t, testimg.Spec{Width: 1200, Height: 900, Components: 3}, "jp2"))
	cache := &tile.Cache{Bytes: 1 << 20}
	dec, done := counted(cache, &tile.Budget{})
	wanted := tile.Request{Region: image.Rect(200, 200, 230, 230), Reduce: 2}
	_, err := image1(t, dec, f, wanted)
	require.NoError(t, err)
	_, err = image1(t, dec, f, tile.Request{})
	require.NoError(t, err)
	done()
	_, err = image1(t, dec, f, wanted)
	require.NoError(t, err)
	require.Zero(t, done().Blocks)
}

// A damaged block is damaged for every run that needs it.
func TestCacheKeepsDamage(t *testing.T) {
	data := bytes.Clone(testimg.Compress(t, testimg.Spec{Width: 200, Height: 200}, "j2k", "-M", "32", "-n", "3"))
	for i := len(data) / 2; i < len(data)/2+40; i++ {
		data[i] ^= 0x5A
	}
	f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	dec, done := counted(new(tile.Cache), &tile.Budget{})
	for range 2 {
		_, err = image1(t, dec, f, tile.Request{})
		require.Error(t, err)
	}
	require.Positive(t, done().Cached)
}
