package iiif_test

import (
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Nothing may run on when all tests have ended.
func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}
