package encode

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"

	"github.com/stria-j2k/stria/tile"
)

// A Source is a picture that comes as strips. [tile.Plan] is one.
//
// Strips come top to bottom without gaps, all as wide as the picture and in its
// pixel format, and are valid until the next one is asked for. A failure is
// yielded as a nil strip with the error and ends the sequence.
type Source interface {
	Size() image.Point
	PixelFormat() tile.PixelFormat
	Strips(ctx context.Context) iter.Seq2[*tile.Strip, error]
}

// A Reserver is a Source that reserves the memory of a run from a budget. Its
// method is called instead of Strips. extra bytes are what the encoder is going
// to hold; they belong to the same reservation, made before any work and given
// back when the loop ends, so that no run holds a part of what it needs while it
// waits for the rest.
type Reserver interface {
	Source
	StripsReserving(ctx context.Context, extra int64) iter.Seq2[*tile.Strip, error]
}

// A Profiled is a Source whose colours are those of an ICC profile. The profile
// is embedded unless the format's Metadata says otherwise. Nil means that the
// picture is in sRGB or in the grey that goes with it.
type Profiled interface {
	Source
	ICC() []byte
}

// A Dense is a Source that knows the density of its pixels, in dots per inch.
// Zero means unknown.
type Dense interface {
	Source
	Density() (x, y float64)
}

// A Format is a file format together with its settings. Those of this package
// are immutable values, safe for concurrent use.
type Format interface {
	// MediaType is what a Content-Type header says: "image/jpeg".
	MediaType() string

	// Encode writes the whole of src to w. It keeps the promises of the package
	// comment; package encodetest checks them.
	//
	// An error of src or of w is returned so that errors.Is finds it; so is
	// the cause of the context. A picture that the format cannot hold gives an
	// error that matches errors.ErrUnsupported, a setting that makes no sense
	// one that matches tile.ErrRequest, and nothing has been written then.
	Encode(ctx context.Context, w io.Writer, src Source) error
}

// An Accepter is a Format that says beforehand which pictures it can hold. All
// formats of this package are. See [Accept].
type Accepter interface {
	Format
	Accept(size image.Point, f tile.PixelFormat) (tile.PixelFormat, error)
}

// An Embedder is a Format that says whether its files have a place for an ICC
// profile. Those that are none are taken to have one. See [Plan].
type Embedder interface {
	Format
	EmbedsICC() bool
}

// An Estimator is a Format that says beforehand how much memory it takes. All
// formats of this package are. See [Memory].
type Estimator interface {
	Format
	Memory(size image.Point, f tile.PixelFormat) int64
}

// Accept returns the pixel format in which format would best be handed a picture
// of that size whose own pixel format is f: f itself, or a smaller one when the
// file cannot hold as much as f. Its Encode takes f as well, but converts. A
// picture that format cannot hold gives an error that matches
// errors.ErrUnsupported. A format that is no [Accepter] accepts everything.
func Accept(format Format, size image.Point, f tile.PixelFormat) (tile.PixelFormat, error) {
	if a, ok := format.(Accepter); ok {
		return a.Accept(size, f)
	}
	return f, nil
}

// Memory returns a bound of the bytes that format's Encode holds for a picture
// of that size and pixel format, beyond the strips of the source. It is 0 for a
// format that is no [Estimator].
func Memory(format Format, size image.Point, f tile.PixelFormat) int64 {
	if e, ok := format.(Estimator); ok {
		return e.Memory(size, f)
	}
	return 0
}

// errorf makes an error of this package.
func errorf(format string, args ...any) error {
	return fmt.Errorf("encode: "+format, args...)
}

// badSetting makes an error about what the caller set, which matches
// tile.ErrRequest.
func badSetting(format string, args ...any) error {
	return fmt.Errorf("encode: %s: %w", fmt.Sprintf(format, args...), tile.ErrRequest)
}

// unsupported makes an error that matches errors.ErrUnsupported and says why.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("encode: %s: %w", fmt.Sprintf(format, args...), errors.ErrUnsupported)
}

// checkSize refuses empty pictures and those with a side beyond limit.
func checkSize(name string, size image.Point, limit int) error {
	if size.X <= 0 || size.Y <= 0 {
		return badSetting("a picture of %d x %d pixels is empty", size.X, size.Y)
	}
	if size.X > limit || size.Y > limit {
		return unsupported("%s holds at most %d x %d pixels, not %d x %d",
			name, limit, limit, size.X, size.Y)
	}
	return nil
}

// checkFormat returns an error if a would have pixels in f as something else, for
// formats that do not convert.
func checkFormat(a Accepter, size image.Point, f tile.PixelFormat) error {
	g, err := a.Accept(size, f)
	if err == nil && g != f {
		err = unsupported("%s from pixels in %v, other than as %v", a.MediaType(), f, g)
	}
	return err
}
