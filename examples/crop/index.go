package main

import (
	"fmt"
	"os"

	"github.com/stria-j2k/stria/codestream"
	"github.com/stria-j2k/stria/jp2"
)

// useIndex gives an image the index that inspect -index has kept for it, so that
// nothing has to be read to find its code-blocks.
func useIndex(f *jp2.File, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	x, err := codestream.OpenSidecar(f.Source(), f.Header, data, "")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.SetIndex(x)
}
