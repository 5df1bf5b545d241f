package tile_test

import (
	"bytes"
	"image"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// A farReader takes as long for each read as a request to an object store.
type farReader struct {
	*bytes.Reader
	reads atomic.Int64
}

const farDelay = 20 * time.Millisecond

func (r *farReader) ReadAt(p []byte, off int64) (int, error) {
	time.Sleep(farDelay)
	r.reads.Add(1)
	return r.Reader.ReadAt(p, off)
}

// Where a read takes long, the headers of tiles are read at the same time. There
// is no other time than that of the reads.
func TestTilesAreReadTogether(t *testing.T) {
	data, err := os.ReadFile("../examples/testdata/sample.jp2")
	require.NoError(t, err)
	took := func(reads int) (d time.Duration, n int64) {
		synctest.Test(t, func(t *testing.T) {
			r := &farReader{Reader: bytes.NewReader(data)}
			f, err := jp2.NewFile(r, int64(len(data)))
			require.NoError(t, err)
			p, err := (&tile.Decoder{Reads: reads, Strict: true}).Plan(f, tile.Request{Size: image.Pt(256, 0)})
			require.NoError(t, err)
			start, before := time.Now(), r.reads.Load()
			_, err = p.Image(t.Context())
			require.NoError(t, err)
			d, n = time.Since(start), r.reads.Load()-before
		})
		return d, n
	}
	one, reads := took(-1)
	require.LessOrEqual(t, one, time.Duration(reads)*farDelay)
	many, _ := took(16)
	t.Logf("%v one after the other, %v together, %d reads", one, many, reads)
	// Three rows of four tiles, and only the first of a row waits for its header.
	require.LessOrEqual(t, many, one-8*farDelay)
}
