package encode

import (
	"context"
	"fmt"
	"image"
	"io"
	"strconv"

	"github.com/stria-j2k/stria/tile"
)

// maxPDFPage is the longest side of a page, in points, that every viewer shows.
const maxPDFPage = 14400

// PDF writes a PDF (ISO 32000-1) of one page that is the picture, as a JPEG that
// streams as [JPEG] does. It takes what JPEG takes.
type PDF struct {
	// JPEG is how the picture is encoded. Of its Metadata, the density decides
	// the size of the page, 72 dots per inch if it is not known; the ICC profile
	// and XMP become streams of their own; Exif stays in the JPEG.
	JPEG JPEG
}

// MediaType returns "application/pdf".
func (p PDF) MediaType() string { return "application/pdf" }

// Accept implements [Accepter].
func (p PDF) Accept(size image.Point, f tile.PixelFormat) (tile.PixelFormat, error) {
	return p.JPEG.Accept(size, f)
}

// Memory implements [Estimator].
func (p PDF) Memory(size image.Point, f tile.PixelFormat) int64 {
	return p.JPEG.Memory(size, f)
}

// Numbers of the objects in the file. Those of the profile and XMP are not used
// without them.
const (
	pdfCatalog = iota + 1
	pdfPages
	pdfPage
	pdfContents
	pdfProfile
	pdfXMP
	pdfImage
	pdfLength // of the image, known when it is written
	pdfObjects
)

// Encode implements [Format].
func (p PDF) Encode(ctx context.Context, w io.Writer, src Source) error {
	meta, err := p.JPEG.check(src)
	if err != nil {
		return err
	}
	jfif, err := appendJFIF(nil, Metadata{Exif: meta.Exif, Density: meta.Density})
	if err != nil {
		return err
	}
	var f pdfFile
	f.begin(src.Size(), src.PixelFormat(), meta)
	start := len(f.data)
	head := append(f.data, jfif...)
	return p.JPEG.encodeAfter(ctx, w, src, head, func(out *buffer) error {
		_, err := out.Write(f.end(out.count, start))
		return err
	})
}

// A pdfFile is a file being made.
type pdfFile struct {
	data    []byte
	offsets [pdfObjects]int64 // of objects; 0 for those there are not
}

// begin appends all that comes before the data of the image.
func (f *pdfFile) begin(size image.Point, pf tile.PixelFormat, meta Metadata) {
	// 7.5.2: bytes above 127 in a comment say that the file is binary.
	f.data = append(f.data, "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"...)

	d := meta.Density
	if !d.known() {
		d = Density{72, 72}
	}
	w, h := float64(size.X)*72/d.X, float64(size.Y)*72/d.Y
	if most := max(w, h); most > maxPDFPage {
		w, h = w*maxPDFPage/most, h*maxPDFPage/most
	}
	width, height := pdfNumber(w), pdfNumber(h)

	xmp := ""
	if len(meta.XMP) > 0 {
		xmp = fmt.Sprintf(" /Metadata %d 0 R", pdfXMP)
		f.stream(pdfXMP, "/Type /Metadata /Subtype /XML", meta.XMP)
	}
	f.object(pdfCatalog, "<< /Type /Catalog /Pages %d 0 R%s >>", pdfPages, xmp)
	f.object(pdfPages, "<< /Type /Pages /Kids [%d 0 R] /Count 1 >>", pdfPage)
	f.object(pdfPage, "<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Contents %d 0 R"+
		" /Resources << /XObject << /Im0 %d 0 R >> >> >>",
		pdfPages, width, height, pdfContents, pdfImage)
	f.stream(pdfContents, "", fmt.Appendf(nil, "q %s 0 0 %s 0 0 cm /Im0 Do Q", width, height))

	space, n := "/DeviceRGB", 3
	if pf == tile.Gray8 || pf == tile.Gray16 {
		space, n = "/DeviceGray", 1
	}
	if len(meta.ICC) > 0 { // 8.6.5.5
		f.stream(pdfProfile, fmt.Sprintf("/N %d /Alternate %s", n, space), meta.ICC)
		space = fmt.Sprintf("[/ICCBased %d 0 R]", pdfProfile)
	}
	f.start(pdfImage)
	f.data = fmt.Appendf(f.data, "<< /Type /XObject /Subtype /Image /Width %d /Height %d"+
		" /ColorSpace %s /BitsPerComponent 8 /Filter /DCTDecode /Length %d 0 R >>\nstream\n",
		size.X, size.Y, space, pdfLength)
}

// end returns all that comes after the data of the image, which is from start to
// now in the file.
func (f *pdfFile) end(now int64, start int) []byte {
	f.data = []byte("\nendstream\nendobj\n")
	f.offsets[pdfLength] = now + int64(len(f.data))
	f.data = fmt.Appendf(f.data, "%d 0 obj\n%d\nendobj\n", pdfLength, now-int64(start))
	xref := now + int64(len(f.data))

	// 7.5.4: an entry has 20 bytes; objects that are not used are free.
	f.data = fmt.Appendf(f.data, "xref\n0 %d\n0000000000 65535 f \n", pdfObjects)
	for _, at := range f.offsets[1:] {
		if at == 0 {
			f.data = append(f.data, "0000000000 00001 f \n"...)
		} else {
			f.data = fmt.Appendf(f.data, "%010d 00000 n \n", at)
		}
	}
	return fmt.Appendf(f.data, "trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n",
		pdfObjects, pdfCatalog, xref)
}

// start begins an object.
func (f *pdfFile) start(n int) {
	f.offsets[n] = int64(len(f.data))
	f.data = fmt.Appendf(f.data, "%d 0 obj\n", n)
}

// object appends an object.
func (f *pdfFile) object(n int, format string, args ...any) {
	f.start(n)
	f.data = fmt.Appendf(f.data, format, args...)
	f.data = append(f.data, "\nendobj\n"...)
}

// stream appends an object that is a stream.
func (f *pdfFile) stream(n int, entries string, data []byte) {
	f.start(n)
	f.data = fmt.Appendf(f.data, "<< %s /Length %d >>\nstream\n", entries, len(data))
	f.data = append(f.data, data...)
	f.data = append(f.data, "\nendstream\nendobj\n"...)
}

// pdfNumber writes v as a number of PDF, which has no exponents.
func pdfNumber(v float64) string { return strconv.FormatFloat(max(v, 0.001), 'f', 3, 64) }
