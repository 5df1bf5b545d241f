package iiif

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
	require.Equal(t, "1.2.3.4", client(trusting, "X-Forwarded-For", "1.2.3.4:5678"))
	require.Equal(t, "2001:db8::1", client(trusting, "X-Forwarded-For", "2001:DB8::1"))
	require.Equal(t, "2001:db8::1", client(trusting, "Forwarded", `for="[2001:db8::1]";proto=http`))
	require.Equal(t, "2001:db8::1", client(trusting, "Forwarded", `for="[2001:db8::1]:4711"`))
	require.Equal(t, "_hidden,one", client(trusting, "Forwarded", `For="_hidden,one" ; by=x, for=1.2.3.4`))
	require.Equal(t, "192.0.2.1", client(trusting))
	require.Equal(t, "x", client(&Handler{Client: func(*http.Request) string { return "x" }}))
}

func TestForwarded(t *testing.T) {
	for list, want := range map[string]origin{
		`for=1.2.3.4;proto=https;host=a.org`:                 {"https", "a.org", "", "1.2.3.4"},
		`FOR="1.2.3.4"; PROTO=HTTPS ;Host="a.org:81"`:        {"https", "a.org:81", "", "1.2.3.4"},
		`for="x;host=evil.org",host=b.org`:                   {"", "", "", "x;host=evil.org"},
		`for="x,host=evil.org";host="\a.org";proto="\h\ttp"`: {"http", "a.org", "", "x,host=evil.org"},
		`by=a, host=second.org`:                              {},
		`host="a.org;proto=https`:                            {},
		`host="[2001:db8::1]:8080";proto=gopher`:             {"", "[2001:db8::1]:8080", "", ""},
		`proto=https;host=a.org/x`:                           {"https", "", "", ""},
	} {
		require.Equal(t, want, forwarded(http.Header{"Forwarded": {list}}), list)
	}
}

// The prefix is known whatever a client has left unescaped, and a server whose
// name was not said has an address.
func TestBase(t *testing.T) {
	h := &Handler{}
	for _, path := range []string{"a", "a%20b", "ü%20b", "%C3%BC", `"a"`, "<a>", "a|b", "a%2fb", "a;b", "a//b"} {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET /iiif/3/" + path + "/info.json HTTP/1.1\r\nHost: x\r\n\r\n")))
		require.NoError(t, err)
		http.StripPrefix("/iiif/3/", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			require.Equal(t, path+"/info.json", ownPath(r.URL))
			require.Equal(t, "http://x/iiif/3/", h.base(r, ownPath(r.URL)))
		})).ServeHTTP(nil, r)
	}
	r := httptest.NewRequest("GET", "/a", nil)
	r.Host = ""
	local := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 8080}
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
	require.Equal(t, "http://192.0.2.9:8080/", h.base(r, "a"))
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
