package iiif_test

import (
	"bytes"
	"encoding/json"
	"image"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/internal/corpus"
	"github.com/stria-j2k/stria/tile"
)

// Every image of the corpus is served, or refused for a reason: sound ones give
// pictures of the size asked for in every quality, broken ones nothing worse than
// an error, and none brings the server down.
func TestCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	var reason atomic.Value
	h := &iiif.Handler{Source: iiif.Dir(corpus.Dir(t)), Decoder: &tile.Decoder{Budget: &tile.Budget{Bytes: 256 << 20}},
		Formats: map[string]encode.Format{"jpg": encode.JPEG{}, "png": encode.PNG{Level: 1}},
		Report: func(r iiif.Report) {
			if r.Err != nil {
				reason.Store(r.Err.Error())
			}
		}}
	served := 0
	for _, row := range corpus.Manifest(t) {
		t.Run(row.Path, func(t *testing.T) {
			base := "/" + url.PathEscape(row.Path)
			w := ask(h, "GET", base+"/info.json")
			sound := row.Expected == corpus.Decodes
			if !sound && w.Code != 200 {
				require.Contains(t, []int{500, 501}, w.Code)
				return
			}
			require.Equal(t, 200, w.Code, "%v", reason.Load())
			var info struct{ Width, Height int }
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &info))
			for _, rest := range []string{"/full/!50,50/0/default.jpg", "/square/!40,40/!90/gray.png", "/full/!30,30/30/bitonal.png"} {
				w := ask(h, "GET", base+rest)
				require.NotContains(t, reason.Load(), "panic")
				if !sound {
					require.Contains(t, []int{200, 413, 500, 501}, w.Code)
					continue
				}
				// Legal, but not to be shown: it is said so.
				if w.Code == 501 {
					require.Contains(t, reason.Load(), "unsupported")
					continue
				}
				require.Equal(t, 200, w.Code, "%s: %v", rest, reason.Load())
				m, _, err := image.Decode(bytes.NewReader(w.Body.Bytes()))
				require.NoError(t, err)
				served++
				size := m.Bounds().Size()
				if strings.Contains(rest, "/square/") {
					side := min(40, info.Width, info.Height)
					require.Equal(t, image.Pt(side, side), size)
				} else if strings.Contains(rest, "/0/") {
					require.True(t, size.X == min(50, info.Width) || size.Y == min(50, info.Height), "%v of %v", size, info)
				}
			}
		})
	}
	require.Greater(t, served, 100)
}
