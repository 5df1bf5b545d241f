package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file:///DIR
	_ "gocloud.dev/blob/s3blob"   // s3://NAME

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/iiif/bucket"
	"github.com/stria-j2k/stria/tile"
)

// images are what is served.
type images struct {
	source iiif.Source
	// walk calls f with the identifiers of images until it fails.
	walk    func(ctx context.Context, f func(id string) error) error
	decoder tile.Decoder // with what suits where they are
}

// isImage reports whether a name is that of an image that may be shown.
func isImage(name string) bool {
	kinds := []string{".jp2", ".jpx", ".jph", ".j2k", ".j2c", ".jpc", ".jhc"}
	return iiif.Visible(name) && slices.Contains(kinds, strings.ToLower(path.Ext(name)))
}

// openImages gives the images in a directory, or in a bucket if its URL is not
// empty.
func openImages(ctx context.Context, dir, url string) (*images, error) {
	if url == "" {
		return directory(dir), nil
	}
	b, err := blob.OpenBucket(ctx, url)
	if err != nil {
		return nil, err
	}
	return objects(b), nil
}

// directory is the images below a directory.
func directory(dir string) *images {
	return &images{source: iiif.Dir(dir), walk: func(_ context.Context, f func(string) error) error {
		return fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && name != "." && !iiif.Visible(name):
				return fs.SkipDir
			case !d.IsDir() && isImage(name):
				return f(name)
			}
			return nil
		})
	}}
}

// objects is the images in a bucket.
func objects(b *blob.Bucket) *images {
	return &images{
		source: &bucket.Source{Bucket: b},
		walk: func(ctx context.Context, f func(string) error) error {
			for list := b.List(nil); ; {
				o, err := list.Next(ctx)
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err == nil && isImage(o.Key) {
					err = f(o.Key)
				}
				if err != nil {
					return err
				}
			}
		},
		// Requests take longer than some bytes more.
		decoder: tile.Decoder{Gap: 64 << 10, Reads: 16},
	}
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// list writes the identifiers of images, of no more than a page has use for.
func (i *images) list(w http.ResponseWriter, r *http.Request) {
	const most = 10_000
	ids := []string{}
	err := i.walk(r.Context(), func(id string) error {
		if ids = append(ids, id); len(ids) == most {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		http.Error(w, "the images cannot be listed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(ids)
}
