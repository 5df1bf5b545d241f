// Package iiif answers the requests of the IIIF Image API, versions 3.0 and
// 2.1, at compliance level 2 and beyond.
//
// # A request
//
// An image request is a path of five segments,
//
//	{identifier}/{region}/{size}/{rotation}/{quality}.{format}
//
// [Parse] turns it into a [Request], whose parts are values that cannot hold
// what the grammar does not allow. Nothing about an image is known yet.
// [Request.Resolve] brings image and request together and gives a
// [tile.Request]; [Request.Canonical] gives the one spelling that all requests
// for the same picture share, which is what caches and Link headers want.
//
// # Grids
//
// Regions are in pixels of the full image, its upper left corner at (0,0).
// Sizes are of the scaled region before it is turned (Image API 3.0, 4.6:
// region, then size, then rotation, then quality, then format).
//
// # Serving
//
// [Handler] is the whole service as an [http.Handler]. Its pieces stand alone:
// [NewInfo] makes the image information document, [Files] keeps images open,
// a [Cache] keeps finished derivatives, and package overload decides who is
// served when not all can be.
//
// # In a server
//
// A Handler minds requests and answers: how long an answer may take to begin
// (Timeout), how slowly a client may read it (WriteTimeout), and who is served
// when not all can be (Gate). What comes before a request is the [http.Server]'s:
// it needs a ReadHeaderTimeout and a ReadTimeout against clients who ask byte by
// byte, an IdleTimeout, and MaxHeaderBytes; 64 KiB are plenty. Its WriteTimeout
// stays zero, for it would cut large images short. Shutdown waits for the answers
// under way, and [Files.Close] comes after it.
//
// Memory is the sum of the parts, each of which is bounded: the decoder's Budget,
// [Files].Bytes for indexes, [MemoryCache].Bytes, and 32 MiB at most of answers
// that clients read more slowly than they are made. Handlers that share Files,
// Decoder, Cache and Gate share these bounds too.
//
// Behind a proxy TrustProxy matters: without it links have the address by which
// the proxy knows the server, and all clients are one, which may have a quarter of
// the places in the Gate's queue. A proxy has to overwrite what clients say in the
// headers that are trusted, for a client can send them as well. Where others than
// the client may keep answers by their path alone, BaseURL keeps them from being
// filled with links to a host that somebody made up.
//
// Section numbers in comments are those of the Image API 3.0 unless they say
// 2.1.
package iiif
