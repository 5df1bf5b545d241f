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
// Section numbers in comments are those of the Image API 3.0 unless they say
// 2.1.
package iiif
