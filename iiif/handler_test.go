package iiif_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/iiif/overload"
	"github.com/stria-j2k/stria/internal/testimg"
	"github.com/stria-j2k/stria/tile"
)

var small = testimg.Spec{Kind: testimg.Mixed, Width: 200, Height: 120, Components: 3}

func smallFile(t *testing.T) []byte { return testimg.Compress(t, small, "jp2", "-n", "3") }

// ask makes a request to the handler itself.
func ask(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandlerHeaders(t *testing.T) {
	h := &iiif.Handler{Source: dated{memory{"a b": smallFile(t)}}}
	const path = "/a%20b/10,10,100,100/50,/0/default.jpg"
	w := ask(h, "GET", path)
	require.Equal(t, 200, w.Code)
	header := w.Result().Header
	require.Equal(t, "image/jpeg", header.Get("Content-Type"))
	require.Equal(t, "public, max-age=3600", header.Get("Cache-Control"))
	require.Equal(t, "Mon, 06 May 2024 07:08:09 GMT", header.Get("Last-Modified"))
	require.Equal(t, `<http://example.com/a%20b/10,10,100,100/50,50/0/default.jpg>;rel="canonical", `+
		`<http://iiif.io/api/image/3/level2.json>;rel="profile"`, header.Get("Link"))
	require.NotEmpty(t, header.Get("X-Request-Id"))
	require.Empty(t, header.Get("Content-Disposition"))
	etag := header.Get("ETag")
	require.Regexp(t, `^"[0-9a-f]{32}"$`, etag)

	// The same picture by another name has the same ETag, others have others.
	require.Equal(t, etag, ask(h, "GET", "/a%20b/pct:5,8.333333333,50,83.33333333/pct:50/360/color.jpg").Result().Header.Get("ETag"))
	for _, other := range []string{"/a%20b/10,10,100,100/51,/0/default.jpg", "/a%20b/11,10,100,100/50,/0/default.jpg",
		"/a%20b/10,10,100,100/50,/90/default.jpg", "/a%20b/10,10,100,100/50,/!0/default.jpg",
		"/a%20b/10,10,100,100/50,/0/default.png"} {
		require.NotEqual(t, etag, ask(h, "GET", other).Result().Header.Get("ETag"), other)
	}

	head := ask(h, "HEAD", path)
	require.Equal(t, 200, head.Code)
	require.Zero(t, head.Body.Len())
	require.Equal(t, etag, head.Result().Header.Get("ETag"))

	for _, condition := range [][]string{
		{"If-None-Match", etag},
		{"If-None-Match", `"x", W/` + etag},
		{"If-None-Match", "*"},
		{"If-Modified-Since", "Mon, 06 May 2024 07:08:09 GMT"},
		{"If-Modified-Since", "Mon, 06 May 2034 07:08:09 GMT"},
	} {
		w := ask(h, "GET", path, condition...)
		require.Equal(t, http.StatusNotModified, w.Code, condition)
		require.Zero(t, w.Body.Len())
		require.Equal(t, etag, w.Result().Header.Get("ETag"))
	}
	for _, condition := range [][]string{
		{"If-None-Match", `"x"`},
		{"If-Modified-Since", "Mon, 06 May 2024 07:08:08 GMT"},
		{"If-Modified-Since", "nonsense"},
		{"If-None-Match", `"x"`, "If-Modified-Since", "Mon, 06 May 2034 07:08:09 GMT"},
	} {
		require.Equal(t, 200, ask(h, "GET", path, condition...).Code, condition)
	}

	for query, want := range map[string]string{
		"download":                             `filename="a b 10,10,100,100 50,50 0 default.jpg"`,
		"download=":                            `filename="a b 10,10,100,100 50,50 0 default.jpg"`,
		"download=/..":                         `filename="a b 10,10,100,100 50,50 0 default.jpg"`,
		"download=../../etc/M%C3%BChle.jpg":    `filename*=utf-8''M%C3%BChle.jpg`,
		"download=setup.exe":                   `filename=setup.exe.jpg`,
		"download=.profile":                    `filename=profile.jpg`,
		"download=..%5C..%5Cx.jpg":             `filename=_.._x.jpg`,
		"download=%0d%0aX:y%00%22%ff":          `filename=__X_y___.jpg`,
		"download=a%E2%80%AEgpj.exe":           `filename=a_gpj.exe.jpg`,
		"download=" + strings.Repeat("x", 9e4): `filename=` + strings.Repeat("x", 120) + ".jpg",
	} {
		w = ask(h, "GET", path+"?"+query)
		require.Equal(t, "attachment; "+want, w.Result().Header.Get("Content-Disposition"))
		require.NotContains(t, w.Result().Header, "X")
	}

	w = ask(h, "OPTIONS", path)
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Equal(t, "*", w.Result().Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, w.Result().Header.Get("Access-Control-Allow-Methods"), "GET")
	require.Equal(t, http.StatusMethodNotAllowed, ask(h, "POST", path).Code)
}

func TestHandlerInfo(t *testing.T) {
	h := &iiif.Handler{Source: memory{"a": smallFile(t)}, Describe: func(_ *http.Request, id string, info *iiif.Info) {
		info.Rights = "http://creativecommons.org/licenses/by/4.0/" + id
	}}
	types := func(v iiif.Version, accept string) string {
		h := &iiif.Handler{Version: v, Source: h.Source}
		var headers []string
		if accept != "" {
			headers = []string{"Accept", accept}
		}
		w := ask(h, "GET", "/a/info.json", headers...)
		require.Equal(t, 200, w.Code)
		require.Contains(t, w.Result().Header.Values("Vary"), "Accept")
		return w.Result().Header.Get("Content-Type")
	}
	const linked3 = `application/ld+json;profile="http://iiif.io/api/image/3/context.json"`
	require.Equal(t, linked3, types(iiif.V3, ""))
	require.Equal(t, linked3, types(iiif.V3, "*/*"))
	require.Equal(t, linked3, types(iiif.V3, "application/ld+json, application/json;q=0.5"))
	require.Equal(t, "application/json", types(iiif.V3, "application/json"))
	require.Equal(t, "application/json", types(iiif.V3, "text/html,application/xhtml+xml,*/*;q=0.8"))
	require.Equal(t, linked3, types(iiif.V3, "text/html;q=0.5, application/ld+json"))
	require.Equal(t, linked3, types(iiif.V3, "application/json;q=0.4, */*;q=0.5"))
	require.Equal(t, "application/json", types(iiif.V3, "application/ld+json;q=0.5, application/json"))
	require.Equal(t, "application/json", types(iiif.V3, "application/ld+json;q=0, */*"))
	require.Equal(t, "application/json", types(iiif.V2, ""))
	require.Equal(t, "application/json", types(iiif.V2, "application/ld+json;q=0.1, application/json"))
	require.Equal(t, "application/json", types(iiif.V2, "application/*"))
	require.Equal(t, "application/ld+json", types(iiif.V2, "application/ld+json, */*"))
	require.Equal(t, "application/json", types(iiif.V2, "*/*"))
	require.Equal(t, "application/ld+json", types(iiif.V2, "application/ld+json"))

	w := ask(h, "GET", "/a/info.json")
	var info map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &info))
	require.Equal(t, "http://creativecommons.org/licenses/by/4.0/a", info["rights"])
	again := ask(h, "GET", "/a/info.json", "If-None-Match", w.Result().Header.Get("ETag"))
	require.Equal(t, 304, again.Code)
	require.Equal(t, w.Result().Header.Values("Vary"), again.Result().Header.Values("Vary"))

	packed := ask(h, "GET", "/a/info.json", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", packed.Result().Header.Get("Content-Encoding"))
	z, err := gzip.NewReader(packed.Body)
	require.NoError(t, err)
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, w.Body.String(), string(plain))

	for _, path := range []string{"/a", "/a/", "/%61"} {
		w := ask(h, "GET", path)
		require.Equal(t, http.StatusSeeOther, w.Code)
		require.Equal(t, "http://example.com/a/info.json", w.Result().Header.Get("Location"))
	}
}

// HEAD is answered as GET is, but for the body.
func TestHandlerHead(t *testing.T) {
	h := &iiif.Handler{Source: dated{memory{"a": smallFile(t)}}}
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"/a", "/a/info.json", "/a/full/max/0/default.jpg", "/a/full/9999,/0/default.jpg", "/b/info.json", "/a/x/y/z"} {
		for _, encoding := range []string{"identity", "gzip", "zstd"} {
			var headers [2]http.Header
			for i, method := range []string{http.MethodGet, http.MethodHead} {
				r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
				require.NoError(t, err)
				r.Header.Set("Accept-Encoding", encoding)
				response, err := client.Do(r)
				require.NoError(t, err)
				body, err := io.ReadAll(response.Body)
				require.NoError(t, err)
				response.Body.Close()
				headers[i] = response.Header
				headers[i].Set("Status", response.Status)
				headers[i].Del("X-Request-Id")
				headers[i].Del("Date")
				if i == 1 {
					require.Empty(t, body)
				}
				if strings.HasSuffix(path, ".jpg") || response.StatusCode == http.StatusSeeOther {
					headers[i].Del("Content-Length") // it follows from the body
				}
			}
			require.Equal(t, headers[0], headers[1], "%s %s", path, encoding)
		}
	}
}

func TestHandlerAddress(t *testing.T) {
	trust := func(*http.Request) bool { return true }
	h := &iiif.Handler{Source: memory{"a/b": smallFile(t)}}
	trusting := &iiif.Handler{Source: h.Source, TrustProxy: trust}
	for _, test := range []struct {
		handler http.Handler
		target  string
		headers []string
		want    string
	}{
		{h, "/a%2Fb/info.json", nil, "http://example.com/a%2Fb"},
		{h, "https://example.org:8443/a%2Fb/info.json", nil, "https://example.org:8443/a%2Fb"},
		{http.StripPrefix("/iiif/3/", h), "/iiif/3/a%2fb/info.json", nil, "http://example.com/iiif/3/a%2Fb"},
		{http.StripPrefix("/iiif/3", h), "/iiif/3/a%2fb/info.json?x=/y", nil, "http://example.com/iiif/3/a%2Fb"},
		{h, "/a%2Fb/info.json", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.org"}, "http://example.com/a%2Fb"},
		{trusting, "/a%2Fb/info.json", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "example.net, inner"}, "https://example.net/a%2Fb"},
		{trusting, "/a%2Fb/info.json", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "example.net", "X-Forwarded-Port", "443"}, "https://example.net/a%2Fb"},
		{trusting, "/a%2Fb/info.json", []string{"X-Forwarded-Host", "example.net", "X-Forwarded-Port", "8080", "X-Forwarded-Prefix", "/images/"}, "http://example.net:8080/images/a%2Fb"},
		{trusting, "/a%2Fb/info.json", []string{"Forwarded", `for=1.2.3.4;proto=https;host="example.net:81", for=5.6.7.8;host=inner`}, "https://example.net:81/a%2Fb"},
		{trusting, "/a%2Fb/info.json", []string{"X-Forwarded-Proto", "javascript", "X-Forwarded-Host", `evil"><x`, "X-Forwarded-Prefix", "//evil\"/"}, "http://example.com/a%2Fb"},
		{&iiif.Handler{Source: h.Source, BaseURL: "https://cdn.example/x", TrustProxy: trust}, "/a%2Fb/info.json", []string{"X-Forwarded-Host", "other"}, "https://cdn.example/x/a%2Fb"},
	} {
		w := ask(test.handler, "GET", test.target, test.headers...)
		require.Equal(t, 200, w.Code, test.target)
		var info struct{ ID string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &info))
		require.Equal(t, test.want, info.ID)
	}
	require.Equal(t, "from-proxy", ask(trusting, "GET", "/x", "X-Request-Id", "from-proxy").Result().Header.Get("X-Request-Id"))
	require.NotEqual(t, "from-client", ask(h, "GET", "/x", "X-Request-Id", "from-client").Result().Header.Get("X-Request-Id"))
	require.NotEqual(t, "<a>", ask(trusting, "GET", "/x", "X-Request-Id", "<a>").Result().Header.Get("X-Request-Id"))
}

func TestHandlerStatus(t *testing.T) {
	failure := errors.New("secret detail")
	sources := map[string]error{
		"missing": fs.ErrNotExist, "forbidden": fs.ErrPermission, "io": failure,
		"broken":      &codestream.FormatError{Where: "SIZ", Err: failure},
		"unsupported": fmt.Errorf("x: %w", errors.ErrUnsupported),
		"slow":        context.DeadlineExceeded,
	}
	var reported atomic.Pointer[iiif.Report]
	h := &iiif.Handler{
		Source: iiif.SourceFunc(func(ctx context.Context, id string) (*iiif.Image, error) {
			if err := sources[id]; err != nil {
				return nil, err
			}
			return memory{"a": smallFile(t)}.Open(ctx, id)
		}),
		Limits: iiif.Limits{MaxWidth: 1000, NoUpscale: false},
		Report: func(r iiif.Report) { reported.Store(&r) },
	}
	for path, want := range map[string]int{
		"/a/full/max/0/default.jpg":           200,
		"/a/full/max/0/default.gif":           415,
		"/a/full/max/0/x.jpg":                 400,
		"/a/300,0,10,10/max/0/default.jpg":    400,
		"/a/full/300,/0/default.jpg":          400,
		"/a/full/^1001,/0/default.jpg":        413,
		"/a/full/max/0":                       404,
		"/":                                   404,
		"/missing/info.json":                  404,
		"/missing/full/max/0/default.jpg":     404,
		"/forbidden/full/max/0/default.jpg":   403,
		"/io/full/max/0/default.jpg":          500,
		"/broken/full/max/0/default.jpg":      500,
		"/unsupported/full/max/0/default.jpg": 501,
		"/slow/full/max/0/default.jpg":        504,
		"/" + strings.Repeat("a", 9000):       414,
	} {
		w := ask(h, "GET", path)
		require.Equal(t, want, w.Code, path)
		require.Equal(t, want, reported.Load().Status, path)
		require.NotContains(t, w.Body.String(), "secret")
		if want >= 400 {
			require.Error(t, reported.Load().Err)
			require.Empty(t, w.Result().Header.Get("ETag"))
			require.Contains(t, w.Result().Header.Get("Content-Type"), "text/plain")
		}
	}
	h = &iiif.Handler{Source: h.Source, BrokenStatus: 422, Limits: iiif.Limits{NoUpscale: true}}
	w := ask(h, "GET", "/broken/full/max/0/default.jpg")
	require.Equal(t, 422, w.Code)
	require.NotContains(t, w.Body.String(), "secret")
	require.Equal(t, 501, ask(h, "GET", "/a/full/^300,/0/default.jpg").Code)
}

// A dated source says when its images last changed.
type dated struct{ iiif.Source }

func (d dated) Open(ctx context.Context, id string) (*iiif.Image, error) {
	image, err := d.Source.Open(ctx, id)
	if err == nil {
		image.Stamp.ModTime = time.Date(2024, 5, 6, 7, 8, 9, 123, time.UTC)
	}
	return image, err
}

func TestHandlerAuthorizes(t *testing.T) {
	service := map[string]string{"id": "https://example.org/probe", "type": "AuthProbeService2"}
	h := &iiif.Handler{
		Source: dated{memory{"open": smallFile(t), "tiered": smallFile(t), "closed": smallFile(t), "version 1": smallFile(t)}},
		Cache:  &iiif.MemoryCache{},
		Authorize: func(r *http.Request, id string) (iiif.Access, error) {
			if r.Header.Get("Authorization") == "Bearer good" {
				return iiif.Access{Private: id != "open"}, nil
			}
			access := iiif.Access{Services: []any{service}, Contexts: []string{"http://iiif.io/api/auth/2/context.json"}}
			switch id {
			case "tiered":
				access.Limits = iiif.Limits{MaxWidth: 50}
				return access, nil
			case "closed":
				return access, fmt.Errorf("secret detail: %w", iiif.ErrUnauthorized)
			case "version 1":
				access.InfoStatus = http.StatusUnauthorized
				access.Challenge = `Basic realm="x"`
				return access, iiif.ErrUnauthorized
			case "forbidden":
				return iiif.Access{}, fs.ErrPermission
			case "hidden":
				return iiif.Access{}, fs.ErrNotExist
			case "failing":
				return iiif.Access{}, errors.New("no answer")
			}
			return iiif.Access{}, nil
		},
	}
	code := func(path string, headers ...string) int { return ask(h, "GET", path, headers...).Code }
	good := []string{"Authorization", "Bearer good"}
	require.Equal(t, 200, code("/open/full/max/0/default.jpg"))
	require.Equal(t, 401, code("/closed/full/max/0/default.jpg"))
	require.Equal(t, 200, code("/closed/full/max/0/default.jpg", good...))
	require.Equal(t, 401, code("/closed/full/max/0/default.jpg"), "also when it is in the cache")
	require.Equal(t, 403, code("/forbidden/full/max/0/default.jpg"))
	require.Equal(t, 404, code("/hidden/full/max/0/default.jpg"))
	require.Equal(t, 500, code("/failing/full/max/0/default.jpg"))

	size := func(path string, headers ...string) image.Point {
		w := ask(h, "GET", path, headers...)
		require.Equal(t, 200, w.Code)
		require.Equal(t, "private, no-cache", w.Result().Header.Get("Cache-Control"))
		c, _, err := image.DecodeConfig(w.Body)
		require.NoError(t, err)
		return image.Pt(c.Width, c.Height)
	}
	require.Equal(t, image.Pt(200, 120), size("/tiered/full/max/0/default.jpg", good...))
	require.Equal(t, image.Pt(50, 30), size("/tiered/full/max/0/default.jpg"))
	require.Equal(t, image.Pt(200, 120), size("/tiered/full/max/0/default.jpg", good...))
	require.Equal(t, image.Pt(50, 50), size("/tiered/0,0,50,50/max/0/default.jpg"))
	require.Equal(t, 401, code("/tiered/full/51,/0/default.jpg"))
	require.Equal(t, 400, code("/tiered/full/1000,/0/default.jpg"))

	w := ask(h, "GET", "/tiered/info.json")
	require.Equal(t, 200, w.Code)
	var info map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &info))
	require.EqualValues(t, 50, info["maxWidth"])
	require.Len(t, info["service"], 1)
	require.Equal(t, "http://iiif.io/api/auth/2/context.json", info["@context"].([]any)[0])

	// What a client keeps of a view is not the answer for another.
	require.Equal(t, "private, no-cache", w.Result().Header.Get("Cache-Control"))
	later := []string{"If-Modified-Since", "Mon, 06 May 2034 07:08:09 GMT"}
	require.Equal(t, 304, code("/open/full/max/0/default.jpg", later...))
	require.Equal(t, 200, code("/tiered/full/max/0/default.jpg", later...))
	require.Equal(t, 200, code("/tiered/info.json", later...))
	require.Equal(t, 304, code("/tiered/info.json", "If-None-Match", w.Result().Header.Get("ETag")))

	// A refusal says how to be let in, and nothing else; nobody keeps it.
	w = ask(h, "GET", "/closed/full/max/0/default.jpg")
	require.Equal(t, `Bearer realm="images"`, w.Result().Header.Get("WWW-Authenticate"))
	require.Equal(t, "no-store", w.Result().Header.Get("Cache-Control"))
	require.NotContains(t, w.Body.String(), "secret")
	w = ask(h, "GET", "/version%201/full/max/0/default.jpg")
	require.Equal(t, `Basic realm="x"`, w.Result().Header.Get("WWW-Authenticate"))
	require.Empty(t, ask(h, "GET", "/forbidden/full/max/0/default.jpg").Result().Header.Get("WWW-Authenticate"))

	w = ask(h, "GET", "/closed/info.json")
	require.Equal(t, 200, w.Code)
	require.Equal(t, "private, no-cache", w.Result().Header.Get("Cache-Control"))
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &info))
	require.Len(t, info["service"], 1)
	w = ask(h, "GET", "/version%201/info.json")
	require.Equal(t, 401, w.Code)
	require.Equal(t, "no-store", w.Result().Header.Get("Cache-Control"))
	require.Equal(t, `Basic realm="x"`, w.Result().Header.Get("WWW-Authenticate"))
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &info))
	require.Len(t, info["service"], 1)
	require.Equal(t, 200, code("/closed/info.json", good...))
	require.Equal(t, 403, code("/forbidden/info.json"))
	require.Equal(t, 404, code("/hidden/info.json"))
}

func TestHandlerCaches(t *testing.T) {
	var runs atomic.Int32
	h := &iiif.Handler{Source: memory{"a": smallFile(t)}, Cache: iiif.Tiers{failing{}, &iiif.MemoryCache{}},
		Formats: map[string]encode.Format{"jpg": counting{encode.JPEG{}, &runs, nil}}}
	var cached atomic.Bool
	h.Report = func(r iiif.Report) { cached.Store(r.Cached) }
	first := ask(h, "GET", "/a/full/max/0/default.jpg")
	require.Equal(t, 200, first.Code)
	require.Eventually(t, func() bool {
		w := ask(h, "GET", "/a/full/200,/0/default.jpg")
		require.Equal(t, first.Body.Bytes(), w.Body.Bytes())
		return cached.Load()
	}, 5*time.Second, time.Millisecond)
	require.Equal(t, int32(1), runs.Load())

	w := ask(h, "GET", "/a/full/max/0/default.jpg", "Range", "bytes=2-5")
	require.Equal(t, http.StatusPartialContent, w.Code)
	require.Equal(t, first.Body.Bytes()[2:6], w.Body.Bytes())
	w = ask(h, "HEAD", "/a/full/max/0/default.jpg")
	require.Equal(t, fmt.Sprint(first.Body.Len()), w.Result().Header.Get("Content-Length"))
}

// A counting format counts its runs, and waits before each for gate.
type counting struct {
	encode.Format
	runs *atomic.Int32
	gate func(ctx context.Context) error
}

func (c counting) Encode(ctx context.Context, w io.Writer, src encode.Source) error {
	c.runs.Add(1)
	if c.gate != nil {
		if err := c.gate(ctx); err != nil {
			return err
		}
	}
	return c.Format.Encode(ctx, w, src)
}

func TestHandlerSharesRuns(t *testing.T) {
	var runs atomic.Int32
	open := make(chan struct{})
	h := &iiif.Handler{Source: memory{"a": smallFile(t)},
		Formats: map[string]encode.Format{"jpg": counting{encode.JPEG{}, &runs, func(context.Context) error { <-open; return nil }}}}
	var wg sync.WaitGroup
	bodies := make([][]byte, 20)
	for i := range bodies {
		wg.Go(func() {
			w := ask(h, "GET", []string{"/a/full/max/0/default.jpg", "/a/0,0,200,120/200,/0/color.jpg"}[i%2])
			if w.Code == 200 {
				bodies[i] = w.Body.Bytes()
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	close(open)
	wg.Wait()
	require.Equal(t, int32(1), runs.Load())
	for _, b := range bodies {
		require.NotEmpty(t, b)
		require.Equal(t, bodies[0], b)
	}
}

func TestHandlerStopsForThoseWhoLeft(t *testing.T) {
	data := smallFile(t)
	var runs, stopped atomic.Int32
	h := &iiif.Handler{Source: memory{"a": data},
		Gate: &overload.Gate{Lanes: []overload.Lane{{Slots: 4, Queue: 1000}}, PerClientQueue: -1},
		Formats: map[string]encode.Format{"jpg": counting{encode.JPEG{}, &runs, func(ctx context.Context) error {
			<-ctx.Done()
			stopped.Add(1)
			return context.Cause(ctx)
		}}}}
	before := runtime.NumGoroutine()
	const requests = 10_000
	var wg sync.WaitGroup
	busy := make(chan struct{}, 100)
	for i := range requests {
		busy <- struct{}{}
		wg.Go(func() {
			defer func() { <-busy }()
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%5)*time.Millisecond)
			defer cancel()
			r := httptest.NewRequestWithContext(ctx, "GET", fmt.Sprintf("/a/%d,0,10,10/max/0/default.jpg", i%150), nil)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code == 200 || w.Code == 500 {
				t.Errorf("status %d", w.Code)
			}
		})
	}
	wg.Wait()
	// The last runs end a moment after those who asked for them.
	require.Eventually(t, func() bool {
		for _, load := range h.Gate.Loads() {
			if load.Running != 0 || load.Waiting != 0 {
				return false
			}
		}
		return runtime.NumGoroutine() <= before+2 && runs.Load() == stopped.Load()
	}, 10*time.Second, 10*time.Millisecond)
	require.Less(t, runs.Load(), int32(requests))
}

func TestHandlerOverloaded(t *testing.T) {
	var runs atomic.Int32
	open := make(chan struct{})
	h := &iiif.Handler{Source: memory{"a": smallFile(t)},
		Gate:    &overload.Gate{Lanes: []overload.Lane{{Slots: 1, Queue: -1}}},
		Formats: map[string]encode.Format{"jpg": counting{encode.JPEG{}, &runs, func(context.Context) error { <-open; return nil }}}}
	done := make(chan int)
	go func() { done <- ask(h, "GET", "/a/full/max/0/default.jpg").Code }()
	require.Eventually(t, func() bool { return runs.Load() == 1 }, 5*time.Second, time.Millisecond)
	w := ask(h, "GET", "/a/full/max/90/default.jpg")
	require.Equal(t, 503, w.Code)
	require.NotEmpty(t, w.Result().Header.Get("Retry-After"))
	require.Equal(t, "no-store", w.Result().Header.Get("Cache-Control"))
	close(open)
	require.Equal(t, 200, <-done)
}

func TestHandlerTimesOut(t *testing.T) {
	var runs atomic.Int32
	h := &iiif.Handler{Source: memory{"a": smallFile(t)}, Timeout: 10 * time.Millisecond,
		Formats: map[string]encode.Format{"jpg": counting{encode.JPEG{}, &runs, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}}}
	require.Equal(t, 504, ask(h, "GET", "/a/full/max/0/default.jpg").Code)

	// Opening counts, and nobody waits longer for it.
	h = &iiif.Handler{Timeout: 10 * time.Millisecond, Source: iiif.SourceFunc(func(ctx context.Context, _ string) (*iiif.Image, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})}
	require.Equal(t, 504, ask(h, "GET", "/a/full/max/0/default.jpg").Code)
	require.Equal(t, 504, ask(h, "GET", "/a/info.json").Code)
}

// Who has no place in time may try again: it is not the image that is slow.
func TestHandlerWaitsForAPlace(t *testing.T) {
	var runs atomic.Int32
	open := make(chan struct{})
	h := &iiif.Handler{Files: &iiif.Files{Source: memory{"a": smallFile(t)}}, Gate: &overload.Gate{Lanes: []overload.Lane{{Slots: 1}}},
		Formats: map[string]encode.Format{"jpg": counting{encode.JPEG{}, &runs, func(context.Context) error { <-open; return nil }}}}
	hurried := &iiif.Handler{Files: h.Files, Gate: h.Gate, Timeout: 100 * time.Millisecond}
	done := make(chan int)
	go func() { done <- ask(h, "GET", "/a/full/max/0/default.jpg").Code }()
	require.Eventually(t, func() bool { return runs.Load() == 1 }, 5*time.Second, time.Millisecond)
	w := ask(hurried, "GET", "/a/full/max/0/default.jpg")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "1", w.Result().Header.Get("Retry-After"))
	close(open)
	require.Equal(t, 200, <-done)

	require.NoError(t, h.Files.Close())
	w = ask(h, "GET", "/a/full/max/0/default.jpg")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "1", w.Result().Header.Get("Retry-After"))
}

// A hanging cache answers nothing until it is told to stop.
type hanging struct{ puts *atomic.Int32 }

func (hanging) Get(ctx context.Context, _ iiif.Key) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (c hanging) Put(ctx context.Context, _ iiif.Key, _ []byte) error {
	<-ctx.Done()
	c.puts.Add(1)
	panic("oops")
}

// A cache that fails never fails the request, nor the server.
func TestHandlerDoesWithoutItsCache(t *testing.T) {
	var puts atomic.Int32
	h := &iiif.Handler{Source: memory{"a": smallFile(t)}, Cache: hanging{&puts}, Timeout: 2 * time.Second}
	require.Equal(t, 200, ask(h, "GET", "/a/full/max/0/default.jpg").Code)
	require.Eventually(t, func() bool { return puts.Load() == 1 }, 10*time.Second, time.Millisecond)
}

func TestHandlerWaitsForMemory(t *testing.T) {
	budget := &tile.Budget{Bytes: 64 << 20}
	h := &iiif.Handler{Files: &iiif.Files{Source: memory{"a": smallFile(t)}}, Decoder: &tile.Decoder{Budget: budget}}
	require.Equal(t, 200, ask(h, "GET", "/a/info.json").Code) // it is open
	hurried := &iiif.Handler{Files: h.Files, Decoder: h.Decoder, Timeout: 500 * time.Millisecond}
	release, err := budget.Acquire(t.Context(), 64<<20)
	require.NoError(t, err)
	require.Equal(t, 503, ask(hurried, "GET", "/a/full/max/90/default.jpg").Code)
	release()
	require.Equal(t, 200, ask(h, "GET", "/a/full/max/90/default.jpg").Code)
	require.Eventually(t, func() bool { return budget.Used() == 0 }, 10*time.Second, time.Millisecond)
}

func TestHandlerSurvivesPanics(t *testing.T) {
	h := &iiif.Handler{Source: memory{"a": smallFile(t)},
		Formats: map[string]encode.Format{"jpg": counting{encode.JPEG{}, new(atomic.Int32), func(context.Context) error { panic("oops") }}}}
	w := ask(h, "GET", "/a/full/max/0/default.jpg")
	require.Equal(t, 500, w.Code)
	require.NotContains(t, w.Body.String(), "oops")
}

// A half-written format writes something and fails.
type halfWritten struct{ encode.Format }

func (halfWritten) Encode(_ context.Context, w io.Writer, _ encode.Source) error {
	_, _ = w.Write(make([]byte, 10_000))
	return errors.New("in the middle")
}

func TestHandlerBreaksTheConnectionOfABrokenPicture(t *testing.T) {
	var report atomic.Pointer[iiif.Report]
	cache := &iiif.MemoryCache{}
	h := &iiif.Handler{Source: memory{"a": smallFile(t)}, Cache: cache, Report: func(r iiif.Report) { report.Store(&r) },
		Formats: map[string]encode.Format{"jpg": halfWritten{encode.JPEG{}}}}
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(h)
		server.EnableHTTP2 = http2
		server.StartTLS()
		defer server.Close()
		for range 2 {
			report.Store(nil)
			response, err := server.Client().Get(server.URL + "/a/full/max/0/default.jpg")
			require.NoError(t, err)
			require.Equal(t, 200, response.StatusCode)
			require.Equal(t, http2, response.ProtoMajor == 2)
			_, err = io.ReadAll(response.Body)
			require.Error(t, err)
			if http2 {
				// The other streams of the connection go on.
				require.ErrorContains(t, err, "stream error")
			}
			response.Body.Close()
			require.Eventually(t, func() bool { return report.Load() != nil }, 10*time.Second, time.Millisecond)
			require.ErrorContains(t, report.Load().Err, "in the middle")
			require.False(t, report.Load().Cached)
		}
	}
}

// Without the chunks of HTTP/1.1, only a reset tells a broken answer from a whole
// one.
func TestHandlerResetsTheConnectionOfOldClients(t *testing.T) {
	h := &iiif.Handler{Source: memory{"a": smallFile(t)}, Formats: map[string]encode.Format{"jpg": halfWritten{encode.JPEG{}}}}
	server := httptest.NewServer(h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /a/full/max/0/default.jpg HTTP/1.0\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	_, err = io.ReadAll(conn)
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

// A stalled client gives up its place.
func TestHandlerDropsSlowReaders(t *testing.T) {
	var report atomic.Pointer[iiif.Report]
	h := &iiif.Handler{Source: memory{"a": smallFile(t)}, Keep: 1 << 10, WriteTimeout: 50 * time.Millisecond,
		Report:  func(r iiif.Report) { report.Store(&r) },
		Formats: map[string]encode.Format{"jpg": endless{encode.JPEG{}}}}
	server := httptest.NewServer(h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /a/full/max/0/default.jpg HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return report.Load() != nil }, 10*time.Second, time.Millisecond)
	require.ErrorIs(t, report.Load().Err, os.ErrDeadlineExceeded)
}

// A paced writer checks that much is never written in the time for little.
type paced struct {
	*httptest.ResponseRecorder
	t     *testing.T
	since int // bytes since the deadline was set last
	until time.Time
}

func (p *paced) SetWriteDeadline(until time.Time) error {
	require.False(p.t, until.Before(p.until))
	p.since, p.until = 0, until
	return nil
}

func (p *paced) Write(b []byte) (int, error) {
	p.since += len(b)
	require.False(p.t, p.until.IsZero())
	require.LessOrEqual(p.t, p.since, 64<<10)
	return p.ResponseRecorder.Write(b)
}

// A large format writes much at once.
type large struct{ encode.Format }

func (large) Encode(_ context.Context, w io.Writer, _ encode.Source) error {
	_, err := w.Write(make([]byte, 1_000_000))
	return err
}

// Slow clients get large pictures too, from wherever they come.
func TestHandlerGivesTimeForEachPiece(t *testing.T) {
	cached := false
	h := &iiif.Handler{Source: memory{"a": smallFile(t)}, Cache: &iiif.MemoryCache{Bytes: 16 << 20},
		Formats: map[string]encode.Format{"jpg": large{encode.JPEG{}}}, Report: func(r iiif.Report) { cached = r.Cached }}
	for i := 0; i < 2 || !cached; i++ {
		require.Less(t, i, 1000)
		w := &paced{ResponseRecorder: httptest.NewRecorder(), t: t}
		h.ServeHTTP(w, httptest.NewRequest("GET", "/a/full/max/0/default.jpg", nil))
		require.Equal(t, 1_000_000, w.Body.Len())
	}
}

// An endless format writes until it is stopped.
type endless struct{ encode.Format }

func (endless) Encode(_ context.Context, w io.Writer, _ encode.Source) error {
	for {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return err
		}
	}
}

// Whatever is promised is served, however little memory there is.
func TestHandlerLimitsFollowFromTheBudget(t *testing.T) {
	spec := testimg.Spec{Kind: testimg.Gradient, Width: 1500, Height: 1000, Components: 3}
	for name, args := range map[string][]string{"RGB": {"-n", "6"}, "YCbCr": {"-n", "6", "-I"}} {
		t.Run(name, func(t *testing.T) { testLimits(t, testimg.Compress(t, spec, "jp2", args...)) })
	}
}

func testLimits(t *testing.T, data []byte) {
	last := int64(0)
	for _, budget := range []int64{8 << 20, 12 << 20, 16 << 20, 24 << 20, 1 << 30} {
		h := &iiif.Handler{Source: memory{"a": data}, Decoder: &tile.Decoder{Budget: &tile.Budget{Bytes: budget}}}
		var info struct {
			MaxArea int64
			Sizes   []struct{ Width, Height int }
		}
		require.NoError(t, json.Unmarshal(ask(h, "GET", "/a/info.json").Body.Bytes(), &info))
		require.GreaterOrEqual(t, info.MaxArea, last, "more memory, more area")
		last = info.MaxArea
		w := ask(h, "GET", "/a/full/max/0/default.jpg")
		require.Equal(t, 200, w.Code, w.Body.String())
		c, _, err := image.DecodeConfig(w.Body)
		require.NoError(t, err)
		require.LessOrEqual(t, int64(c.Width)*int64(c.Height), info.MaxArea)
	}
	require.EqualValues(t, 1<<26, last)
}

// Handlers that share files have limits of their own.
func TestHandlersKeepTheirLimitsApart(t *testing.T) {
	files := &iiif.Files{Source: memory{"a": squaresFile(t)}}
	defer files.Close()
	area := func(h *iiif.Handler) int64 {
		var info struct{ MaxArea int64 }
		require.NoError(t, json.Unmarshal(ask(h, "GET", "/a/info.json").Body.Bytes(), &info))
		return info.MaxArea
	}
	little := &tile.Decoder{Budget: &tile.Budget{Bytes: 5 << 20}}
	want := area(&iiif.Handler{Source: memory{"a": squaresFile(t)}, Decoder: little})
	require.Less(t, want, int64(1_000_000))
	require.EqualValues(t, 100, area(&iiif.Handler{Files: files, Limits: iiif.Limits{MaxArea: 100}}))
	require.EqualValues(t, 1<<26, area(&iiif.Handler{Files: files}))
	require.Equal(t, want, area(&iiif.Handler{Files: files, Decoder: little}))
	require.EqualValues(t, 1<<26, area(&iiif.Handler{Files: files}))
}

func TestHandlerStaysInsideTheDirectory(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "images")
	require.NoError(t, os.Mkdir(dir, 0o755))
	for _, name := range []string{filepath.Join(outer, "secret.jp2"), filepath.Join(dir, "a.jp2")} {
		require.NoError(t, os.WriteFile(name, smallFile(t), 0o644))
	}
	server := httptest.NewServer(http.StripPrefix("/iiif/", &iiif.Handler{Source: iiif.Dir(dir)}))
	defer server.Close()
	get := func(path string) string {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		_, err = io.WriteString(conn, "GET "+path+" HTTP/1.0\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		line, _, _ := bytes.Cut(answer, []byte("\r\n"))
		return strings.Fields(string(line))[1]
	}
	require.Equal(t, "200", get("/iiif/a.jp2/full/max/0/default.jpg"))
	for _, id := range []string{
		"..%2Fsecret.jp2", "%2e%2e%2fsecret.jp2", "%2E%2E/secret.jp2", "../secret.jp2", "..%5Csecret.jp2",
		"%252e%252e%252fsecret.jp2", "..%c0%afsecret.jp2", "%2fetc%2fpasswd", "a.jp2%00", "%00", "a.jp2%00.png",
		"images%2F..%2F..%2Fsecret.jp2", ".%2F..%2Fsecret.jp2", "%2F" + strings.ReplaceAll(strings.TrimPrefix(outer, "/"), "/", "%2F") + "%2Fsecret.jp2",
		"....%2F%2Fsecret.jp2", "%EF%BC%8E%EF%BC%8E%2Fsecret.jp2", "..;%2Fsecret.jp2",
	} {
		for _, rest := range []string{"/full/max/0/default.jpg", "/info.json"} {
			code := get("/iiif/" + id + rest)
			require.Contains(t, []string{"400", "404", "301"}, code, id)
		}
	}
	for _, path := range []string{
		"/iiif/a.jp2/full/99999999999999999999999999,/0/default.jpg", "/iiif/a.jp2/full/^99999999999999999999999999,/0/default.jpg",
		"/iiif/a.jp2/pct:1e3,NaN,Inf,-1/max/0/default.jpg", "/iiif/a.jp2/pct:NaN,0,1,1/max/0/default.jpg",
		"/iiif/a.jp2/full/pct:1e400/0/default.jpg", "/iiif/a.jp2/full/max/1e400/default.jpg",
		"/iiif/a.jp2/full/^pct:" + strings.Repeat("9", 5000) + "/0/default.jpg",
		"/iiif/" + strings.Repeat("a", 100_000) + "/info.json",
		"/iiif/a.jp2/0,0,0,0/max/0/default.jpg", "/iiif/a.jp2/full/0,0/0/default.jpg",
		"/iiif/%zz/info.json", "/iiif/a.jp2/full/max/0/default.jpg%", "/iiif/\x01/info.json",
	} {
		code := get(path)
		require.Equal(t, byte('4'), code[0], "%s: %.80s", code, path)
	}
	h := &iiif.Handler{Source: iiif.Dir(dir)}
	for _, path := range []string{"/" + strings.Repeat("a", 10<<20), "/" + strings.Repeat("%2e%2e%2f", 1<<20) + "/info.json",
		strings.Repeat("/a", 5<<20)} {
		require.Equal(t, http.StatusRequestURITooLong, ask(h, "GET", path).Code)
	}
}
