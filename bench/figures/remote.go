// This file measures images on a server that takes as long to answer as an object
// store does.

package main

import (
	"context"
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/stria-j2k/stria/bench/images"
	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/jp2/remote"
	"github.com/stria-j2k/stria/tile"
)

// requestTime is how long the server takes to begin an answer.
const requestTime = 20 * time.Millisecond

// distant is what it costs to have a tile and a small picture of an image on a
// server: by the first who asks, by the next, and with the index at hand.
func distant(ctx context.Context, e *env) error {
	for _, img := range []images.Image{images.Untiled200PLT, images.Untiled200, images.TiledLossy} {
		path, err := img.File(e.data)
		if err != nil {
			return err
		}
		local, err := jp2.Open(path)
		if err != nil {
			return err
		}
		kept, err := local.Index().Sidecar(ctx, "")
		if err != nil {
			return err
		}
		local.Close()
		var requests, sent atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			var first, last int64
			// Nobody asks for anything but a range.
			_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last)
			sent.Add(last + 1 - first)
			time.Sleep(requestTime)
			http.ServeFile(w, r, path)
		}))
		client := server.Client()
		client.Transport.(*http.Transport).MaxIdleConnsPerHost = 32
		for _, known := range []bool{false, true} {
			requests.Store(0)
			sent.Store(0)
			began := time.Now()
			o, err := remote.OpenURL(ctx, client, server.URL, remote.Options{})
			if err != nil {
				return err
			}
			f, err := jp2.NewFile(o, o.Size())
			if err != nil {
				return err
			}
			name := img.Name + " by HTTP, "
			if known {
				x, err := codestream.OpenSidecar(o, f.Header, kept, "")
				if err != nil {
					return err
				}
				if err := f.SetIndex(x); err != nil {
					return err
				}
				name += "sidecar, "
			}
			size := f.Bounds().Size()
			at := image.Pt(size.X/3, size.Y/3)
			tile256 := tile.Request{Region: image.Rectangle{Min: at, Max: at.Add(image.Pt(256, 256))}}
			for _, c := range []struct {
				what string
				req  tile.Request
			}{{"opening and 256x256", tile256}, {"the same again", tile256}, {"256 wide", tile.Request{Size: image.Pt(256, 0)}}} {
				p, err := (&tile.Decoder{Gap: wideGap, Reads: 16}).Plan(f, c.req)
				if err != nil {
					return err
				}
				if _, err := p.Image(ctx); err != nil {
					return err
				}
				e.say(name+c.what, "", "%d requests, %d KiB, %s", requests.Load(), sent.Load()>>10, ms(time.Since(began)))
				requests.Store(0)
				sent.Store(0)
				began = time.Now()
			}
			o.Close()
		}
		client.CloseIdleConnections()
		server.Close()
	}
	return nil
}
