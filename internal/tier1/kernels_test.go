package tier1

import "github.com/stria-j2k/stria/internal/codeblock"

// A kernel decodes a block that begin has made room for.
type kernel func(d *Decoder, dst []int32, b *codeblock.Block) error

// kernels are those that this build has, by name.
func kernels() map[string]kernel {
	list := map[string]kernel{"Go": (*Decoder).decodeGo}
	list[built] = (*Decoder).decode
	return list
}

// decode decodes a block as Decode does, with a kernel of choice.
func (k kernel) decode(d *Decoder, dst []int32, b *codeblock.Block) error {
	if err := b.Check(dst); err != nil {
		return err
	}
	dst = dst[:b.Width*b.Height]
	if !d.begin(b) {
		clear(dst)
		return nil
	}
	return k(d, dst, b)
}
