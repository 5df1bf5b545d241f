package iiif

// This file finds out under which address a client sees the server.

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// base is the part of the URL before the identifier, as the client sees it, with
// a slash at its end. own is the escaped path that the handler was given.
func (h *Handler) base(r *http.Request, own string) string {
	if h.BaseURL != "" {
		return strings.TrimSuffix(h.BaseURL, "/") + "/"
	}
	scheme, host, prefix := "http", r.Host, requestPrefix(r, own)
	if r.TLS != nil {
		scheme = "https"
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && host == "" {
		// A client of HTTP/1.0 need not say by which name it knows the server.
		host = local.String()
	}
	if h.trusted(r) {
		f := forwarded(r.Header)
		if f.scheme != "" {
			scheme = f.scheme
		}
		if f.host != "" {
			host = f.host
		}
		prefix = f.prefix + prefix
	}
	return scheme + "://" + host + strings.TrimSuffix(prefix, "/") + "/"
}

func (h *Handler) trusted(r *http.Request) bool {
	return h.TrustProxy != nil && h.TrustProxy(r)
}

// requestPrefix is what [http.StripPrefix] and the like have taken off the path
// before the handler got it.
func requestPrefix(r *http.Request, own string) string {
	full := r.RequestURI
	if i := strings.Index(full, "://"); i >= 0 && !strings.HasPrefix(full, "/") {
		// The absolute form (RFC 9112, 3.2.2).
		_, path, _ := strings.Cut(full[i+3:], "/")
		full = "/" + path
	}
	full, _, _ = strings.Cut(full, "?")
	prefix, ok := strings.CutSuffix(full, own)
	// The request line is a stranger's too.
	if !ok || !strings.HasPrefix(prefix, "/") || !only(prefix, pathCharacters) {
		return "/"
	}
	return prefix
}

// pathCharacters may stand in a path, besides letters and digits (RFC 3986, 3.3).
const pathCharacters = "-._~!$&'()*+,;=:@/%"

// origin is what a proxy says of the request that it got.
type origin struct{ scheme, host, prefix, client string }

// forwarded reads Forwarded (RFC 7239) or, without it, X-Forwarded-Proto, -Host,
// -Port and -For; and X-Forwarded-Prefix. Of several proxies the first is the one
// that the client talked to. What is not well-formed is passed over.
func forwarded(h http.Header) origin {
	var o origin
	if list := h.Get("Forwarded"); list != "" {
		for element := range elements(list, ',') {
			for pair := range elements(element, ';') {
				name, value, _ := strings.Cut(pair, "=")
				switch value = unquoted(value); strings.ToLower(name) {
				case "proto":
					o.scheme = value
				case "host":
					o.host = value
				case "for":
					o.client = value
				}
			}
			break
		}
	} else {
		o.scheme = firstValue(h.Get("X-Forwarded-Proto"))
		o.client = firstValue(h.Get("X-Forwarded-For"))
		o.host = firstValue(h.Get("X-Forwarded-Host"))
		port := firstValue(h.Get("X-Forwarded-Port"))
		usual := port == "80" && o.scheme == "http" || port == "443" && o.scheme == "https"
		if port != "" && !usual && o.host != "" && !strings.Contains(strings.TrimPrefix(o.host, "["), ":") {
			o.host += ":" + port
		}
	}
	o.prefix = strings.TrimSuffix(firstValue(h.Get("X-Forwarded-Prefix")), "/")
	o.scheme = strings.ToLower(o.scheme)
	if o.scheme != "http" && o.scheme != "https" {
		o.scheme = ""
	}
	if !only(o.host, "-._~:[]") {
		o.host = ""
	}
	if !strings.HasPrefix(o.prefix, "/") || !only(o.prefix, pathCharacters) {
		o.prefix = ""
	}
	return o
}

// client says whose the request is.
func (h *Handler) client(r *http.Request) string {
	if h.Client != nil {
		return h.Client(r)
	}
	if h.trusted(r) {
		if c := forwarded(r.Header).client; c != "" && len(c) <= 64 {
			return withoutPort(c)
		}
	}
	return withoutPort(r.RemoteAddr)
}

// withoutPort is the address of a client without the port, which is another for
// each of its connections (RFC 7239, 6). What is no address stays as it is.
func withoutPort(client string) string {
	if a, err := netip.ParseAddrPort(client); err == nil {
		return a.Addr().String()
	}
	if a, err := netip.ParseAddr(strings.Trim(client, "[]")); err == nil {
		return a.String()
	}
	return client
}

func firstValue(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// only reports whether s has nothing but letters, digits and the given others.
func only(s, others string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}

// ownPath is the escaped path of r without its leading slash, as the client wrote
// it: what it left unescaped is, so that the path is part of the request line.
func ownPath(u *url.URL) string {
	own := u.RawPath
	if plain, err := url.PathUnescape(own); own == "" || err != nil || plain != u.Path {
		own = u.EscapedPath()
	}
	return strings.TrimPrefix(own, "/")
}
