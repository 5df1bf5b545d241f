// This file compares decoders of code-blocks with nothing else around them.

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"github.com/stria-j2k/stria/bench/blocks"
	"github.com/stria-j2k/stria/bench/images"
	"github.com/stria-j2k/stria/bench/rival"
	"github.com/stria-j2k/stria/internal/codeblock"
	"github.com/stria-j2k/stria/internal/ht"
	"github.com/stria-j2k/stria/internal/tier1"
)

// A kernel decodes one block into dst.
type kernel struct {
	name   string
	decode func(dst []int32, b *codeblock.Block) error
}

// kernels are Stria's own for blocks of Part 1, or of Part 15.
func kernels(high bool) []kernel {
	if high {
		return []kernel{{"ht", new(ht.Decoder).Decode}}
	}
	return []kernel{{"tier1", new(tier1.Decoder).Decode}}
}

// kernelBlocks decodes the blocks of the finest LH sub-band of an image, on one
// core. OpenJPEG gets them as an image without transform, so that its time is
// that of its block decoder nearly alone.
func kernelBlocks(ctx context.Context, e *env) error {
	for _, img := range []images.Image{
		images.UntiledLossyPLT, images.UntiledLosslessPLT, images.HTLossy, images.HTLossless,
	} {
		img = e.of(img)
		f, err := e.open(img, 0)
		if err != nil {
			return err
		}
		set, err := blocks.Take(ctx, f.File)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		data, err := set.Codestream()
		if err != nil {
			return err
		}
		path := filepath.Join(e.temp, "blocks.j2k")
		if err := os.WriteFile(path, data, 0o666); err != nil {
			return err
		}
		var cs []contestant
		dst := make([]int32, blocks.Side*blocks.Side)
		for _, k := range kernels(set.HT) {
			if err := same(k, set, path); err != nil {
				return err
			}
			cs = append(cs, contestant{k.name, func() error {
				for i := range set.Blocks {
					if err := k.decode(dst, &set.Blocks[i]); err != nil {
						return err
					}
				}
				return nil
			}})
		}
		cs = append(cs, contestant{rivalName, func() error {
			return rival.Visit(path, image.Rectangle{}, 0, 0, nil)
		}})
		n := float64(len(set.Blocks))
		what := fmt.Sprintf("%s %.0f blocks, %.2f bits a coefficient, for 1,000 blocks", img.Name, n,
			8*float64(set.Bytes())/n/float64(len(dst)))
		if err := oneCore(func() error { return e.compare(what, n/1000, cs) }); err != nil {
			return err
		}
	}
	return nil
}

// same holds what a kernel makes of the blocks against what OpenJPEG does.
func same(k kernel, set *blocks.Set, path string) error {
	return rival.Visit(path, image.Rectangle{}, 0, 0, func(p []rival.Plane) error {
		across := set.Across
		dst := make([]int32, blocks.Side*blocks.Side)
		for i := range set.Blocks {
			b := &set.Blocks[i]
			if err := k.decode(dst, b); err != nil {
				return fmt.Errorf("%s: block %d: %w", k.name, i, err)
			}
			at := i/across*blocks.Side*p[0].Width + i%across*blocks.Side
			for j, v := range dst {
				// OpenJPEG has one bit below the point too, and drops it.
				v /= 1 << codeblock.Fraction(b.Planes)
				w := p[0].Samples[at+j/blocks.Side*p[0].Width+j%blocks.Side]
				if v != w {
					return fmt.Errorf("%s: block %d: coefficient %d is %d, OpenJPEG's %d",
						k.name, i, j, v, w)
				}
			}
		}
		return nil
	})
}
