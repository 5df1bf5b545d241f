package openjpeg

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckHT(t *testing.T) {
	// A cleanup segment ends with Scup: its high eight bits, after a byte whose
	// low four are the rest.
	long := make([]byte, 5000)
	long[4998], long[4999] = 0x00, 0xff // Scup is 4080
	for _, c := range []struct {
		name    string
		cleanup []byte
		err     error
	}{
		{"empty", nil, errScup},
		{"one byte", []byte{0}, errScup},
		{"Scup 0", []byte{1, 2, 0x00, 0x00}, errScup},
		{"Scup 1", []byte{1, 2, 0x01, 0x00}, errScup},
		{"Scup 2", []byte{1, 2, 0x02, 0x00}, nil},
		{"Scup is Lcup", []byte{1, 2, 0x04, 0x00}, nil},
		{"Scup beyond Lcup", []byte{1, 2, 0x05, 0x00}, errScup},
		{"Scup too large", long, errScup},
		{"stuffed", []byte{9, 0xff, 0x8f, 1, 2, 3, 0x07, 0x00}, nil},
		{"not stuffed at once", []byte{9, 0xff, 0x90, 1, 2, 3, 0x07, 0x00}, errMEL},
		{"not stuffed at the fourth byte", []byte{9, 1, 1, 1, 0xff, 0x90, 3, 0x08, 0x00}, nil},
		{"not stuffed at the third byte", []byte{9, 1, 0xff, 0x90, 3, 3, 0x07, 0x00}, errMEL},
		{"not stuffed in MagSgn", []byte{0xff, 0xff, 1, 1, 1, 1, 0x05, 0x00}, nil},
		{"ones up to Scup", []byte{0xff, 0x8f, 0xf3, 0x00}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.ErrorIs(t, CheckHT(c.cleanup), c.err)
		})
	}
}

func FuzzCheckHT(f *testing.F) {
	f.Add([]byte{1, 2, 0x02, 0x00})
	f.Add([]byte{9, 0xff, 0x90, 1, 2, 3, 0x07, 0x00})
	f.Fuzz(func(t *testing.T, cleanup []byte) {
		before := bytes.Clone(cleanup)
		err := CheckHT(cleanup)
		require.Equal(t, before, cleanup)
		// Bytes that are stuffed throughout pass if Scup does.
		if err == errMEL {
			found := false
			for i := 1; i < len(cleanup); i++ {
				found = found || cleanup[i-1]|0x0f == 0xff && cleanup[i] > 0x8f
			}
			require.True(t, found)
		}
	})
}
