package iiif

import "fmt"

// A Version is a version of the Image API. They differ in the grammar of the
// size, in the canonical form and in the image information document.
type Version uint8

// The versions. The zero value is the newest.
const (
	V3 Version = iota // 3.0
	V2                // 2.1
)

func (v Version) String() string {
	if v == V2 {
		return "2.1"
	}
	return "3.0"
}

// context is the URI of the version's JSON-LD context (5.2).
func (v Version) context() string {
	if v == V2 {
		return "http://iiif.io/api/image/2/context.json"
	}
	return "http://iiif.io/api/image/3/context.json"
}

// profile is the URI of a compliance level (6).
func (v Version) profile(level int) string {
	if v == V2 {
		return fmt.Sprintf("http://iiif.io/api/image/2/level%d.json", level)
	}
	return fmt.Sprintf("http://iiif.io/api/image/3/level%d.json", level)
}
