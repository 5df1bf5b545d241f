package iiif_test

import (
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"

	"github.com/stria-j2k/stria/iiif"
)

// The canonical form is the same for all requests for the same picture.
func ExampleRequest_Canonical() {
	full := image.Pt(6000, 4000)
	for _, path := range []string{
		"map/pct:50,0,50,100/600,/360/color.jpg",
		"map/3000,0,9999,9999/%5E!600,1000/0/default.jpg",
	} {
		r, err := iiif.Parse(iiif.V3, path)
		if err != nil {
			fmt.Println(err)
			return
		}
		c, err := r.Canonical(full, iiif.Limits{})
		fmt.Println(c, err)
	}
	// Output:
	// map/3000,0,3000,4000/600,800/0/default.jpg <nil>
	// map/3000,0,3000,4000/600,800/0/default.jpg <nil>
}

// What breaks the grammar is not a request.
func ExampleParse() {
	_, err := iiif.Parse(iiif.V3, "map/full/full/0/default.jpg")
	fmt.Println(err)
	// Output: iiif: size "full": neither a keyword nor w,h
}

// A server of the images of a directory.
func ExampleHandler() {
	h := &iiif.Handler{Source: iiif.Dir("../examples/testdata"), Cache: &iiif.MemoryCache{}}
	server := httptest.NewServer(http.StripPrefix("/iiif/3/", h))
	defer server.Close()
	response, err := http.Get(server.URL + "/iiif/3/sample.jp2/square/300,/0/default.jpg")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	picture, format, err := image.Decode(response.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.Status, format, picture.Bounds())
	// Output: 200 OK jpeg (0,0)-(300,300)
}
