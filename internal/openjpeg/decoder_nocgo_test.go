//go:build !cgo

package openjpeg

import (
	"errors"
	"image"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithoutCgo(t *testing.T) {
	d, err := Open([]byte{0xff, 0x4f}, 1)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorContains(t, err, "cgo")
	require.Nil(t, d)
	require.ErrorIs(t, new(Decoder).Decode(image.Rect(0, 0, 1, 1), nil), errors.ErrUnsupported)
	require.Zero(t, Live())
}
