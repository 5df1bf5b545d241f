package jp2

import "fmt"

// A Layout says which channel is what: palette, component mapping, channel
// definitions and colour specification taken together.
type Layout struct {
	Channels []Mapping // where each channel's samples come from
	Colors   []int     // the channel of each colour of File.Color, in its order
	Alpha    int       // the channel of the whole image's opacity; -1 for none

	// Premultiplied says that the colours have been multiplied with the opacity.
	Premultiplied bool
}

// identity maps every component to a channel.
func identity(components int) []Mapping {
	ms := make([]Mapping, components)
	for i := range ms {
		ms[i] = Mapping{Component: i, Column: Direct}
	}
	return ms
}

// colorChannels is how many channels can be colours.
func colorChannels(channels int, defs []Channel) int {
	opacity := make(map[int]bool) // a channel may be defined more than once
	for _, d := range defs {
		if d.Type == Opacity || d.Type == Premultiplied {
			opacity[d.Index] = true
		}
	}
	return channels - len(opacity)
}

// colorTyped is how many channels are there to be colours: all that nothing is said
// of when there are no definitions.
func colorTyped(channels int, defs []Channel) int {
	if defs == nil {
		return channels
	}
	typed := make(map[int]bool)
	for _, d := range defs {
		if d.Type == ColorChannel {
			typed[d.Index] = true
		}
	}
	return len(typed)
}

// fromPalette is how many channels are columns of the palette.
func fromPalette(channels []Mapping) int {
	n := 0
	for _, m := range channels {
		if m.Column != Direct {
			n++
		}
	}
	return n
}

// newLayout finds the channels of an image with so many colours, 0 when that is
// not known. defs is nil when nothing defines the channels; bare says that there
// are no boxes to do so. The second result is a warning.
func newLayout(channels []Mapping, defs []Channel, c *Color, bare bool) (Layout, string) {
	l := Layout{Channels: channels, Alpha: -1}
	n := c.Channels()
	if defs == nil {
		if n == 0 {
			n = len(channels)
		}
		for i := range min(n, len(channels)) {
			l.Colors = append(l.Colors, i)
		}
		// Without any boxes a second or fourth channel is opacity: encoders of
		// such images have no other way to say it.
		if bare && (len(channels) == 2 || len(channels) == 4) && n == len(channels)-1 {
			l.Alpha = n
			return l, fmt.Sprintf("nothing says what component %d is, it is taken for opacity", n)
		}
		return l, ""
	}

	warning := ""
	role := make([]ChannelType, len(channels))
	for i := range role {
		role[i] = Unspecified
	}
	if n == 0 {
		n = colorChannels(len(channels), defs)
	}
	byColor := make([]int, n)
	for i := range byColor {
		byColor[i] = -1
	}
	for _, d := range defs {
		role[d.Index] = d.Type
		switch {
		case d.Type == ColorChannel && d.Assoc >= 1 && d.Assoc <= n:
			if byColor[d.Assoc-1] < 0 {
				byColor[d.Assoc-1] = d.Index
			} else {
				warning = "two channels are the same colour"
			}
		case d.Type == Opacity || d.Type == Premultiplied:
			// The opacity of the only colour is that of the image.
			if d.Assoc != WholeImage && !(n == 1 && d.Assoc == 1) {
				warning = "opacity of a single colour is ignored"
			} else if l.Alpha < 0 {
				l.Alpha, l.Premultiplied = d.Index, d.Type == Premultiplied
			}
		}
	}
	for _, ch := range byColor {
		if ch < 0 {
			// Grey is often defined as the colour of the whole image, which is
			// what this makes right. Otherwise channels that are not opacity are
			// colours in their order.
			if n > 1 {
				warning = "not every colour has a channel, they are taken in order"
			}
			byColor = byColor[:0]
			for i, t := range role {
				if t != Opacity && t != Premultiplied && len(byColor) < n {
					byColor = append(byColor, i)
				}
			}
			break
		}
	}
	if len(byColor) == 0 {
		warning = "every channel is opacity, they are taken as colours"
		l.Alpha, l.Premultiplied = -1, false
		for i := range min(max(n, 1), len(channels)) {
			byColor = append(byColor, i)
		}
	}
	l.Colors = byColor
	return l, warning
}
