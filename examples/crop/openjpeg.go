//go:build openjpeg

package main

import (
	"github.com/stria-j2k/stria/tile"
	"github.com/stria-j2k/stria/tile/openjpeg"
)

func openJPEG() (tile.Engine, error) { return openjpeg.Engine(), nil }
