//go:build cgo

package openjpeg

// The loops of the shim are vectorised from -O3 on.

/*
#cgo pkg-config: libopenjp2
#cgo CFLAGS: -O3 -Wall
#cgo noescape stria_opj_open
#cgo nocallback stria_opj_open
#cgo noescape stria_opj_close
#cgo nocallback stria_opj_close
#cgo noescape stria_opj_decode
#cgo nocallback stria_opj_decode
#cgo noescape stria_opj_trim
#cgo nocallback stria_opj_trim
#include "shim.h"
*/
import "C"
