package encode

// This file implements deflate (RFC 1951) of rows of samples, which are nothing
// like text: after filtering, what is left of a photograph is mostly noise.

import (
	"io"

	"github.com/klauspost/compress/flate"
)

// deflateWindow is how far back matches reach.
const deflateWindow = 32 << 10

// A deflater compresses one piece of data after the other. It belongs to one
// worker.
//
// In a noisy picture nearly everything matches something a few bytes long, far
// away, and the match takes more bits than the literals it stands for. Huffman
// codes alone are then shorter, and made ten times as fast. So every piece is
// tried at a few places first.
type deflater struct {
	matching *flate.Writer
	literal  *flate.Writer // no matches; nil: always matching
}

// deflateLevel checks the level that a user has set: 0 is standard, and negative
// ones store.
func deflateLevel(level, standard int) (int, error) {
	switch {
	case level < 0:
		return flate.NoCompression, nil
	case level == 0:
		return standard, nil
	case level > flate.BestCompression:
		return 0, badSetting("level %d of compression is above 9", level)
	}
	return level, nil
}

// newDeflater returns a deflater for a level of package flate from 0 to 9.
func newDeflater(level int) *deflater {
	d := &deflater{matching: newFlateWriter(level)}
	if level != flate.NoCompression {
		d.literal = newFlateWriter(flate.HuffmanOnly)
	}
	return d
}

func newFlateWriter(level int) *flate.Writer {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		panic("encode: " + err.Error() + " (bug)") // it is of levels only
	}
	return w
}

// deflaterMemory is what a deflater holds at most, in bytes: level 9 1.42 MB, the
// others less, and 0.32 MB for literals.
const deflaterMemory = 7 << 18

// deflateBound is more than what n bytes become. A block of literals that do not
// compress is stored; one with matches in between has at least 32 KiB and a
// table of less than 300 bytes.
func deflateBound(n int64) int64 { return n + n>>6 + 64 }

// append appends data to dst as deflate blocks. They end at a byte boundary, and
// the last is marked as the last of the stream if final is set. dict is what
// comes before data in the stream, as far as matches may refer to it.
func (d *deflater) append(dst *sink, dict, data []byte, final bool) {
	start := len(*dst)
	if need := start + int(deflateBound(int64(len(data)))); need > cap(*dst) {
		*dst = append(make(sink, 0, need), *dst...)
	}
	matches, unsure := d.try(data)
	if matches {
		deflate(dst, d.matching, dict, data, final)
	}
	if unsure {
		var literal tally // which take a tenth of the time, and once more to win
		deflate(&literal, d.literal, nil, data, final)
		matches = int(literal) >= len(*dst)-start
	}
	if !matches {
		*dst = (*dst)[:start]
		deflate(dst, d.literal, nil, data, final)
	}
}

// deflate writes data to dst, which cannot fail, by w.
func deflate(dst io.Writer, w *flate.Writer, dict, data []byte, final bool) {
	w.ResetDict(dst, dict)
	w.Write(data)
	if final {
		w.Close()
	} else {
		w.Flush()
	}
}

// try reports whether matches make parts of data shorter, and whether the whole
// has to show it. Of parts there is less to refer to, so that matches in the whole
// are better by some per cent.
func (d *deflater) try(data []byte) (matches, unsure bool) {
	if d.literal == nil {
		return true, false
	}
	const parts, size = 8, 1 << 10
	var matching, literal tally
	d.matching.ResetDict(&matching, nil)
	d.literal.ResetDict(&literal, nil)
	n := len(data) / parts
	for i := range parts {
		part := data[i*n:][:min(n, size)]
		d.matching.Write(part)
		d.literal.Write(part)
	}
	d.matching.Flush()
	d.literal.Flush()
	ratio := float64(matching) / float64(literal)
	return ratio < 1.02, 0.95 < ratio && ratio < 1.02
}

// A tally counts what is written.
type tally int

func (t *tally) Write(p []byte) (int, error) {
	*t += tally(len(p))
	return len(p), nil
}
