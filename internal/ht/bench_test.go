package ht

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/ht/httest"
)

// pictureBlock makes a block as pictures have them: coefficients of a Laplace
// distribution, whose scale goes up and down across the block, on grain that is
// everywhere.
func pictureBlock(rnd *rand.Rand, scale, grain float64, planes int) *codeblock.Block {
	const size = 64
	values := make([]int32, size*size)
	angle, wave := 2*math.Pi*rnd.Float64(), 3+12*rnd.Float64()
	for i := range values {
		x, y := float64(i%size), float64(i/size)
		there := math.Pow(math.Sin((x*math.Cos(angle)+y*math.Sin(angle))/wave), 4)
		v := rnd.ExpFloat64()*scale*there*float64(1-2*rnd.IntN(2)) + rnd.NormFloat64()*grain
		most := float64(int(1)<<planes - 1)
		values[i] = int32(min(max(v, -most), most))
	}
	data := httest.Cleanup(size, size, func(x, y int) int32 { return values[y*size+x] })
	return &codeblock.Block{Width: size, Height: size, Planes: planes, ZeroPlanes: planes - 1, Data: data,
		Segments: []codeblock.Segment{{Passes: 1, Length: len(data)}}}
}

// A kernel is one of the ways to decode, by a name.
type kernel struct {
	name string
	Decoder
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name         string
		scale, grain float64
		planes       int
	}{
		{"sparse", 1.2, 0.3, 10},
		{"lossless", 8, 1.4, 10},
		{"deep", 800, 100, 16},
	} {
		rnd := rand.New(rand.NewPCG(21, 22))
		var blocks []*codeblock.Block
		bytes := 0
		for range 16 {
			k := pictureBlock(rnd, c.scale, c.grain, c.planes)
			blocks = append(blocks, k)
			bytes += len(k.Data)
		}
		dst := make([]int32, 4096)
		for _, k := range kernels {
			b.Run(fmt.Sprintf("%s-%.1f-bits/%s", c.name, float64(bytes)/(16*512), k.name), func(b *testing.B) {
				d := k.Decoder
				b.SetBytes(int64(4 * len(dst)))
				for i := 0; b.Loop(); i++ {
					if err := d.Decode(dst, blocks[i%len(blocks)]); err != nil {
						require.NoError(b, err)
					}
				}
			})
		}
	}
}
