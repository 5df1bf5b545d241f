// Package bucket has images and finished derivatives in object stores: S3, Google
// Cloud Storage, Azure, a directory, or memory, whichever drivers of
// [gocloud.dev/blob] the program imports. It is a package of its own so that
// package iiif does not import the stores' client libraries.
package bucket
