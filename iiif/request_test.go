package iiif

import (
	"errors"
	"image"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/tile"
)

// requestTable feeds the parse test, the round trip and the fuzz seeds.
var requestTable = []struct {
	version Version
	path    string
	want    string // what String gives; empty: not a request
}{
	{V3, "abcd1234/full/max/0/default.jpg", "abcd1234/full/max/0/default.jpg"},
	{V3, "id1/0,10,100,200/pct:50/90/default.png", "id1/0,10,100,200/pct:50/90/default.png"},
	{V3, "id1/pct:10,10,80,80/50,/22.5/color.jpg", "id1/pct:10,10,80,80/50,/22.5/color.jpg"},
	{V3, "bb157hs6068/full/max/270/gray.jpg", "bb157hs6068/full/max/270/gray.jpg"},
	{V3, "ark:%2F12025%2F654xz321/full/max/0/default.webp", "ark:%2F12025%2F654xz321/full/max/0/default.webp"},
	{V3, "urn:foo:a123,456/full/max/0/default.jpg", "urn:foo:a123,456/full/max/0/default.jpg"},
	{V3, "urn:sici:1046-8188(199501)13:1%253C69:FTTHBI%253E2.0.TX;2-4/full/max/0/default.jpg",
		"urn:sici:1046-8188(199501)13:1%253C69:FTTHBI%253E2.0.TX;2-4/full/max/0/default.jpg"},
	{V3, "http:%2F%2Fexample.com%2F%3F54%23a/full/max/0/default.jpg", "http:%2F%2Fexample.com%2F%3F54%23a/full/max/0/default.jpg"},
	{V3, "a%2Db/full/max/0/default.jpg", "a-b/full/max/0/default.jpg"},
	{V3, "a/square/^max/!0/bitonal.tif", "a/square/%5Emax/!0/bitonal.tif"},
	{V3, "a/square/%5Emax/%210/bitonal.tif", "a/square/%5Emax/!0/bitonal.tif"},
	{V3, "a/pct%3A1%2C2%2C3%2C4/%5E%2C9/0/default.jpg", "a/pct:1,2,3,4/%5E,9/0/default.jpg"},
	{V3, "a/full/^150,/0/default.jpg", "a/full/%5E150,/0/default.jpg"},
	{V3, "a/full/,150/0/default.jpg", "a/full/,150/0/default.jpg"},
	{V3, "a/full/^pct:120.50/0/default.jpg", "a/full/%5Epct:120.5/0/default.jpg"},
	{V3, "a/full/!225,100/0/default.jpg", "a/full/!225,100/0/default.jpg"},
	{V3, "a/full/^!360,360/0/default.jpg", "a/full/%5E!360,360/0/default.jpg"},
	{V3, "a/007,0,1,1/0010,/000.50/default.jpg", "a/7,0,1,1/10,/0.5/default.jpg"},
	{V3, "a/full/max/.5/default.jpg", "a/full/max/0.5/default.jpg"},
	{V3, "a/full/max/360.000/default.jpg", "a/full/max/360/default.jpg"},
	{V3, "a/full/pct:33.333333333333336/0/default.jpg", "a/full/pct:33.333333333333336/0/default.jpg"},
	{V3, "%00/full/max/0/default.jpg", "%00/full/max/0/default.jpg"},
	{V3, "%2e%2E/full/max/0/default.jpg", "%2E%2E/full/max/0/default.jpg"},
	{V3, "%ff%C3%A9/full/max/0/default.jpg", "%FF%C3%A9/full/max/0/default.jpg"},
	{V3, "a/0,0,99999999999999999999999,1/max/0/default.jpg", "a/0,0,9223372036854775807,1/max/0/default.jpg"},
	{V3, "a/0,0,9223372036854775808,1/max/0/default.jpg", "a/0,0,9223372036854775807,1/max/0/default.jpg"},
	{V3, "a/full/18446744073709551617,/0/default.jpg", "a/full/9223372036854775807,/0/default.jpg"},
	{V3, "a/pct:0,0,1" + strings.Repeat("0", 40) + ",1/max/0/default.jpg",
		"a/pct:0,0,1000000000000000000,1/max/0/default.jpg"},

	{V2, "abcd1234/full/full/0/default.jpg", "abcd1234/full/full/0/default.jpg"},
	{V2, "a/full/max/0/default.jpg", "a/full/max/0/default.jpg"},
	{V2, "a/125,15,120,140/90,/!345/gray.jpg", "a/125,15,120,140/90,/!345/gray.jpg"},
	{V2, "a/full/!225,100/0/default.jpg", "a/full/!225,100/0/default.jpg"},
	{V2, "a/full/pct:120/0/default.jpg", "a/full/pct:120/0/default.jpg"},
	{V2, "a/full/^max/0/default.jpg", ""},
	{V2, "a/full/^10,/0/default.jpg", ""},

	{V3, "a/full/full/0/default.jpg", ""},
	{V3, "", ""},
	{V3, "////", ""},
	{V3, "/full/max/0/default.jpg", ""},
	{V3, "a/full/max/0/default", ""},
	{V3, "a/full/max/0/default.", ""},
	{V3, "a/full/max/0/.jpg", ""},
	{V3, "a/full/max/0/default.JPG", ""},
	{V3, "a/full/max/0/default.j%2Fpg", ""},
	{V3, "a/full/max/0/default.tar.gz", ""},
	{V3, "a/full/max/0/grey.jpg", ""},
	{V3, "a/full/max/0/native.jpg", ""},
	{V3, "a/full/max/0/default.jpg/", ""},
	{V3, "a/b/full/max/0/default.jpg", ""},
	{V3, "a/FULL/max/0/default.jpg", ""},
	{V3, "a/full/max/0/default.jpg%", ""},
	{V3, "%zz/full/max/0/default.jpg", ""},
	{V3, "a/0,0,10/max/0/default.jpg", ""},
	{V3, "a/0,0,10,10,10/max/0/default.jpg", ""},
	{V3, "a/-1,0,10,10/max/0/default.jpg", ""},
	{V3, "a/+1,0,10,10/max/0/default.jpg", ""},
	{V3, "a/1.5,0,10,10/max/0/default.jpg", ""},
	{V3, "a/ 1,0,10,10/max/0/default.jpg", ""},
	{V3, "a/0x1,0,10,10/max/0/default.jpg", ""},
	{V3, "a/1_0,0,10,10/max/0/default.jpg", ""},
	{V3, "a/,,,/max/0/default.jpg", ""},
	{V3, "a/pct:NaN,0,10,10/max/0/default.jpg", ""},
	{V3, "a/pct:1e2,0,10,10/max/0/default.jpg", ""},
	{V3, "a/pct:Inf,0,10,10/max/0/default.jpg", ""},
	{V3, "a/pct:-0,0,10,10/max/0/default.jpg", ""},
	{V3, "a/pct:1..2,0,10,10/max/0/default.jpg", ""},
	{V3, "a/pct:.,0,10,10/max/0/default.jpg", ""},
	{V3, "a/pct:5.,0,10,10/max/0/default.jpg", ""},
	{V3, "a/PCT:0,0,10,10/max/0/default.jpg", ""},
	{V3, "a/full/,/0/default.jpg", ""},
	{V3, "a/full/!,/0/default.jpg", ""},
	{V3, "a/full/!10,/0/default.jpg", ""},
	{V3, "a/full/!,10/0/default.jpg", ""},
	{V3, "a/full/!^10,10/0/default.jpg", ""},
	{V3, "a/full/^^max/0/default.jpg", ""},
	{V3, "a/full/!max/0/default.jpg", ""},
	{V3, "a/full/,^240/0/default.jpg", ""},
	{V3, "a/full/10/0/default.jpg", ""},
	{V3, "a/full/1,2,3/0/default.jpg", ""},
	{V3, "a/full/pct:/0/default.jpg", ""},
	{V3, "a/full/pct:NaN/0/default.jpg", ""},
	{V3, "a/full/pct:1e1/0/default.jpg", ""},
	{V3, "a/full/pct:50%/0/default.jpg", ""},
	{V3, "a/full/max/-1/default.jpg", ""},
	{V3, "a/full/max/360.1/default.jpg", ""},
	{V3, "a/full/max/361/default.jpg", ""},
	{V3, "a/full/max/1e1/default.jpg", ""},
	{V3, "a/full/max/0!/default.jpg", ""},
	{V3, "a/full/max/!/default.jpg", ""},
	{V3, "a/full/max/99999999999999999999999/default.jpg", ""},
}

func TestParse(t *testing.T) {
	for _, test := range requestTable {
		t.Run(test.version.String()+"/"+test.path, func(t *testing.T) {
			r, err := Parse(test.version, test.path)
			if test.want == "" {
				require.ErrorIs(t, err, ErrSyntax)
				require.ErrorIs(t, err, tile.ErrRequest)
				require.Zero(t, r)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, r.String())
			again, err := Parse(test.version, r.String())
			require.NoError(t, err)
			require.Equal(t, r, again)
		})
	}
}

func TestParseHugePath(t *testing.T) {
	for _, path := range []string{
		strings.Repeat("a", 10<<20),
		strings.Repeat("/", 10<<20),
		"a/" + strings.Repeat("9", 10<<20) + ",0,1,1/max/0/default.jpg",
		"a/pct:" + strings.Repeat("9", 10<<20) + ".1e/max/0/default.jpg",
		"a/full/max/0/default." + strings.Repeat("j", 10<<20),
		"a/full/max/0/" + strings.Repeat("%64", 3<<20) + ".jpg",
	} {
		_, err := Parse(V3, path)
		if err != nil {
			require.ErrorIs(t, err, ErrSyntax)
			require.Less(t, len(err.Error()), 1000)
		}
	}
}

func TestZeroRequestIsGrammatical(t *testing.T) {
	r, err := Parse(V3, Request{ID: "a"}.String())
	require.NoError(t, err)
	require.Equal(t, Request{ID: "a"}, r)
}

func TestSizesHaveASpellingInEitherVersion(t *testing.T) {
	for _, test := range requestTable {
		if test.want == "" {
			continue
		}
		r, err := Parse(test.version, test.path)
		require.NoError(t, err)
		for _, v := range []Version{V2, V3} {
			_, err := ParseSize(v, r.Size.Text(v))
			require.NoError(t, err)
		}
	}
}

// none is no limit at all.
var none = Limits{MaxWidth: -1, MaxHeight: -1, MaxArea: -1}

func TestFrame(t *testing.T) {
	big := strings.Repeat("9", 30)
	for _, test := range []struct {
		version      Version
		full         image.Point
		limits       Limits
		region, size string
		wantRegion   image.Rectangle
		wantSize     image.Point // zero: an error
		wantErr      error
	}{
		// 4.1, the examples of the specification: an image of 300 x 200.
		{V3, image.Pt(300, 200), none, "full", "max", image.Rect(0, 0, 300, 200), image.Pt(300, 200), nil},
		{V3, image.Pt(300, 200), none, "square", "max", image.Rect(50, 0, 250, 200), image.Pt(200, 200), nil},
		{V3, image.Pt(200, 301), none, "square", "max", image.Rect(0, 50, 200, 250), image.Pt(200, 200), nil},
		{V3, image.Pt(300, 200), none, "125,15,120,140", "max", image.Rect(125, 15, 245, 155), image.Pt(120, 140), nil},
		{V3, image.Pt(300, 200), none, "pct:41.6,7.5,40,70", "max", image.Rect(125, 15, 245, 155), image.Pt(120, 140), nil},
		{V3, image.Pt(300, 200), none, "125,15,200,200", "max", image.Rect(125, 15, 300, 200), image.Pt(175, 185), nil},
		{V3, image.Pt(300, 200), none, "pct:41.6,7.5,66.6,100", "max", image.Rect(125, 15, 300, 200), image.Pt(175, 185), nil},
		{V3, image.Pt(300, 200), none, "0,0,0,10", "max", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "0,0,10,0", "max", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "300,0,10,10", "max", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "pct:100,0,10,10", "max", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "pct:0,0,0,10", "max", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "299,199," + big + "," + big, "max", image.Rect(299, 199, 300, 200), image.Pt(1, 1), nil},
		{V3, image.Pt(300, 200), none, big + ",0,1,1", "max", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "pct:0,0," + big + ",50", "max", image.Rect(0, 0, 300, 100), image.Pt(300, 100), nil},

		// 4.2, likewise.
		{V3, image.Pt(300, 200), Limits{MaxWidth: 200}, "full", "max", image.Rect(0, 0, 300, 200), image.Pt(200, 133), nil},
		{V3, image.Pt(300, 200), Limits{MaxWidth: 360}, "full", "^max", image.Rect(0, 0, 300, 200), image.Pt(360, 240), nil},
		{V3, image.Pt(300, 200), none, "full", "150,", image.Rect(0, 0, 300, 200), image.Pt(150, 100), nil},
		{V3, image.Pt(300, 200), none, "full", "^360,", image.Rect(0, 0, 300, 200), image.Pt(360, 240), nil},
		{V3, image.Pt(300, 200), none, "full", ",150", image.Rect(0, 0, 300, 200), image.Pt(225, 150), nil},
		{V3, image.Pt(300, 200), none, "full", "^,240", image.Rect(0, 0, 300, 200), image.Pt(360, 240), nil},
		{V3, image.Pt(300, 200), none, "full", "pct:50", image.Rect(0, 0, 300, 200), image.Pt(150, 100), nil},
		{V3, image.Pt(300, 200), none, "full", "^pct:120", image.Rect(0, 0, 300, 200), image.Pt(360, 240), nil},
		{V3, image.Pt(300, 200), none, "full", "225,100", image.Rect(0, 0, 300, 200), image.Pt(225, 100), nil},
		{V3, image.Pt(300, 200), none, "full", "^360,360", image.Rect(0, 0, 300, 200), image.Pt(360, 360), nil},
		{V3, image.Pt(300, 200), none, "full", "!225,100", image.Rect(0, 0, 300, 200), image.Pt(150, 100), nil},
		{V3, image.Pt(300, 200), none, "full", "^!360,360", image.Rect(0, 0, 300, 200), image.Pt(360, 240), nil},
		{V3, image.Pt(300, 200), none, "full", "!360,360", image.Rect(0, 0, 300, 200), image.Pt(300, 200), nil},
		{V3, image.Pt(300, 200), Limits{RefuseLooseBox: true}, "full", "!360,360", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), Limits{RefuseLooseBox: true}, "full", "!360,100", image.Rect(0, 0, 300, 200), image.Pt(150, 100), nil},
		{V3, image.Pt(300, 200), none, "full", "301,", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "full", ",201", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "full", "pct:101", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "full", "10,201", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "full", "0,", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "full", "!0,5", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "full", "pct:0", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "full", "pct:0.1", image.Rectangle{}, image.Point{}, tile.ErrRequest},
		{V3, image.Pt(300, 200), none, "full", "^" + big + ",", image.Rectangle{}, image.Point{}, ErrLimit},
		{V3, image.Pt(300, 200), none, "full", "^" + big + "," + big, image.Rectangle{}, image.Point{}, ErrLimit},
		{V3, image.Pt(300, 200), none, "full", "^pct:" + big, image.Rectangle{}, image.Point{}, ErrLimit},
		{V3, image.Pt(300, 200), Limits{NoUpscale: true}, "full", "^301,", image.Rectangle{}, image.Point{}, errors.ErrUnsupported},
		{V3, image.Pt(300, 200), Limits{NoUpscale: true}, "full", "^pct:120", image.Rectangle{}, image.Point{}, errors.ErrUnsupported},
		{V3, image.Pt(300, 200), Limits{NoUpscale: true}, "full", "^max", image.Rect(0, 0, 300, 200), image.Pt(300, 200), nil},
		{V3, image.Pt(300, 200), Limits{MaxWidth: 200}, "full", "201,", image.Rectangle{}, image.Point{}, ErrLimit},
		{V3, image.Pt(300, 200), Limits{MaxWidth: 200}, "full", "!250,250", image.Rect(0, 0, 300, 200), image.Pt(200, 133), nil},
		{V3, image.Pt(300, 200), Limits{MaxArea: 600}, "full", "max", image.Rect(0, 0, 300, 200), image.Pt(30, 20), nil},
		{V3, image.Pt(300, 200), Limits{MaxArea: 600}, "full", "31,20", image.Rectangle{}, image.Point{}, ErrLimit},
		// A line of pixels stays one.
		{V3, image.Pt(1000, 1), none, "full", "250,", image.Rect(0, 0, 1000, 1), image.Pt(250, 1), nil},
		{V3, image.Pt(1, 1000), none, "full", "!100,100", image.Rect(0, 0, 1, 1000), image.Pt(1, 100), nil},

		{V2, image.Pt(300, 200), none, "full", "full", image.Rect(0, 0, 300, 200), image.Pt(300, 200), nil},
		{V2, image.Pt(300, 200), none, "full", "600,", image.Rect(0, 0, 300, 200), image.Pt(600, 400), nil},
		{V2, image.Pt(300, 200), none, "full", "!600,600", image.Rect(0, 0, 300, 200), image.Pt(300, 200), nil},
		{V2, image.Pt(300, 200), Limits{MaxWidth: 200}, "full", "full", image.Rectangle{}, image.Point{}, ErrLimit},
		{V2, image.Pt(300, 200), Limits{MaxWidth: 200}, "full", "max", image.Rect(0, 0, 300, 200), image.Pt(200, 133), nil},
		{V2, image.Pt(300, 200), Limits{NoUpscale: true}, "full", "600,", image.Rectangle{}, image.Point{}, errors.ErrUnsupported},
	} {
		t.Run(test.version.String()+"/"+test.region+"/"+test.size, func(t *testing.T) {
			r, err := Parse(test.version, "a/"+test.region+"/"+test.size+"/0/default.jpg")
			require.NoError(t, err)
			region, size, err := r.frame(test.full, test.limits)
			if test.wantErr != nil {
				require.ErrorIs(t, err, test.wantErr)
				require.ErrorIs(t, err, tile.ErrRequest)
				require.Less(t, len(err.Error()), 1000)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.wantRegion, region)
			require.Equal(t, test.wantSize, size)
		})
	}
}

func TestCanonical(t *testing.T) {
	full := image.Pt(300, 200)
	for _, test := range []struct {
		version    Version
		limits     Limits
		path, want string
	}{
		{V3, none, "full/max/0/default.jpg", "full/max/0/default.jpg"},
		{V3, none, "0,0,300,200/300,/360/color.png", "full/max/0/default.png"},
		{V3, none, "pct:0,0,100,100/pct:100/0.0/default.jpg", "full/max/0/default.jpg"},
		{V3, none, "square/150,/!90/gray.jpg", "50,0,200,200/150,150/!90/gray.jpg"},
		{V3, none, "10,20,1000,1000/max/22.50/bitonal.jpg", "10,20,290,180/max/22.5/bitonal.jpg"},
		{V3, none, "full/^max/0/default.jpg", "full/max/0/default.jpg"},
		{V3, none, "full/^600,/0/default.jpg", "full/%5E600,400/0/default.jpg"},
		{V3, none, "full/^150,/0/default.jpg", "full/150,100/0/default.jpg"},
		{V3, Limits{MaxWidth: 600}, "full/^600,/0/default.jpg", "full/%5Emax/0/default.jpg"},
		{V3, Limits{MaxWidth: 150}, "full/150,100/0/default.jpg", "full/max/0/default.jpg"},
		{V2, none, "full/max/0/default.jpg", "full/full/0/default.jpg"},
		{V2, none, "full/300,/0/default.jpg", "full/full/0/default.jpg"},
		{V2, none, "full/150,100/0/default.jpg", "full/150,/0/default.jpg"},
		{V2, none, "full/!150,150/0/default.jpg", "full/150,/0/default.jpg"},
		{V2, none, "full/pct:50/0/default.jpg", "full/150,/0/default.jpg"},
		{V2, none, "full/150,101/0/default.jpg", "full/150,101/0/default.jpg"},
		{V2, none, "square/100,/0/default.jpg", "50,0,200,200/100,/0/default.jpg"},
		{V2, Limits{MaxWidth: 150}, "full/max/0/default.jpg", "full/150,/0/default.jpg"},
	} {
		t.Run(test.version.String()+"/"+test.path, func(t *testing.T) {
			r, err := Parse(test.version, "a/"+test.path)
			require.NoError(t, err)
			c, err := r.Canonical(full, test.limits)
			require.NoError(t, err)
			require.Equal(t, "a/"+test.want, c.String())
		})
	}
}

// checkCanonical holds the properties of the canonical form against a request.
func checkCanonical(t *testing.T, r Request, full image.Point, limits Limits) {
	t.Helper()
	region, size, err := r.frame(full, limits)
	c, errC := r.Canonical(full, limits)
	if err != nil {
		require.ErrorIs(t, err, tile.ErrRequest)
		require.Equal(t, err, errC)
		return
	}
	require.NoError(t, errC)
	require.False(t, region.Empty())
	require.True(t, region.In(image.Rectangle{Max: full}))
	require.Positive(t, size.X)
	require.Positive(t, size.Y)
	require.True(t, limits.Allow(size))

	canonicalRegion, canonicalSize, err := c.frame(full, limits)
	require.NoError(t, err, "%v became %v", r, c)
	require.Equal(t, region, canonicalRegion, "%v became %v", r, c)
	require.Equal(t, size, canonicalSize, "%v became %v", r, c)
	again, err := c.Canonical(full, limits)
	require.NoError(t, err)
	require.Equal(t, c, again)
	parsed, err := Parse(r.Version, c.String())
	require.NoError(t, err)
	require.Equal(t, c, parsed)
}

func TestCanonicalProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	n := func() string { return strconv.Itoa(rng.IntN([]int{3, 40, 3000}[rng.IntN(3)])) }
	for range 20_000 {
		v := Version(rng.IntN(2))
		full := image.Pt(1+rng.IntN(2000), 1+rng.IntN(2000))
		limits := []Limits{{}, none, {MaxWidth: 1 + rng.IntN(3000)}, {MaxArea: 1 + rng.Int64N(1<<20)},
			{MaxWidth: 500, MaxHeight: 1 + rng.IntN(900), MaxArea: 1 + rng.Int64N(1<<20)},
			{NoUpscale: true}, {RefuseLooseBox: true}}[rng.IntN(7)]
		region := []string{"full", "square", n() + "," + n() + "," + n() + "," + n(),
			"pct:" + n() + "." + n() + "," + n() + "," + n() + "." + n() + "," + n()}[rng.IntN(4)]
		size := []string{"max", n() + ",", "," + n(), n() + "," + n(), "!" + n() + "," + n(),
			"pct:" + n() + "." + n()}[rng.IntN(6)]
		if v == V3 && rng.IntN(2) == 0 {
			size = "^" + size
		}
		r, err := Parse(v, "a/"+region+"/"+size+"/360/color.jpg")
		require.NoError(t, err)
		checkCanonical(t, r, full, limits)
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range requestTable {
		f.Add(uint8(test.version), test.path, uint32(300), uint32(200), 0, int64(0))
	}
	f.Add(uint8(V3), "a/pct:0,0,100,100/^max/0/default.jpg", uint32(1), uint32(1<<32-1), -1, int64(-1))
	f.Fuzz(func(t *testing.T, version uint8, path string, w, h uint32, maxWidth int, maxArea int64) {
		v := Version(version % 2)
		r, err := Parse(v, path)
		if err != nil {
			require.ErrorIs(t, err, ErrSyntax)
			return
		}
		again, err := Parse(v, r.String())
		require.NoError(t, err)
		require.Equal(t, r, again)
		checkCanonical(t, r, image.Pt(int(max(w, 1)), int(max(h, 1))),
			Limits{MaxWidth: maxWidth, MaxArea: maxArea})
	})
}
