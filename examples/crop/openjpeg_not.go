//go:build !openjpeg

package main

import (
	"errors"

	"github.com/stria-j2k/stria/tile"
)

// openJPEG would be an engine that needs a C library, which this program does not ask
// for unless it is built with the tag openjpeg.
func openJPEG() (tile.Engine, error) {
	return tile.Engine{}, errors.New("this crop is built without OpenJPEG: go build -tags openjpeg")
}
