package jp2

import (
	"encoding/binary"
	"fmt"
)

// A Channel is one entry of the channel definition box (I.5.3.6): what a
// channel is for.
type Channel struct {
	Index int         // Cn, the channel
	Type  ChannelType // Typ
	Assoc int         // Asoc: a colour from 1, WholeImage or NoColor
}

// ChannelType is what the samples of a channel are.
type ChannelType uint16

// The channel types (Table I.16).
const (
	ColorChannel  ChannelType = 0
	Opacity       ChannelType = 1
	Premultiplied ChannelType = 2 // opacity that the colours have been multiplied with
	Unspecified   ChannelType = 65535
)

// What a channel can be associated with besides a colour (Table I.17).
const (
	WholeImage = 0
	NoColor    = 65535
)

func (t ChannelType) String() string {
	switch t {
	case ColorChannel:
		return "colour"
	case Opacity:
		return "opacity"
	case Premultiplied:
		return "premultiplied opacity"
	case Unspecified:
		return "unspecified"
	}
	return fmt.Sprintf("type %d", uint16(t))
}

const maxCdefLen = 2 + 6*maxChannels

// parseCdef parses the contents of the box at off. Whether the entries point to
// something is for soundChannels.
func parseCdef(p []byte, off int64) ([]Channel, error) {
	if len(p) < 2 {
		return nil, formatError(off, typeCdef, "%d bytes, needs 2", len(p))
	}
	n := int(binary.BigEndian.Uint16(p))
	p = p[2:]
	if n == 0 || len(p) < 6*n {
		return nil, formatError(off, typeCdef, "%d channels in %d bytes", n, len(p))
	}
	cs := make([]Channel, n)
	for i := range cs {
		e := p[6*i:]
		cs[i] = Channel{
			Index: int(binary.BigEndian.Uint16(e)),
			Type:  ChannelType(binary.BigEndian.Uint16(e[2:])),
			Assoc: int(binary.BigEndian.Uint16(e[4:])),
		}
	}
	return cs, nil
}

func appendCdef(dst []byte, cs []Channel) []byte {
	return appendBox(dst, typeCdef, func(dst []byte) []byte {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(cs)))
		for _, c := range cs {
			dst = binary.BigEndian.AppendUint16(dst, uint16(c.Index))
			dst = binary.BigEndian.AppendUint16(dst, uint16(c.Type))
			dst = binary.BigEndian.AppendUint16(dst, uint16(c.Assoc))
		}
		return dst
	})
}

// soundChannels is the definitions of channels and colours that there are, nil if
// there are none. The second result is a warning about the first that is passed over.
func soundChannels(cs []Channel, channels int) (sound []Channel, warning string) {
	for _, c := range cs {
		note := ""
		switch {
		case c.Index >= channels:
			note = fmt.Sprintf("the definition of channel %d is passed over, there are %d", c.Index, channels)
		case c.Assoc != WholeImage && c.Assoc != NoColor && c.Assoc > channels:
			note = fmt.Sprintf("the definition of channel %d as colour %d is passed over, there are %d channels",
				c.Index, c.Assoc, channels)
		default:
			sound = append(sound, c)
		}
		if warning == "" {
			warning = note
		}
	}
	return sound, warning
}
