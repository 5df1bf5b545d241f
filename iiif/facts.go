package iiif

import (
	"errors"
	"image"
	"sort"
	"sync"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// facts are what is worked out once about an open image.
type facts struct {
	mu sync.Mutex

	// budget has for each handler of the image the largest area that its
	// decoder's budget has room for; -1: any.
	budget map[*Handler]int64
}

// limits are those of h and what its decoder's budget has room for, an encoder of
// the default format included: what the image information document promises must
// not be refused later.
func (f *facts) limits(h *Handler, file *jp2.File) Limits {
	f.mu.Lock()
	defer f.mu.Unlock()
	area, ok := f.budget[h]
	if !ok {
		if f.budget == nil {
			f.budget = make(map[*Handler]int64)
		}
		area = affordable(h.decoder, file, h.formats[defaultFormat], h.Limits)
		f.budget[h] = area
	}
	if area < 0 {
		return h.Limits
	}
	return h.Limits.Tighter(Limits{MaxWidth: -1, MaxHeight: -1, MaxArea: area})
}

// affordable is the largest area of the full image under l that the budget has
// room for; -1 when it is not the budget that bounds it.
func affordable(dec *tile.Decoder, file *jp2.File, format encode.Format, l Limits) int64 {
	full := file.Bounds().Size()
	e := l.effective()
	budget := budgetBytes(dec)
	fits := func(area int64) bool {
		e := e
		e.MaxArea = area
		w, h := e.fit(int64(full.X), int64(full.Y), int64(full.X), int64(full.Y))
		// It is served as luma and chroma where it is coded so; see [encode.Plan].
		for _, pixels := range []tile.PixelFormat{tile.Auto, tile.YCbCr8} {
			plan, err := dec.Plan(file, tile.Request{Size: image.Pt(int(w), int(h)), Format: pixels})
			if err != nil {
				return !errors.Is(err, tile.ErrBudget)
			}
			need := plan.Memory() + encode.Memory(format, plan.Size(), plan.PixelFormat())
			if budget >= 0 && need > budget {
				return false
			}
			if !plan.CodedYCbCr() {
				break
			}
		}
		return true
	}
	most := int64(full.X) * int64(full.Y)
	if e.MaxArea > 0 {
		most = min(most, e.MaxArea)
	}
	if fits(most) {
		return -1
	}
	// In steps of a 256th, so that the image's own smaller resolutions are among
	// them; what is smaller is taken to be cheaper.
	const steps = 256
	part := func(n int) int64 { return max(1, mulDiv(most, int64(n), steps)) }
	n := sort.Search(steps, func(i int) bool { return !fits(part(i + 1)) })
	return part(n)
}

// budgetBytes is the size of a decoder's budget; negative: no limit.
func budgetBytes(dec *tile.Decoder) int64 {
	const byDefault = 512 << 20
	if dec.Budget == nil || dec.Budget.Bytes == 0 {
		return byDefault
	}
	return dec.Budget.Bytes
}

// fileBytes is about what the headers and the index of file take.
func fileBytes(file *jp2.File) int64 {
	h := file.Header
	n := file.Index().Memory() + 64*int64(len(h.Segments)+len(file.Boxes)) + 512*int64(len(h.Components))
	for _, c := range h.Comments {
		n += int64(len(c.Data))
	}
	for _, c := range file.Colors {
		n += int64(len(c.ICC))
	}
	return n
}
