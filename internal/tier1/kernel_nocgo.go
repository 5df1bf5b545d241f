//go:build !cgo

package tier1

import "github.com/stria-j2k/stria/internal/codeblock"

func (d *Decoder) decode(dst []int32, b *codeblock.Block) error { return d.decodeGo(dst, b) }
