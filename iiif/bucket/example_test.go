package bucket_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // or s3blob, gcsblob, azureblob
	"gocloud.dev/blob/memblob"

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/iiif/bucket"
	"github.com/stria-j2k/stria/tile"
)

// A server of the images in a bucket. What is made of them is kept in another,
// and so is where their tiles are.
func Example() {
	ctx := context.Background()
	scans, err := blob.OpenBucket(ctx, "file://./../../examples/testdata")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer scans.Close()
	made := memblob.OpenBucket(nil)
	defer made.Close()

	cache := &bucket.Cache{Bucket: made}
	h := &iiif.Handler{
		Files: &iiif.Files{Source: &bucket.Source{Bucket: scans}, Indexes: cache},
		Cache: cache,
		// Requests take longer than some bytes more.
		Decoder: &tile.Decoder{Budget: new(tile.Budget), Gap: 64 << 10, Reads: 16},
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/sample.jp2/square/100,/0/default.jpg", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 image/jpeg
}
