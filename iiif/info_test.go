package iiif

import (
	"encoding/json"
	"image"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// testHeader is the header of an image of one component.
func testHeader(bounds, tile image.Rectangle, levels int, precincts ...codestream.Precinct) *codestream.Header {
	if precincts == nil {
		precincts = []codestream.Precinct{{PPx: 15, PPy: 15}}
	}
	return &codestream.Header{
		Bounds: bounds, FirstTile: tile,
		Components: []codestream.Component{{
			Depth: 8, Sub: image.Pt(1, 1),
			ComponentCoding: codestream.ComponentCoding{Levels: levels, Precincts: precincts},
		}},
	}
}

func TestPyramid(t *testing.T) {
	untiled := func(r image.Rectangle) image.Rectangle { return r }
	for _, test := range []struct {
		name   string
		header *codestream.Header
		limits Limits
		sizes  []image.Point
		tile   image.Point
		scales []int
	}{
		{"untiled", testHeader(image.Rect(0, 0, 6000, 4001), untiled(image.Rect(0, 0, 6000, 4001)), 3), none,
			[]image.Point{{750, 501}, {1500, 1001}, {3000, 2001}, {6000, 4001}}, image.Pt(512, 512), []int{1, 2, 4, 8}},
		{"no resolutions", testHeader(image.Rect(0, 0, 6000, 4001), untiled(image.Rect(0, 0, 6000, 4001)), 0), none,
			[]image.Point{{6000, 4001}}, image.Pt(512, 512), []int{1}},
		{"tiled", testHeader(image.Rect(0, 0, 6000, 4000), image.Rect(0, 0, 1024, 512), 1), none,
			[]image.Point{{3000, 2000}, {6000, 4000}}, image.Pt(1024, 512), []int{1, 2}},
		{"small tiles", testHeader(image.Rect(0, 0, 600, 400), image.Rect(0, 0, 100, 64), 1), none,
			[]image.Point{{300, 200}, {600, 400}}, image.Pt(300, 256), []int{1, 2}},
		{"huge tiles", testHeader(image.Rect(0, 0, 60000, 40000), image.Rect(0, 0, 4096, 4096), 1), none,
			[]image.Point{{30000, 20000}, {60000, 40000}}, image.Pt(512, 512), []int{1, 2}},
		{"precincts", testHeader(image.Rect(0, 0, 6000, 4000), image.Rect(0, 0, 6000, 4000), 1,
			codestream.Precinct{PPx: 7, PPy: 7}, codestream.Precinct{PPx: 8, PPy: 8}), none,
			[]image.Point{{3000, 2000}, {6000, 4000}}, image.Pt(256, 256), []int{1, 2}},
		{"limits", testHeader(image.Rect(0, 0, 6000, 4000), image.Rect(0, 0, 6000, 4000), 2), Limits{MaxWidth: 2000},
			[]image.Point{{1500, 1000}, {2000, 1333}}, image.Pt(512, 512), []int{1, 2, 4}},
		{"small limits", testHeader(image.Rect(0, 0, 6000, 4000), image.Rect(0, 0, 6000, 4000), 2), Limits{MaxWidth: 200},
			[]image.Point{{200, 133}}, image.Pt(128, 128), []int{1, 2, 4}},
		{"more levels than pixels", testHeader(image.Rect(0, 0, 3, 2), image.Rect(0, 0, 3, 2), 32), none,
			[]image.Point{{1, 1}, {2, 1}, {3, 2}}, image.Pt(512, 512), []int{1, 2, 4}},
		{"offset", testHeader(image.Rect(5, 3, 14, 10), image.Rect(0, 0, 20, 20), 2), none,
			[]image.Point{{2, 2}, {4, 3}, {9, 7}}, image.Pt(512, 512), []int{1, 2, 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			info := Info{Limits: test.limits}
			info.describe(test.header)
			require.Equal(t, test.header.Bounds.Size(), info.Size)
			require.Equal(t, test.sizes, info.Sizes)
			require.Equal(t, []TileSet{{test.tile, test.scales}}, info.Tiles)
			for _, v := range []Version{V2, V3} {
				info.Version = v
				checkInfoIsTrue(t, &info)
			}
		})
	}
}

// checkInfoIsTrue asks for every size and every corner tile that a document
// promises, spelt as clients spell it, and expects to be served just that.
func checkInfoIsTrue(t *testing.T, info *Info) {
	t.Helper()
	for _, size := range info.Sizes {
		r, err := Parse(info.Version, "a/full/"+strconv.Itoa(size.X)+","+strconv.Itoa(size.Y)+"/0/default.jpg")
		require.NoError(t, err)
		_, got, err := r.frame(info.Size, info.Limits)
		require.NoError(t, err)
		require.Equal(t, size, got)
	}
	for _, set := range info.Tiles {
		require.True(t, info.Limits.Allow(set.Size))
		for _, scale := range set.ScaleFactors {
			w, h := set.Size.X*scale, set.Size.Y*scale
			lastX, lastY := (info.Size.X-1)/w*w, (info.Size.Y-1)/h*h
			for _, corner := range []image.Point{{}, {lastX, 0}, {0, lastY}, {lastX, lastY}} {
				region := image.Rect(0, 0, w, h).Add(corner).Intersect(image.Rectangle{Max: info.Size})
				out := image.Pt((region.Dx()+scale-1)/scale, (region.Dy()+scale-1)/scale)
				size := strconv.Itoa(out.X) + "," + strconv.Itoa(out.Y)
				r, err := Parse(info.Version, "a/"+PixelRegion(region).String()+"/"+size+"/0/default.jpg")
				require.NoError(t, err)
				_, got, err := r.frame(info.Size, info.Limits)
				require.NoError(t, err)
				require.Equal(t, out, got)
			}
		}
	}
}

func TestInfoJSON(t *testing.T) {
	info := &Info{
		Version: V3, URI: "https://example.org/iiif/3/a%2Fb", Size: image.Pt(6000, 4000),
		Limits:  Limits{MaxWidth: 3000, MaxHeight: 2000, MaxArea: 4_000_000},
		Sizes:   []image.Point{{150, 100}, {600, 400}},
		Tiles:   []TileSet{{image.Pt(512, 512), []int{1, 2}}, {image.Pt(1024, 2048), []int{4}}},
		Formats: []string{"jpg", "png", "tif"}, PreferredFormats: []string{"png"},
		Rights:   "http://rightsstatements.org/vocab/InC-EDU/1.0/",
		PartOf:   []Link{{ID: "https://example.org/m", Type: "Manifest", Label: map[string][]string{"en": {"A Book"}}}},
		SeeAlso:  []Link{{ID: "https://example.org/x", Type: "Dataset", Format: "text/xml"}},
		Services: []any{map[string]string{"id": "https://example.org/s", "type": "Service"}},
		Contexts: []string{"http://iiif.io/api/auth/2/context.json"},
	}
	b, err := json.Marshal(info)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(b), `{"@context":`))
	require.JSONEq(t, `{
		"@context": ["http://iiif.io/api/auth/2/context.json", "http://iiif.io/api/image/3/context.json"],
		"id": "https://example.org/iiif/3/a%2Fb", "type": "ImageService3",
		"protocol": "http://iiif.io/api/image", "profile": "level2",
		"width": 6000, "height": 4000, "maxWidth": 3000, "maxHeight": 2000, "maxArea": 4000000,
		"sizes": [{"width":150,"height":100},{"width":600,"height":400}],
		"tiles": [{"width":512,"scaleFactors":[1,2]},{"width":1024,"height":2048,"scaleFactors":[4]}],
		"preferredFormats": ["png"], "extraFormats": ["tif"],
		"extraQualities": ["color","gray","bitonal"],
		"extraFeatures": ["canonicalLinkHeader","mirroring","profileLinkHeader","rotationArbitrary","sizeUpscaling"],
		"rights": "http://rightsstatements.org/vocab/InC-EDU/1.0/",
		"partOf": [{"id":"https://example.org/m","type":"Manifest","label":{"en":["A Book"]}}],
		"seeAlso": [{"id":"https://example.org/x","type":"Dataset","format":"text/xml"}],
		"service": [{"id":"https://example.org/s","type":"Service"}]
	}`, string(b))

	info.Version, info.Attribution, info.Logo = V2, "By us", "https://example.org/logo.png"
	b, err = json.Marshal(info)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(b), `{"@context":`))
	require.JSONEq(t, `{
		"@context": "http://iiif.io/api/image/2/context.json",
		"@id": "https://example.org/iiif/3/a%2Fb", "protocol": "http://iiif.io/api/image",
		"width": 6000, "height": 4000,
		"sizes": [{"width":150,"height":100},{"width":600,"height":400}],
		"tiles": [{"width":512,"scaleFactors":[1,2]},{"width":1024,"height":2048,"scaleFactors":[4]}],
		"profile": ["http://iiif.io/api/image/2/level2.json", {
			"formats": ["tif"], "maxWidth": 3000, "maxHeight": 2000, "maxArea": 4000000,
			"supports": ["canonicalLinkHeader","mirroring","profileLinkHeader","regionSquare","rotationArbitrary","sizeAboveFull"]}],
		"attribution": "By us", "license": "http://rightsstatements.org/vocab/InC-EDU/1.0/",
		"logo": "https://example.org/logo.png",
		"service": [{"id":"https://example.org/s","type":"Service"}]
	}`, string(b))
}

func TestInfoStatesOnlyWhatHolds(t *testing.T) {
	info := &Info{Size: image.Pt(10, 10), Limits: none, Gray: true}
	b, err := json.Marshal(info)
	require.NoError(t, err)
	require.NotContains(t, string(b), "max")
	require.NotContains(t, string(b), "sizeUpscaling")
	require.NotContains(t, string(b), `"color"`)

	info.Limits = Limits{NoUpscale: true}
	b, err = json.Marshal(info)
	require.NoError(t, err)
	require.Contains(t, string(b), `"maxWidth":65500`)
	require.NotContains(t, string(b), "maxHeight")
	require.NotContains(t, string(b), "sizeUpscaling")
}

// A server without PNG is of level 1, and says what it has beyond that.
func TestInfoOfLevel1(t *testing.T) {
	info := &Info{Size: image.Pt(10, 10), Formats: []string{"jpg", "webp"}}
	b, err := json.Marshal(info)
	require.NoError(t, err)
	require.Contains(t, string(b), `"profile":"level1"`)
	require.Contains(t, string(b), `"extraFormats":["webp"]`)
	for _, feature := range []string{"regionByPct", "rotationBy90s", "sizeByConfinedWh", "sizeByWh", "sizeByPct"} {
		require.Contains(t, string(b), feature)
	}
	info.Version = V2
	b, err = json.Marshal(info)
	require.NoError(t, err)
	require.Contains(t, string(b), `"profile":["http://iiif.io/api/image/2/level1.json",`)
	require.Contains(t, string(b), `"qualities":["color","gray","bitonal"]`)
	for _, feature := range []string{"regionByPct", "rotationBy90s", "sizeByConfinedWh", "sizeByWh", "sizeByDistortedWh"} {
		require.Contains(t, string(b), feature)
	}
}
