package iiif

import (
	"encoding/json"
	"fmt"
	"image"
	"slices"

	"github.com/stria-j2k/stria/jp2"
)

// An Info is the image information document (section 5), info.json. Its JSON
// is that of its Version.
type Info struct {
	Version Version
	URI     string      // the image's base URI: scheme, host, prefix, identifier
	Size    image.Point // of the full image, in pixels
	Limits  Limits      // what is stated of them: the largest width, height, area
	Sizes   []image.Point
	Tiles   []TileSet

	Gray             bool     // the default quality has no colour
	Formats          []string // all that are served; nil: what level 2 implies
	PreferredFormats []string // 3.0 only

	Rights   string // the URI of a licence or rights statement; "license" in 2.1
	PartOf   []Link // 3.0 only
	SeeAlso  []Link // 3.0 only
	Services []any  // encoded as they are; authorisation services, for instance

	// Contexts are JSON-LD contexts of extensions and services, stated before
	// the API's own. 3.0 only.
	Contexts []string

	Attribution string // 2.1 only
	Logo        string // the URI of an image; 2.1 only
}

// A Link refers to another resource (5.8).
type Link struct {
	ID      string              `json:"id"`
	Type    string              `json:"type"`
	Label   map[string][]string `json:"label,omitempty"` // by language
	Format  string              `json:"format,omitempty"`
	Profile string              `json:"profile,omitempty"`
}

const protocol = "http://iiif.io/api/image"

// levelFormats are the formats that level 2 implies; level 1 implies the first.
var levelFormats = [...]string{"jpg", "png"}

// level is the compliance level that these formats leave (6).
func level(formats []string) int {
	if formats == nil || slices.Contains(formats, levelFormats[1]) {
		return 2
	}
	return 1
}

type infoSize struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

type infoTile struct {
	Width        int   `json:"width"`
	Height       int   `json:"height,omitempty"`
	ScaleFactors []int `json:"scaleFactors"`
}

type info3 struct {
	Context          any        `json:"@context"`
	ID               string     `json:"id"`
	Type             string     `json:"type"`
	Protocol         string     `json:"protocol"`
	Profile          string     `json:"profile"`
	Width            int        `json:"width"`
	Height           int        `json:"height"`
	MaxWidth         int        `json:"maxWidth,omitempty"`
	MaxHeight        int        `json:"maxHeight,omitempty"`
	MaxArea          int64      `json:"maxArea,omitempty"`
	Sizes            []infoSize `json:"sizes,omitempty"`
	Tiles            []infoTile `json:"tiles,omitempty"`
	PreferredFormats []string   `json:"preferredFormats,omitempty"`
	ExtraFormats     []string   `json:"extraFormats,omitempty"`
	ExtraQualities   []string   `json:"extraQualities,omitempty"`
	ExtraFeatures    []string   `json:"extraFeatures,omitempty"`
	Rights           string     `json:"rights,omitempty"`
	PartOf           []Link     `json:"partOf,omitempty"`
	SeeAlso          []Link     `json:"seeAlso,omitempty"`
	Service          []any      `json:"service,omitempty"`
}

type info2 struct {
	Context     string     `json:"@context"`
	ID          string     `json:"@id"`
	Protocol    string     `json:"protocol"`
	Width       int        `json:"width"`
	Height      int        `json:"height"`
	Sizes       []infoSize `json:"sizes,omitempty"`
	Tiles       []infoTile `json:"tiles,omitempty"`
	Profile     []any      `json:"profile"`
	Attribution string     `json:"attribution,omitempty"`
	License     string     `json:"license,omitempty"`
	Logo        string     `json:"logo,omitempty"`
	Service     []any      `json:"service,omitempty"`
}

type profile2 struct {
	Formats   []string `json:"formats,omitempty"`
	MaxArea   int64    `json:"maxArea,omitempty"`
	MaxHeight int      `json:"maxHeight,omitempty"`
	MaxWidth  int      `json:"maxWidth,omitempty"`
	Qualities []string `json:"qualities,omitempty"`
	Supports  []string `json:"supports,omitempty"`
}

// MarshalJSON writes the document of i's version, its context first.
func (i *Info) MarshalJSON() ([]byte, error) {
	var sizes []infoSize
	for _, s := range i.Sizes {
		sizes = append(sizes, infoSize{s.X, s.Y})
	}
	var tiles []infoTile
	for _, t := range i.Tiles {
		tile := infoTile{Width: t.Size.X, ScaleFactors: t.ScaleFactors}
		if t.Size.Y != t.Size.X {
			tile.Height = t.Size.Y
		}
		tiles = append(tiles, tile)
	}
	level := level(i.Formats)
	var extraFormats []string
	for _, f := range i.Formats {
		if !slices.Contains(levelFormats[:level], f) {
			extraFormats = append(extraFormats, f)
		}
	}
	qualities := []string{"color", "gray", "bitonal"}
	if i.Gray {
		qualities = qualities[1:] // 4.4: color is answered, but not announced
	}
	maxWidth, maxHeight, maxArea := i.stated()
	if i.Version == V2 {
		if level == 2 {
			qualities = nil // they are implied
		}
		return json.Marshal(info2{
			Context: V2.context(), ID: i.URI, Protocol: protocol,
			Width: i.Size.X, Height: i.Size.Y, Sizes: sizes, Tiles: tiles,
			Profile: []any{V2.profile(level), profile2{
				Formats: extraFormats, MaxArea: maxArea, MaxHeight: maxHeight,
				MaxWidth: maxWidth, Qualities: qualities, Supports: i.features(),
			}},
			Attribution: i.Attribution, License: i.Rights, Logo: i.Logo, Service: i.Services,
		})
	}
	var context any = V3.context()
	if len(i.Contexts) > 0 {
		context = append(slices.Clone(i.Contexts), V3.context())
	}
	return json.Marshal(info3{
		Context: context, ID: i.URI, Type: "ImageService3", Protocol: protocol,
		Profile: fmt.Sprintf("level%d", level), Width: i.Size.X, Height: i.Size.Y,
		MaxWidth: maxWidth, MaxHeight: maxHeight, MaxArea: maxArea,
		Sizes: sizes, Tiles: tiles, PreferredFormats: i.PreferredFormats,
		ExtraFormats: extraFormats, ExtraQualities: qualities,
		ExtraFeatures: i.features(), Rights: i.Rights,
		PartOf: i.PartOf, SeeAlso: i.SeeAlso, Service: i.Services,
	})
}

// stated are the limits as the document states them, 0 for those that do not
// bind. A height is stated only beside a width, from which clients otherwise
// infer it (5.2).
func (i *Info) stated() (maxWidth, maxHeight int, maxArea int64) {
	l := i.Limits.effective()
	if l.MaxWidth > 0 || l.MaxHeight > 0 {
		w, h := l.sides()
		maxWidth = int(w)
		if h != w {
			maxHeight = int(h)
		}
	}
	return maxWidth, maxHeight, max(l.MaxArea, 0)
}

// features are those that the level does not imply (5.7; 2.1, 5.3).
func (i *Info) features() []string {
	list := []string{"canonicalLinkHeader", "mirroring", "profileLinkHeader", "rotationArbitrary"}
	if i.Version == V2 {
		list = append(list, "regionSquare")
	}
	if level(i.Formats) == 1 {
		list = append(list, "regionByPct", "rotationBy90s", "sizeByConfinedWh", "sizeByWh")
		if i.Version == V2 {
			list = append(list, "sizeByDistortedWh")
		} else {
			list = append(list, "sizeByPct")
		}
	}
	w, _, area := i.stated()
	switch {
	case i.Limits.NoUpscale:
	case i.Version == V2:
		list = append(list, "sizeAboveFull")
	case w > 0 || area > 0:
		// 5.7: whoever scales up states how far.
		list = append(list, "sizeUpscaling")
	}
	slices.Sort(list)
	return list
}

// NewInfo is the image information document of f, whose base URI is uri, under
// the limits. What the file does not say is left to the caller.
func NewInfo(f *jp2.File, v Version, uri string, limits Limits) *Info {
	info := &Info{Version: v, URI: uri, Limits: limits, Gray: gray(f)}
	info.describe(f.Header)
	return info
}

// gray reports whether f has no colour.
func gray(f *jp2.File) bool { return len(f.Layout.Colors) == 1 }
