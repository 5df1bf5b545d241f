// Package stria is the front door of Stria, a library that turns JPEG 2000
// images into JPEG tiles while they are still being read. Its one promise: bytes
// read, memory held and time spent follow what was asked for, not how large the
// image is.
//
// There is no code in this package; it tells where things are. A request goes
// through the packages in this order, and each imports only those above it:
//
//	codestream  markers, grid arithmetic, and which bytes hold which code-block
//	jp2         boxes: where the codestream is and what its colours mean
//	tile        from a request to a plan, and from a plan to strips of pixels
//	encode      from strips to JPEG, PNG, PNM
//	iiif        the IIIF Image API on top, as an http.Handler
//
// The usual program opens a file with [github.com/stria-j2k/stria/jp2], plans
// with a Decoder of [github.com/stria-j2k/stria/tile], and writes with a Format
// of [github.com/stria-j2k/stria/encode]:
//
//	file, err := jp2.Open("scan.jp2")
//	...
//	defer file.Close()
//
//	var dec tile.Decoder // its zero value works; share one between requests
//	plan, err := dec.Plan(file, tile.Request{
//		Region: image.Rect(4096, 2048, 8192, 6144),
//		Size:   image.Pt(1024, 0),
//	})
//	...
//	err = encode.JPEG{Quality: 82}.Encode(ctx, w, plan)
//
// Images that are on an HTTP server or in a bucket are opened with
// [github.com/stria-j2k/stria/jp2/remote].
//
// # Errors
//
// Errors tell by whose fault something failed: the image's
// (codestream.ErrFormat, with an offset), ours (errors.ErrUnsupported), the
// caller's (tile.ErrRequest) or the limits' (tile.ErrBudget). Errors of sources,
// destinations and contexts come through and match with errors.Is.
package stria
