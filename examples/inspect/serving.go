// This file judges what makes an image fast or slow to serve in pieces.

package main

import "fmt"

// A Verdict is one property of the file that matters when parts of it are
// served, and why.
type Verdict struct {
	Good bool   `json:"good"`
	What string `json:"what"`
	Why  string `json:"why"`
}

// judge lists the verdicts, most important first.
func judge(r *Report) []Verdict {
	var list []Verdict
	good := func(what, why string) { list = append(list, Verdict{true, what, why}) }
	bad := func(what, why string) { list = append(list, Verdict{false, what, why}) }

	c := &r.Codestream
	first := r.Components[0]
	pixels := r.Width * r.Height
	const mega = 1 << 20

	// How far a request has to go to find its bytes.
	switch {
	case c.Tiles == 1 && pixels > 4*mega:
		bad(fmt.Sprintf("one tile of %d megapixels", pixels/1e6),
			"nothing in the codestream but its packets says where an area is")
	case c.Tiles == 1:
		good("one tile", "the image is small enough to be one")
	case c.Tile.Width*c.Tile.Height < 256*256:
		bad(fmt.Sprintf("%d tiles of %v", c.Tiles, c.Tile),
			"a small view of the whole touches every one of them")
	case c.Tile.Width*c.Tile.Height > 16*mega:
		bad(fmt.Sprintf("tiles of %v", c.Tile), "an area costs little more than it needs only with precincts and PLT")
	default:
		good(fmt.Sprintf("tiles of %v", c.Tile), "an area is in few of them")
	}
	if c.TileParts > 1 {
		if c.has("TLM") {
			good("TLM", fmt.Sprintf("where the %d tile-parts are is known after one read", c.TileParts))
		} else if c.TileParts > 16 {
			bad("no TLM", fmt.Sprintf("finding the last of %d tile-parts takes a read for each", c.TileParts))
		}
	}
	if c.has("PLT") || c.has("PLM") {
		good("PLT or PLM", "packets are found without reading those before them")
	} else if c.Tile.Width*c.Tile.Height > 4*mega && pixels > 4*mega {
		bad("no PLT", "the first request for a tile reads packet headers from its start")
	}
	if c.Interleaved {
		bad("interleaved tile-parts", "the bytes of a tile are in several places")
	}
	if c.has("PPM") {
		bad("PPM", "packet headers of all tiles are in the main header and are read for any of them")
	}

	// How much more than the area is in the packets that hold it.
	top := first.Precincts[len(first.Precincts)-1]
	area := min(c.Tile.Width*c.Tile.Height, pixels)
	switch {
	case top.Width < 64 || top.Height < 64:
		bad(fmt.Sprintf("precincts of %v", top), "packets are so small that their headers weigh")
	case top.Width <= 1024 && top.Height <= 1024:
		good(fmt.Sprintf("precincts of %v", top), "an area is in few packets of a size like its own")
	case area > 4*mega:
		bad("no precincts", "each resolution is one packet a layer, as large as the tile")
	}
	switch c.Progression {
	case "RPCL", "PCRL":
		good(c.Progression, "bytes of one area and resolution follow each other")
	default:
		if area > 4*mega {
			bad(c.Progression, "bytes of one area are spread over the tile; RPCL keeps them together")
		}
	}
	if c.Layers > 1 {
		why := "a rough picture can be had from the first of them"
		if c.Layers > 12 {
			bad(fmt.Sprintf("%d layers", c.Layers), why+", but each costs a packet header everywhere")
		} else {
			good(fmt.Sprintf("%d layers", c.Layers), why)
		}
	}

	// What the index found out.
	if f := r.FirstCost; f != nil && c.Bytes > mega && (f.Bytes > 512<<10 || f.Reads > 40) {
		bad(fmt.Sprintf("the first tile takes %s bytes in %s to find", thousands(f.Bytes), plural(int(f.Reads), "read")),
			"TLM and PLT, or an index that is kept, save them")
	}
	if n := len(r.Costs); n > 0 && r.Costs[n-1].Tiles > 16 {
		bad(fmt.Sprintf("the smallest view touches %d tiles", r.Costs[n-1].Tiles), "fewer and larger tiles would keep it together")
	}

	// How small the image gets without decoding more.
	small := r.Resolutions[len(r.Resolutions)-1]
	if max(small.Width, small.Height) > 512 {
		bad(fmt.Sprintf("the smallest resolution is %v", small), "a thumbnail is decoded at that size and shrunk")
	} else if len(r.Resolutions) > 1 {
		good(fmt.Sprintf("%d resolutions down to %v", len(r.Resolutions), small), "small views decode little")
	}

	// What a sample costs.
	switch {
	case pixels < 256*256:
		// Headers outweigh the picture.
	case first.Transform == "5/3" && c.BitsPerPixel > 6:
		bad(fmt.Sprintf("%.1f bits a pixel, reversible", c.BitsPerPixel),
			"decoding time follows the bits; a visually lossless copy has a fifth of them")
	default:
		good(fmt.Sprintf("%.2g bits a pixel", c.BitsPerPixel), "decoding time follows the bits")
	}
	if first.CodeBlock.Width*first.CodeBlock.Height < 32*32 {
		bad(fmt.Sprintf("code-blocks of %v", first.CodeBlock), "each has a cost of its own, and there are many")
	}
	if r.Damage != "" {
		bad("damage", r.Damage)
	}
	return list
}
