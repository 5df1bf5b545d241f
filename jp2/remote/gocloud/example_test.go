package gocloud_test

import (
	"context"
	"fmt"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // or s3blob, gcsblob, azureblob

	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/jp2/remote"
	"github.com/stria-j2k/stria/jp2/remote/gocloud"
)

// An image in a bucket, here one that is a directory.
func ExampleOpen() {
	ctx := context.Background()
	bucket, err := blob.OpenBucket(ctx, "file://./../../../examples/testdata")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bucket.Close()
	object, err := gocloud.Open(ctx, bucket, "sample.jp2", remote.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer object.Close()
	file, err := jp2.NewFile(object, object.Size())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(file.Bounds())
	// Output: (0,0)-(2048,1536)
}
