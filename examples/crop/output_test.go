package main

import (
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A service manager stops programs with SIGTERM, a terminal that closes with
// SIGHUP.
func TestSignalsEndARun(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(s) {
			continue
		}
		ctx, stop := interruptible(t.Context())
		self, err := os.FindProcess(os.Getpid())
		require.NoError(t, err)
		if err := self.Signal(s); err != nil {
			t.Skipf("no signals to oneself here: %v", err)
		}
		<-ctx.Done()
		stop()
		require.NoError(t, t.Context().Err())
	}
}
