package ht

import (
	"errors"
	"fmt"

	"github.com/stria-j2k/stria/internal/codeblock"
)

type Decoder struct{}

func (d *Decoder) Decode(dst []int32, b *codeblock.Block) error {
	return fmt.Errorf("High-Throughput blocks: %w", errors.ErrUnsupported)
}
