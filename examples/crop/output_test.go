package main

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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

// What is there under the output's name stays what it is: a file gets other
// contents, a link still leads to it, and a pipe is written to.
func TestOutputStaysWhatItIs(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.pgm"), filepath.Join(dir, "link.pgm")
	require.NoError(t, os.WriteFile(real, []byte("old"), 0o600))
	if err := os.Symlink("real.pgm", link); err != nil {
		t.Skipf("no links here: %v", err)
	}
	code, _, stderr := crop(t, "-size", "40,0", "-gray", "-o", link, sample)
	require.Zero(t, code, "%s", stderr)
	to, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, "real.pgm", to)
	want, err := os.ReadFile(real)
	require.NoError(t, err)
	require.Equal(t, "P5\n40 30\n", string(want[:9]))

	pipe := filepath.Join(dir, "pipe.pgm")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Skipf("no pipes with names here: %v", err)
	}
	got := make(chan []byte)
	go func() {
		defer close(got)
		if f, err := os.Open(pipe); err == nil {
			data, _ := io.ReadAll(f)
			f.Close()
			got <- data
		}
	}()
	code, _, stderr = crop(t, "-size", "40,0", "-gray", "-o", pipe, sample)
	require.Zero(t, code, "%s", stderr)
	info, err := os.Lstat(pipe)
	require.NoError(t, err)
	require.Equal(t, os.ModeNamedPipe, info.Mode().Type())
	require.Equal(t, want, <-got)
	require.Equal(t, []string{"link.pgm", "pipe.pgm", "real.pgm"}, files(t, dir))
}
