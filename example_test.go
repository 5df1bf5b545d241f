package stria_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// cut writes a part of the image in a file to w, as a JPEG.
func cut(ctx context.Context, w io.Writer, name string) error {
	file, err := jp2.Open(name) // or jp2.NewFile(r, size) on any io.ReaderAt
	if err != nil {
		return err
	}
	defer file.Close()

	var dec tile.Decoder // share one: it holds the memory budget
	plan, err := dec.Plan(file, tile.Request{
		Region: image.Rect(512, 384, 1536, 1152), // full-resolution pixels
		Size:   image.Pt(400, 0),                 // 400 wide, height follows
	})
	if err != nil {
		return err
	}
	fmt.Println(plan.Size()) // known, as is plan.Memory(), before anything is read
	return encode.JPEG{Quality: 82}.Encode(ctx, w, plan)
}

func Example() {
	var out bytes.Buffer
	if err := cut(context.Background(), &out, "examples/testdata/sample.jp2"); err != nil {
		fmt.Println(err)
		return
	}
	is, err := jpeg.DecodeConfig(&out)
	fmt.Println(is.Width, is.Height, err)
	// Output:
	// (400,300)
	// 400 300 <nil>
}

// A folder of images as an image server.
func Example_server() {
	http.Handle("/iiif/3/", http.StripPrefix("/iiif/3/", &iiif.Handler{Source: iiif.Dir("scans")}))
}

// The README's code is that of the examples, and the files it names exist.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		require.Contains(t, strings.ReplaceAll(string(source), "\n\thttp", "\nhttp"), block[1])
	}
	names := regexp.MustCompile("`([a-z0-9/]+\\.go)`").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		require.FileExists(t, name[1])
	}
}
