package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"image/color"
	"strconv"
	"strings"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// lookFlags are the flags for how the picture is turned and what becomes of its
// colours.
func (c *command) lookFlags(fs *flag.FlagSet) {
	fs.IntVar(&c.rotate, "rotate", 0, "turn clockwise by so many `degrees`: 0, 90, 180 or 270")
	fs.BoolVar(&c.mirror, "mirror", false, "mirror left to right, before turning")
	fs.BoolFunc("gray", "in shades of grey", c.inQuality(tile.InGray))
	fs.BoolFunc("bitonal", "in black and white", c.inQuality(tile.Bitonal))
	choice(fs, "icc", "what becomes of an ICC profile: `keep|srgb|strip`, of which strip takes the colours for sRGB "+
		"and keep is srgb where the output has no place for a profile (default keep)",
		map[string]func(){
			"keep":  func() { c.request.Color = tile.KeepProfile },
			"srgb":  func() { c.request.Color = tile.ToSRGB },
			"strip": func() { c.request.Color = tile.IgnoreProfile },
		})
	choice(fs, "chroma", "how much colour a JPEG keeps: `420|422|444` (default 420)", map[string]func(){
		"420": func() { c.jpeg.Chroma = encode.Chroma420 },
		"422": func() { c.jpeg.Chroma = encode.Chroma422 },
		"444": func() { c.jpeg.Chroma = encode.Chroma444 },
	})
	fs.BoolVar(&c.metadata, "metadata", false, "carry Exif and XMP over to a JPEG, PNG, TIFF (XMP only), WebP or PDF")
	fs.BoolVar(&c.jpeg.Progressive, "progressive", false, "write a progressive JPEG, if the memory for it is there")
	fs.BoolVar(&c.webp.Lossless, "lossless", false, "keep every sample in a WebP; -quality does not matter then")
	fs.Func("background", "colour behind transparent pixels in a JPEG, as `rrggbb` (default white)", func(s string) error {
		rgb, err := hex.DecodeString(strings.TrimPrefix(s, "#"))
		if err != nil || len(rgb) != 3 {
			return errors.New("six hexadecimal digits are wanted")
		}
		c.jpeg.Background = color.RGBA{rgb[0], rgb[1], rgb[2], 255}
		return nil
	})
}

// inQuality is the meaning of a flag without a value that asks for a quality.
func (c *command) inQuality(q tile.Quality) func(string) error {
	return func(s string) error {
		on, err := strconv.ParseBool(s)
		if on {
			c.request.Quality = q
		}
		return err
	}
}

// choice defines a flag that is one of some words.
func choice(fs *flag.FlagSet, name, usage string, words map[string]func()) {
	fs.Func(name, usage, func(s string) error {
		set, ok := words[s]
		if !ok {
			return errors.New("no such choice")
		}
		set()
		return nil
	})
}

// carry reads the metadata that the output is to have, if any.
func (c *command) carry(f *jp2.File) (m encode.Metadata, err error) {
	if !c.metadata {
		return m, nil
	}
	m, err = encode.MetadataOf(f)
	if c.request.Orient != tile.Rotate0 {
		m = m.Upright()
	}
	return m, err
}

// orient is the orientation that the flags ask for.
func (c *command) orient() (tile.Orient, error) {
	if c.rotate < 0 || c.rotate > 270 || c.rotate%90 != 0 {
		return 0, fmt.Errorf("%w: rotation by %d degrees", errUsage, c.rotate)
	}
	o := tile.Rotate0
	if c.mirror {
		o = tile.Mirror0
	}
	return o + tile.Orient(c.rotate/90), nil
}
