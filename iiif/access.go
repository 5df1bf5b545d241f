package iiif

import (
	"errors"
	"io/fs"
	"net/http"
)

// ErrUnauthorized is what [Handler.Authorize] returns for a client that must
// authenticate first.
var ErrUnauthorized = errors.New("iiif: not authorized")

// An Access is what a client may have of an image. The zero value is
// everything.
//
// A view that is degraded has Limits: the largest size is theirs, and so is what
// the image information document states, together with the Services by which more
// may be had. Requests for more are answered with Status.
//
// In the IIIF Authorization Flow 2.0 each tier has an identifier of its own: that
// of the whole image is refused to those who are not let in, with Services whose
// probe service names the other one as the substitute; and that one has Limits,
// whoever asks. Limits that depend on who asks do as well, but a viewer then has
// to ask for the document anew when its user has logged in.
type Access struct {
	// Limits bound what this client gets, in addition to the handler's; zero
	// fields do not bind.
	Limits Limits

	// Status answers requests that are beyond Limits but within the
	// handler's; zero: 401, Unauthorized.
	Status int

	// Challenge is the WWW-Authenticate header of answers with the status 401;
	// empty: one of the scheme Bearer, at which browsers do not ask for a
	// password.
	Challenge string

	// Services and Contexts are added to the image information document:
	// the authorisation services and the context that describes them. They
	// are the same whoever asks, for clients read the document before anybody
	// has logged in.
	Services []any
	Contexts []string

	// InfoStatus answers requests for the image information document when the
	// image itself is refused and there are Services. Zero: 200, OK, for what
	// is refused is the image: the document has the probe service by which
	// clients of the Authorization Flow 2.0 find that out. Those of version
	// 1.0 want the refusal's status here, 401 for instance. Either way the
	// document is the answer's body.
	InfoStatus int

	// Private says that answers are for this client alone, so that shared
	// caches do not keep them. Answers under Limits, and documents of images
	// that are refused, always are.
	Private bool
}

// defaultChallenge is for those who are not identified by a password.
const defaultChallenge = `Bearer realm="images"`

// limited reports whether a has limits.
func (a Access) limited() bool { return a.Limits != Limits{} }

// private reports whether shared caches must not keep answers.
func (a Access) private() bool { return a.Private || a.limited() }

// within is l bounded further by a. Zero limits of a do not bind, unlike those
// of a handler, which stand for defaults.
func (a Access) within(l Limits) Limits {
	m := a.Limits
	if m.MaxHeight == 0 {
		m.MaxHeight = m.MaxWidth
	}
	unbound := func(n int) int {
		if n == 0 {
			return -1
		}
		return n
	}
	m.MaxWidth, m.MaxHeight = unbound(m.MaxWidth), unbound(m.MaxHeight)
	if m.MaxArea == 0 {
		m.MaxArea = -1
	}
	return l.Tighter(m)
}

// denial is the status of an answer to a client that Authorize refused with err.
func denial(err error) int {
	switch {
	case errors.Is(err, ErrUnauthorized):
		return http.StatusUnauthorized
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// A deniedError is a refusal by Authorize.
type deniedError struct{ err error }

func (e *deniedError) Error() string { return e.err.Error() }
func (e *deniedError) Unwrap() error { return e.err }

// refuses reports whether there is an image, but not for this client.
func (e *deniedError) refuses() bool {
	status := denial(e.err)
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}
