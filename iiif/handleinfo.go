// This file implements how a Handler answers requests for info.json.

package iiif

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// serveInfo answers a request for the image information document.
func (h *Handler) serveInfo(a *answer, r *http.Request, segment string) {
	id, err := ParseID(segment)
	if err != nil {
		h.fail(a, 0, err)
		return
	}
	access, k, release, err := h.admit(a, r, id)
	status := http.StatusOK
	var denied *deniedError
	if errors.As(err, &denied) && denied.refuses() && len(access.Services) > 0 {
		// Clients find in the document where to log in.
		status = cmp.Or(access.InfoStatus, status)
		access.Private = true
		k, release, err = h.open(a, r, id)
	}
	if err != nil {
		h.fail(a, 0, err)
		return
	}
	defer release()
	info := NewInfo(k.image.File, h.Version, h.base(r, ownPath(r.URL))+EscapeID(id), access.within(k.facts.limits(h, k.image.File)))
	info.Formats = slices.Clone(h.extensions)
	info.Services = append(info.Services, access.Services...)
	info.Contexts = append(info.Contexts, access.Contexts...)
	if h.Describe != nil {
		h.Describe(r, id, info)
	}
	body, err := json.Marshal(info)
	if err != nil {
		h.fail(a, http.StatusInternalServerError, fmt.Errorf("iiif: info.json: %w", err))
		return
	}
	header := a.Header()
	header.Set("Content-Type", infoType(h.Version, r.Header.Values("Accept")))
	header.Add("Vary", "Accept")
	header.Set("ETag", `W/"`+NewKey("info", string(body)).String()[:32]+`"`)
	h.validity(header, k.image.Stamp, access)
	link := "<" + h.Version.profile(level(h.extensions)) + `>;rel="profile"`
	if h.Version == V2 && strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		// 2.1, 5.1, by way of JSON-LD 1.0, 6.8.
		link = "<" + V2.context() + `>;rel="http://www.w3.org/ns/json-ld#context";type="application/ld+json", ` + link
	}
	header.Set("Link", link)
	if status != http.StatusOK {
		a.err = denied
		h.refuse(a, status)
	} else if unchanged(r, header) {
		// RFC 9110, 15.4.5: as if it was sent.
		header.Add("Vary", "Accept-Encoding")
		header.Del("Content-Type")
		a.WriteHeader(http.StatusNotModified)
		return
	}
	// HEAD is answered as GET is, up to what is not sent: the headers depend on
	// what compression makes of the body.
	r = r.WithContext(context.WithValue(r.Context(), infoBody{}, &infoAnswer{status, body}))
	r.Method = http.MethodGet
	h.info.ServeHTTP(a, r)
}

// infoBody is the key of the context's *infoAnswer: the compressing wrapper is
// made once, and what it is to write comes with the request.
type infoBody struct{}

type infoAnswer struct {
	status int
	body   []byte
}

func (h *Handler) writeInfo(w http.ResponseWriter, r *http.Request) {
	answer := r.Context().Value(infoBody{}).(*infoAnswer)
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // the client may have left
}

// infoType is the media type of the document for a client that accepts what the
// given headers say (5.1; 2.1, 5.1).
func infoType(v Version, accept []string) string {
	const linked, plain = "application/ld+json", "application/json"
	wantLinked, named := accepted(accept, linked)
	wantPlain, _ := accepted(accept, plain)
	if v == V2 {
		// Only a client that names it gets it.
		if named && wantLinked > 0 && wantLinked >= wantPlain {
			return linked
		}
		return plain
	}
	// A browser names neither, and shows the one where it would save the other.
	_, browser := accepted(accept, "text/html")
	if wantPlain > wantLinked || browser && wantPlain == wantLinked {
		return plain
	}
	return linked + `;profile="` + v.context() + `"`
}
