package iiif

import (
	"net/http/httptest"
	"testing"

	"net/http"

	"github.com/stretchr/testify/require"
)

func TestClient(t *testing.T) {
	client := func(h *Handler, headers ...string) string {
		r := httptest.NewRequest("GET", "/", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return h.client(r)
	}
	plain := &Handler{}
	trusting := &Handler{TrustProxy: func(*http.Request) bool { return true }}
	require.Equal(t, "192.0.2.1", client(plain))
	require.Equal(t, "192.0.2.1", client(plain, "X-Forwarded-For", "1.2.3.4"))
	require.Equal(t, "1.2.3.4", client(trusting, "X-Forwarded-For", "1.2.3.4, 5.6.7.8"))
	require.Equal(t, "[2001:db8::1]", client(trusting, "Forwarded", `for="[2001:db8::1]";proto=http`))
	require.Equal(t, "192.0.2.1", client(trusting))
	require.Equal(t, "x", client(&Handler{Client: func(*http.Request) string { return "x" }}))
}

// Whatever proxies say, a base URL is one.
func FuzzForwarded(f *testing.F) {
	f.Add("", "https", "example.org", "8443", "/images", "/iiif/3/a/info.json", "a/info.json")
	f.Add(`for=1.2.3.4;proto=https;host="example.net:81", for=5.6.7.8`, "", "", "", "", "http://x/a", "a")
	f.Add("", "", "", "", "", " ", "")
	f.Add("", "", "", "", "", "/x\"><y/a", "a")
	f.Add(`;=;"`, "javascript:", "<>", "\r\n", "//x\"", "", "")
	f.Fuzz(func(t *testing.T, forwarded, proto, host, port, prefix, uri, own string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI = uri
		for name, value := range map[string]string{"Forwarded": forwarded, "X-Forwarded-Proto": proto,
			"X-Forwarded-Host": host, "X-Forwarded-Port": port, "X-Forwarded-Prefix": prefix} {
			r.Header.Set(name, value)
		}
		h := &Handler{TrustProxy: func(*http.Request) bool { return true }}
		base := h.base(r, own)
		require.Regexp(t, `^https?://[-A-Za-z0-9._~:\[\]]+/[-A-Za-z0-9._~!$&'()*+,;=:@/%]*$`, base)
	})
}
