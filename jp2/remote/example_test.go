package remote_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/jp2/remote"
)

// An image on a server is opened and used like one in a file.
func ExampleOpenURL() {
	server := httptest.NewServer(http.FileServer(http.Dir("../../examples/testdata")))
	defer server.Close()

	ctx := context.Background()
	object, err := remote.OpenURL(ctx, nil, server.URL+"/sample.jp2", remote.Options{})
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
	fmt.Println(object.Size(), file.Bounds())
	// Output: 362975 (0,0)-(2048,1536)
}
