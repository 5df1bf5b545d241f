package encode

import (
	"bytes"
	"compress/flate"
	"image"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/tile"
)

// pieces are what a deflater may be given: nothing, little, noise that does not
// compress, noise that has few values, repetition, and noise in repetition.
func pieces() [][]byte {
	random := randomBytes(150 << 10)
	few := make([]byte, 100<<10)
	for i := range few {
		few[i] = random[i]%7 - 3
	}
	mixed := bytes.Repeat([]byte("what comes again and again "), 8<<10)
	for i := 0; i < len(mixed); i += 97 {
		mixed[i] = random[i%len(random)]
	}
	return [][]byte{nil, {1}, []byte("short"), random[:100], random, few, bytes.Repeat([]byte{5}, 100<<10), mixed,
		few[:40<<10], mixed[:70<<10]}
}

// Pieces one after the other, each with the end of the one before to refer to,
// are a stream that the standard library reads, no longer than promised; and a
// deflater makes of a piece what a new one does.
func TestDeflater(t *testing.T) {
	for level := range 10 {
		d := newDeflater(level)
		var stream sink
		var data, dict []byte
		for i, p := range pieces() {
			last := i == len(pieces())-1
			at := len(stream)
			d.append(&stream, dict, p, last)
			require.Less(t, int64(len(stream)-at), deflateBound(int64(len(p))), "level %d, piece %d", level, i)
			var again sink
			newDeflater(level).append(&again, dict, p, last)
			require.True(t, bytes.Equal(stream[at:], again), "level %d, piece %d", level, i)
			data = append(data, p...)
			dict = data[max(0, len(data)-deflateWindow):]
		}
		got, err := io.ReadAll(flate.NewReader(bytes.NewReader(stream)))
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got), "level %d", level)
	}
}

// Matches are looked for where they pay, and what comes of it is no longer than
// literals alone.
func TestDeflaterChooses(t *testing.T) {
	d := newDeflater(6)
	for i, p := range pieces() {
		matches, _ := d.try(p)
		if len(p) > 1000 && i != 4 { // a piece that does not compress
			require.Equal(t, i != 5 && i != 8, matches, "piece %d", i)
		}
		var got sink
		var literal tally
		d.append(&got, nil, p, true)
		deflate(&literal, d.literal, nil, p, true)
		require.LessOrEqual(t, len(got), int(literal), "piece %d", i)
	}
	matches, unsure := newDeflater(flate.NoCompression).try(pieces()[5])
	require.True(t, matches && !unsure)
}

// allocated is how many bytes f allocates, given back or not.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

func TestDeflaterMemory(t *testing.T) {
	most := int64(0)
	for level := range 10 {
		out := make(sink, 0, 1<<20)
		p := pieces()
		n := allocated(func() {
			d := newDeflater(level)
			for i := range p {
				out = out[:0]
				d.append(&out, p[4], p[i], i == len(p)-1)
			}
		})
		require.LessOrEqual(t, n, int64(deflaterMemory), "level %d", level)
		most = max(most, n)
	}
	t.Logf("%d bytes of %d", most, int64(deflaterMemory))
}

// What Encode says that it holds is no less than all that it allocates for a
// picture that does not compress.
func TestDeflateFormatsMemory(t *testing.T) {
	src := oneStrip{Bounds: image.Rect(0, 0, 1024, 700), Format: tile.RGB8, Stride: 4096, Pix: randomBytes(4096 * 700)}
	for _, workers := range []int{1, 3} {
		for _, level := range []int{-1, 0, 9} {
			for _, f := range []Estimator{
				PNG{Level: level, Workers: workers},
				TIFF{Compression: Deflate, Level: level, Workers: workers},
			} {
				n := allocated(func() { require.NoError(t, f.Encode(t.Context(), io.Discard, src)) })
				bound := f.Memory(src.Size(), src.Format)
				require.LessOrEqual(t, n, bound+64<<10, "%+v", f) // for what is not pixels
				require.Less(t, bound, 2*n+1<<20, "%+v", f)
			}
		}
	}
}
