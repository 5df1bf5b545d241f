// Package rival decodes whole files with OpenJPEG the way opj_decompress does,
// in the process of the benchmark: what Stria is compared with. It reads the
// file through OpenJPEG's own file stream with its buffer of 1 MiB.
package rival

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"os"
	"strings"
	"unsafe"
)

/*
#cgo pkg-config: libopenjp2
#cgo CFLAGS: -O2 -Wall
#cgo noescape rival_decode
#cgo nocallback rival_decode
#include "rival.h"
#include <stdlib.h>
*/
import "C"

// A Plane is the samples of one component, row by row without gaps.
type Plane struct {
	Width, Height int
	Depth         int
	Signed        bool
	Samples       []int32
}

// OpenJPEG decodes a whole JP2 file or codestream, dropping reduce resolutions,
// with as many threads of OpenJPEG's own as it says; 0 is none.
func OpenJPEG(path string, reduce, threads int) ([]Plane, error) {
	return OpenJPEGWindow(path, image.Rectangle{}, reduce, threads)
}

// OpenJPEGWindow does so for an area of the reference grid, at full resolution
// whatever reduce is. An empty area is the whole.
func OpenJPEGWindow(path string, area image.Rectangle, reduce, threads int) (planes []Plane, err error) {
	err = Visit(path, area, reduce, threads, func(found []Plane) error {
		planes = found
		for i := range planes {
			planes[i].Samples = append([]int32(nil), planes[i].Samples...)
		}
		return nil
	})
	return planes, err
}

// Visit is OpenJPEGWindow without a copy of the samples, which would be counted as
// OpenJPEG's time: they are OpenJPEG's own and there until see returns. A see of
// nil looks at nothing.
func Visit(path string, area image.Rectangle, reduce, threads int, see func([]Plane) error) error {
	jp2, err := isJP2(path)
	if err != nil {
		return err
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var r C.rival_result
	C.rival_decode(name, jp2, C.uint32_t(area.Min.X), C.uint32_t(area.Min.Y),
		C.uint32_t(area.Max.X), C.uint32_t(area.Max.Y), C.uint32_t(reduce), C.int(threads), &r)
	if r.image == nil {
		return fmt.Errorf("rival: %s: %s", path, strings.TrimSpace(C.GoString(&r.message[0])))
	}
	defer C.opj_image_destroy(r.image)
	if see == nil {
		return nil
	}
	planes := make([]Plane, r.image.numcomps)
	for i, c := range unsafe.Slice(r.image.comps, len(planes)) {
		samples := unsafe.Slice((*int32)(unsafe.Pointer(c.data)), int(c.w)*int(c.h))
		planes[i] = Plane{int(c.w), int(c.h), int(c.prec), c.sgnd != 0, samples}
	}
	return see(planes)
}

// isJP2 is 1 if the file starts with the signature box of JP2 (I.5.1), 0 if it
// must be a bare codestream.
func isJP2(path string) (C.int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var start [12]byte
	if _, err := io.ReadFull(f, start[:]); err != nil {
		return 0, fmt.Errorf("rival: %s: %w", path, err)
	}
	if bytes.Equal(start[:], []byte("\x00\x00\x00\x0cjP  \r\n\x87\n")) {
		return 1, nil
	}
	return 0, nil
}
