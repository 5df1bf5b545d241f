package iiif_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/jp2"
)

// These are the checks of the official validator for versions 2.1 and 3.0, up
// to level 2 and those above it that are offered: the same requests of a picture
// of the same shape, 10 by 10 squares of 100 pixels in known colours. The
// validator tries five squares at random and forgives one; here every square is
// tried and none is forgiven.

// squaresID has characters that clients may or may not encode.
const squaresID = "67352ccc-d1b0-11e1-89ae-279075081939.jp2"

var squares = testimg.Spec{Kind: testimg.Squares, Width: 1000, Height: 1000, Components: 3}

// memory is a Source of images in memory.
type memory map[string][]byte

func (m memory) Open(_ context.Context, id string) (*iiif.Image, error) {
	data, ok := m[id]
	if !ok {
		return nil, fs.ErrNotExist
	}
	f, err := jp2.NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return &iiif.Image{File: f, Stamp: iiif.Stamp{Version: iiif.NewKey(string(data)).String()}}, nil
}

// A validator makes requests as the official one does.
type validator struct {
	version iiif.Version
	server  string // with the prefix and a slash
	colors  func(x, y int) color.NRGBA
}

func newValidator(t *testing.T, v iiif.Version, limits iiif.Limits, data []byte) *validator {
	h := &iiif.Handler{Version: v, Source: memory{squaresID: data}, Limits: limits}
	server := httptest.NewServer(http.StripPrefix("/pre/fix/", h))
	t.Cleanup(server.Close)
	picture := testimg.Draw(squares)
	return &validator{version: v, server: server.URL + "/pre/fix/", colors: func(x, y int) color.NRGBA {
		i := (y*100+50)*1000 + x*100 + 50
		return color.NRGBA{uint8(picture.Planes[0].Samples[i]), uint8(picture.Planes[1].Samples[i]),
			uint8(picture.Planes[2].Samples[i]), 255}
	}}
}

// get makes a request; params are pairs of a parameter's name and its value.
func (v *validator) get(t *testing.T, params ...string) (*http.Response, []byte) {
	p := map[string]string{"identifier": squaresID, "region": "full", "size": "max", "rotation": "0",
		"quality": "default", "format": "jpg"}
	if v.version == iiif.V2 {
		p["size"] = "full"
	}
	for i := 0; i < len(params); i += 2 {
		p[params[i]] = params[i+1]
	}
	return fetch(t, v.server+p["identifier"]+"/"+p["region"]+"/"+p["size"]+"/"+p["rotation"]+"/"+
		p["quality"]+"."+p["format"])
}

func fetch(t *testing.T, address string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	request.Header.Set("Origin", "http://iiif.io/")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, body
}

func (v *validator) image(t *testing.T, params ...string) image.Image {
	t.Helper()
	response, body := v.get(t, params...)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s: %s", response.Request.URL, body)
	m, _, err := image.Decode(bytes.NewReader(body))
	require.NoError(t, err)
	return m
}

// commonest is the commonest colour within r, as a sample of its pixels says.
func commonest(m image.Image, r image.Rectangle) color.NRGBA {
	count := make(map[color.NRGBA]int)
	var best color.NRGBA
	for y := r.Min.Y; y < r.Max.Y; y += 5 {
		for x := r.Min.X; x < r.Max.X; x += 5 {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			if count[c]++; count[c] > count[best] {
				best = c
			}
		}
	}
	return best
}

// square checks that r shows the square (x,y), to less than 6 a channel.
func (v *validator) square(t *testing.T, m image.Image, r image.Rectangle, x, y int) {
	t.Helper()
	got, want := commonest(m, r), v.colors(x, y)
	for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
		require.Less(t, max(d, -d), 6, "square %d,%d is %v instead of %v", x, y, got, want)
	}
}

// squares checks all squares of a picture of the whole image, each of w x h
// pixels, with the validator's margins. at says which square is to be seen in
// column x of row y.
func (v *validator) squares(t *testing.T, m image.Image, w, h int, at func(x, y int) (int, int)) {
	t.Helper()
	for y := range 10 {
		for x := range 10 {
			left, top := x*w+13, y*h+13
			ax, ay := at(x, y)
			v.square(t, m, image.Rect(left, top, x*w+w-13, y*h+h-13), ax, ay)
		}
	}
}

func same(x, y int) (int, int) { return x, y }

// randomString is what the validator puts where it does not belong.
func randomString(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(48 + rng.IntN(75))
		if strings.IndexByte("?#/", b[i]) >= 0 {
			b[i] = '$'
		}
	}
	return string(b)
}

func squaresFile(t *testing.T) []byte {
	return testimg.Compress(t, squares, "jp2", "-n", "4")
}

func TestValidator(t *testing.T) {
	data := squaresFile(t)
	sides := []int{450, 577, 750}
	versions := []iiif.Version{iiif.V2, iiif.V3}
	if testing.Short() {
		sides, versions = sides[1:2], versions[1:]
	}
	for _, version := range versions {
		v := newValidator(t, version, iiif.Limits{RefuseLooseBox: true}, data)
		v3 := version == iiif.V3
		rng := rand.New(rand.NewPCG(5, uint64(version)))
		check := func(name string, f func(t *testing.T)) {
			t.Run(version.String()+"/"+name, f)
		}

		check("info_json", func(t *testing.T) { checkInfo(t, v) })
		check("id_basic", func(t *testing.T) { v.image(t) })
		check("id_squares", func(t *testing.T) { v.squares(t, v.image(t), 100, 100, same) })
		check("id_escaped", func(t *testing.T) {
			v.image(t, "identifier", strings.ReplaceAll(squaresID, "-", "%2D"))
		})
		check("id_error_random", func(t *testing.T) {
			response, _ := v.get(t, "identifier", "c3a5e6b2-0000-11e1-89ae-279075081939")
			require.Equal(t, http.StatusNotFound, response.StatusCode)
		})
		check("id_error_escapedslash", func(t *testing.T) {
			response, _ := v.get(t, "identifier", "a/b")
			require.Equal(t, http.StatusNotFound, response.StatusCode)
		})
		check("id_error_unescaped", func(t *testing.T) {
			response, _ := v.get(t, "identifier", "[frob]")
			require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound}, response.StatusCode)
		})
		for _, part := range []string{"region", "size", "rotation", "quality"} {
			check(part+"_error_random", func(t *testing.T) {
				for range 50 {
					response, _ := v.get(t, part, randomString(rng, 6))
					require.Equal(t, http.StatusBadRequest, response.StatusCode, "%s", response.Request.URL)
				}
			})
		}
		check("format_error_random", func(t *testing.T) {
			for range 50 {
				response, _ := v.get(t, "format", randomString(rng, 3))
				require.Contains(t, []int{400, 415}, response.StatusCode, "%s", response.Request.URL)
			}
		})
		check("region_pixels", func(t *testing.T) {
			for y := range 10 {
				for x := range 10 {
					m := v.image(t, "region", fmt.Sprintf("%d,%d,74,74", x*100+13, y*100+13))
					require.Equal(t, image.Pt(74, 74), m.Bounds().Size())
					v.square(t, m, m.Bounds(), x, y)
				}
			}
		})
		check("region_percent", func(t *testing.T) {
			for y := range 10 {
				for x := range 10 {
					m := v.image(t, "region", fmt.Sprintf("pct:%d,%d,9,9", x*10+1, y*10+1))
					require.Equal(t, image.Pt(90, 90), m.Bounds().Size())
					v.square(t, m, m.Bounds(), x, y)
				}
			}
		})
		check("region_square", func(t *testing.T) {
			m := v.image(t, "region", "square")
			require.Equal(t, m.Bounds().Dx(), m.Bounds().Dy())
		})
		for _, side := range sides {
			check("size_wc", func(t *testing.T) {
				m := v.image(t, "size", fmt.Sprintf("%d,", side))
				require.Equal(t, image.Pt(side, side), m.Bounds().Size())
				v.squares(t, m, side/10, side/10, same)
			})
			check("size_ch", func(t *testing.T) {
				m := v.image(t, "size", fmt.Sprintf(",%d", side))
				require.Equal(t, image.Pt(side, side), m.Bounds().Size())
				v.squares(t, m, side/10, side/10, same)
			})
			check("size_wh", func(t *testing.T) {
				m := v.image(t, "size", fmt.Sprintf("%d,%d", side, 1200-side))
				require.Equal(t, image.Pt(side, 1200-side), m.Bounds().Size())
				v.squares(t, m, side/10, (1200-side)/10, same)
			})
			check("size_bwh", func(t *testing.T) {
				m := v.image(t, "size", fmt.Sprintf("!%d,%d", side, 760))
				require.Equal(t, image.Pt(side, side), m.Bounds().Size())
				v.squares(t, m, side/10, side/10, same)
			})
			check("size_percent", func(t *testing.T) {
				m := v.image(t, "size", fmt.Sprintf("pct:%d", side/10))
				require.Equal(t, image.Pt(side/10*10, side/10*10), m.Bounds().Size())
				v.squares(t, m, side/10, side/10, same)
			})
		}
		check("size_region", func(t *testing.T) {
			for i := range 100 {
				x, y, side := i%10, i/10, 35+i%56
				m := v.image(t, "region", fmt.Sprintf("%d,%d,100,100", x*100, y*100), "size", fmt.Sprintf("%d,%d", side, side))
				require.Equal(t, image.Pt(side, side), m.Bounds().Size())
				v.square(t, m, m.Bounds(), x, y)
			}
		})
		if v3 {
			check("size_noup", func(t *testing.T) {
				for _, size := range []string{"1234,1234", ",1234", "1234,", "pct:200", "!2000,3000"} {
					response, _ := v.get(t, "size", size)
					require.Equal(t, http.StatusBadRequest, response.StatusCode, size)
				}
			})
			check("size_nofull", func(t *testing.T) {
				response, _ := v.get(t, "size", "full")
				require.Equal(t, http.StatusBadRequest, response.StatusCode)
			})
		}
		check("size_up", func(t *testing.T) {
			up, sizes := "", []string{"1234,1234", ",1234", "1234,"}
			if v3 {
				up = "^"
			}
			for _, size := range sizes {
				m := v.image(t, "size", up+size)
				require.Equal(t, image.Pt(1234, 1234), m.Bounds().Size())
				v.squares(t, m, 123, 123, same)
			}
			if v3 {
				require.Equal(t, image.Pt(2000, 2000), v.image(t, "size", "^pct:200").Bounds().Size())
				require.Equal(t, image.Pt(500, 500), v.image(t, "size", "^!2000,500").Bounds().Size())
				require.Equal(t, image.Pt(2000, 2000), v.image(t, "size", "^!2000,3000").Bounds().Size())
			}
		})
		check("rot_full_basic", func(t *testing.T) {
			for degrees, at := range map[string]func(x, y int) (int, int){
				"90":  func(x, y int) (int, int) { return y, 9 - x },
				"180": func(x, y int) (int, int) { return 9 - x, 9 - y },
				"270": func(x, y int) (int, int) { return 9 - y, x },
				"360": same,
			} {
				v.squares(t, v.image(t, "rotation", degrees), 100, 100, at)
			}
		})
		check("rot_mirror", func(t *testing.T) {
			for rotation, at := range map[string]func(x, y int) (int, int){
				"!0":   func(x, y int) (int, int) { return 9 - x, y },
				"!90":  func(x, y int) (int, int) { return 9 - y, 9 - x },
				"!180": func(x, y int) (int, int) { return x, 9 - y },
				"!270": func(x, y int) (int, int) { return y, x },
			} {
				v.squares(t, v.image(t, "rotation", rotation), 100, 100, at)
			}
		})
		check("rot_region_basic", func(t *testing.T) {
			for i := range 20 {
				x, y := i%10, i/2
				for _, degrees := range []string{"90", "180", "270"} {
					m := v.image(t, "region", fmt.Sprintf("%d,%d,76,70", x*100+13, y*100+13), "rotation", degrees)
					want := image.Pt(76, 70)
					if degrees != "180" {
						want = image.Pt(70, 76)
					}
					require.Equal(t, want, m.Bounds().Size())
					v.square(t, m, m.Bounds(), x, y)
				}
			}
		})
		check("rot_full_non90", func(t *testing.T) {
			m := v.image(t, "rotation", "22.5", "size", "500,", "format", "png")
			// 500 (sin + cos) of 22.5 degrees.
			require.Equal(t, image.Pt(654, 654), m.Bounds().Size())
			require.Equal(t, color.NRGBA{}, color.NRGBAModel.Convert(m.At(0, 0)))
			v.image(t, "rotation", "!359.99", "size", "100,")
		})
		check("rot_region_non90", func(t *testing.T) {
			for degrees := 1; degrees < 360; degrees += 31 {
				x, y := degrees%10, degrees/37
				m := v.image(t, "region", fmt.Sprintf("%d,%d,100,100", x*100, y*100), "rotation", fmt.Sprint(degrees))
				centre := m.Bounds().Size().Div(2)
				v.square(t, m, image.Rect(-20, -20, 20, 20).Add(centre), x, y)
			}
		})
		check("quality_color", func(t *testing.T) {
			v.squares(t, v.image(t, "quality", "color"), 100, 100, same)
		})
		check("quality_grey", func(t *testing.T) {
			m := v.image(t, "quality", "gray")
			require.Equal(t, color.GrayModel, m.ColorModel())
		})
		check("quality_bitonal", func(t *testing.T) {
			m := v.image(t, "quality", "bitonal", "format", "png")
			for i := range 100 {
				c := commonest(m, image.Rect(0, 0, 74, 74).Add(image.Pt(i%10*100+13, i/10*100+13)))
				require.Contains(t, []uint8{0, 255}, c.R)
				require.Equal(t, c.R, c.G)
				require.Equal(t, c.R, c.B)
			}
		})
		for format, kind := range map[string]string{"jpg": "jpeg", "png": "png"} {
			check("format_"+format, func(t *testing.T) {
				response, body := v.get(t, "format", format)
				_, got, err := image.DecodeConfig(bytes.NewReader(body))
				require.NoError(t, err)
				require.Equal(t, kind, got)
				require.Equal(t, "image/"+kind, response.Header.Get("Content-Type"))
			})
		}
		check("jsonld", func(t *testing.T) {
			response, _ := fetch(t, v.server+squaresID+"/info.json", "Accept", "application/ld+json")
			require.True(t, strings.HasPrefix(response.Header.Get("Content-Type"), "application/ld+json"))
		})
		check("baseurl_redirect", func(t *testing.T) {
			response, _ := fetch(t, v.server+squaresID)
			require.Equal(t, http.StatusSeeOther, response.StatusCode)
			require.Equal(t, v.server+squaresID+"/info.json", response.Header.Get("Location"))
		})
		check("cors", func(t *testing.T) {
			for _, address := range []string{squaresID + "/info.json", squaresID + "/full/max/0/default.jpg", "missing/info.json"} {
				response, _ := fetch(t, v.server+address)
				require.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"))
			}
		})
		check("linkheader_canonical", func(t *testing.T) {
			response, _ := v.get(t, "region", "0,0,1000,1000")
			want := "<" + v.server + squaresID + "/full/max/0/default.jpg>;rel=\"canonical\""
			if !v3 {
				want = strings.Replace(want, "max", "full", 1)
			}
			require.Contains(t, response.Header.Get("Link"), want)
		})
		check("linkheader_profile", func(t *testing.T) {
			response, _ := v.get(t)
			require.Contains(t, response.Header.Get("Link"),
				fmt.Sprintf(`<http://iiif.io/api/image/%s/level2.json>;rel="profile"`, version.String()[:1]))
		})
	}
}

// checkInfo checks the image information document.
func checkInfo(t *testing.T, v *validator) {
	response, body := fetch(t, v.server+squaresID+"/info.json")
	require.Equal(t, http.StatusOK, response.StatusCode)
	mediaType := response.Header.Get("Content-Type")
	var info map[string]any
	require.NoError(t, json.Unmarshal(body, &info))
	require.EqualValues(t, 1000, info["width"])
	require.EqualValues(t, 1000, info["height"])
	require.Equal(t, "http://iiif.io/api/image", info["protocol"])
	uri := v.server + squaresID
	if v.version == iiif.V3 {
		require.Equal(t, `application/ld+json;profile="http://iiif.io/api/image/3/context.json"`, mediaType)
		require.Equal(t, uri, info["id"])
		require.Equal(t, "ImageService3", info["type"])
		require.Equal(t, "http://iiif.io/api/image/3/context.json", info["@context"])
		require.Equal(t, "level2", info["profile"])
		require.Equal(t, []any{"color", "gray", "bitonal"}, info["extraQualities"])
		require.IsType(t, []any{}, info["extraFeatures"])
	} else {
		require.Equal(t, "application/json", mediaType)
		require.Equal(t, uri, info["@id"])
		require.Equal(t, "http://iiif.io/api/image/2/context.json", info["@context"])
		require.Equal(t, "http://iiif.io/api/image/2/level2.json", info["profile"].([]any)[0])
		require.IsType(t, map[string]any{}, info["profile"].([]any)[1])
	}
	var sizes []string
	for _, s := range info["sizes"].([]any) {
		size := s.(map[string]any)
		sizes = append(sizes, fmt.Sprintf("%v,%v", size["width"], size["height"]))
	}
	require.Equal(t, []string{"125,125", "250,250", "500,500", "1000,1000"}, sizes)
	for _, size := range sizes {
		m := v.image(t, "size", size)
		b := m.Bounds().Size()
		require.Equal(t, size, fmt.Sprintf("%d,%d", b.X, b.Y))
	}
	tiles := info["tiles"].([]any)
	require.Len(t, tiles, 1)
	require.Equal(t, []any{1.0, 2.0, 4.0, 8.0}, tiles[0].(map[string]any)["scaleFactors"])
}
