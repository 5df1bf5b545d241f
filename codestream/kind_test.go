package codestream_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/codestream"
)

// requireKind holds an error about data to what callers are promised: none, a
// format error with an offset, or unsupported.
func requireKind(t testing.TB, err error) {
	t.Helper()
	if err == nil || errors.Is(err, errors.ErrUnsupported) {
		return
	}
	require.ErrorIs(t, err, codestream.ErrFormat)
	var format *codestream.FormatError
	require.ErrorAs(t, err, &format)
	require.GreaterOrEqual(t, format.Offset, int64(0))
	require.NotEmpty(t, format.Where)
	require.Error(t, format.Err)
}
