package codestream

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stria-j2k/stria/internal/grid"
)

// randomTile is a small tile with components of different sub-sampling, levels
// and precincts, and a random order of packets.
func randomTile(rng *rand.Rand) (*tileGeometry, *TileCoding) {
	x0, y0 := int64(rng.IntN(40)), int64(rng.IntN(40))
	box := grid.New(x0, y0, x0+1+int64(rng.IntN(60)), y0+1+int64(rng.IntN(60)))
	t := &TileCoding{Coding: Coding{Progression: Progression(rng.IntN(5)), Layers: 1 + rng.IntN(3)}}
	var sub []image.Point
	for range 1 + rng.IntN(3) {
		sub = append(sub, image.Pt(1+rng.IntN(3), 1+rng.IntN(3)))
		c := ComponentCoding{Levels: rng.IntN(4), XCB: 2 + rng.IntN(3), YCB: 2 + rng.IntN(3)}
		for r := range c.Levels + 1 {
			low := min(r, 1)
			c.Precincts = append(c.Precincts, Precinct{uint8(low + rng.IntN(6)), uint8(low + rng.IntN(6))})
		}
		t.Components = append(t.Components, c)
	}
	if rng.IntN(3) == 0 {
		for range 1 + rng.IntN(4) {
			p := ProgressionChange{
				Progression:     Progression(rng.IntN(5)),
				ResolutionStart: rng.IntN(2), ComponentStart: rng.IntN(2),
				LayerEnd: 1 + rng.IntN(4),
			}
			p.ResolutionEnd = p.ResolutionStart + 1 + rng.IntN(5)
			p.ComponentEnd = p.ComponentStart + 1 + rng.IntN(4)
			t.Progressions = append(t.Progressions, p)
		}
	}
	return newTileGeometry(box, sub, t.Components), t
}

// literalPackets is B.12 word for word: every layer, resolution, component and
// position of the reference grid is tried.
func literalPackets(g *tileGeometry, t *TileCoding) []packetID {
	var out []packetID
	sent := map[packetID]bool{}
	put := func(id packetID) {
		if !sent[id] {
			sent[id] = true
			out = append(out, id)
		}
	}
	steps := t.Progressions
	if steps == nil {
		steps = []ProgressionChange{{Progression: t.Progression, ResolutionEnd: 99, ComponentEnd: 99, LayerEnd: t.Layers}}
	}
	for _, s := range steps {
		layers := min(s.LayerEnd, t.Layers)
		components := func(f func(c int)) {
			for c := s.ComponentStart; c < min(s.ComponentEnd, len(g.components)); c++ {
				f(c)
			}
		}
		resolutions := func(f func(r int)) {
			for r := s.ResolutionStart; r < min(s.ResolutionEnd, g.maxLevels+1); r++ {
				f(r)
			}
		}
		each := func(layer, r, c int) {
			if r <= g.components[c].levels {
				res := g.components[c].resolution(r)
				for p := range res.precincts() {
					put(packetID{c, r, p, layer})
				}
			}
		}
		positions := func(f func(x, y int64)) {
			for y := g.box.Y0; y < g.box.Y1; y++ {
				for x := g.box.X0; x < g.box.X1; x++ {
					f(x, y)
				}
			}
		}
		at := func(x, y int64, r, c int) {
			k := &g.components[c]
			if r > k.levels {
				return
			}
			res := k.resolution(r)
			if res.box.Empty() {
				return
			}
			d := k.levels - r
			begins := func(v, first, sub, rfirst int64, pp uint8) bool {
				return v%(sub<<(int(pp)+d)) == 0 || v == first && (rfirst<<d)%(1<<(int(pp)+d)) != 0
			}
			if !begins(y, g.box.Y0, k.sy, res.box.Y0, res.ppy) || !begins(x, g.box.X0, k.sx, res.box.X0, res.ppx) {
				return
			}
			// Which one it is, as all decoders compute it.
			px := grid.CeilDiv(grid.CeilDiv(x, k.sx), 1<<d)>>res.ppx - res.px0
			py := grid.CeilDiv(grid.CeilDiv(y, k.sy), 1<<d)>>res.ppy - res.py0
			for layer := range layers {
				put(packetID{c, r, py*res.wide + px, layer})
			}
		}
		switch s.Progression {
		case LRCP:
			for layer := range layers {
				resolutions(func(r int) { components(func(c int) { each(layer, r, c) }) })
			}
		case RLCP:
			resolutions(func(r int) {
				for layer := range layers {
					components(func(c int) { each(layer, r, c) })
				}
			})
		case RPCL:
			resolutions(func(r int) {
				positions(func(x, y int64) { components(func(c int) { at(x, y, r, c) }) })
			})
		case PCRL:
			positions(func(x, y int64) {
				components(func(c int) { resolutions(func(r int) { at(x, y, r, c) }) })
			})
		case CPRL:
			components(func(c int) {
				positions(func(x, y int64) { resolutions(func(r int) { at(x, y, r, c) }) })
			})
		}
	}
	return out
}

// allPackets goes through a progression.
func allPackets(o *progressionOrder) []packetID {
	var out []packetID
	for p := o.packets(); ; {
		id, ok := p.next()
		if !ok {
			return out
		}
		out = append(out, id)
	}
}

func TestProgressionsAgreeWithTheStandard(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 400 {
		g, coding := randomTile(rng)
		o, ok := newProgressionOrder(g, coding)
		require.True(t, ok)
		got := allPackets(o)
		require.Equal(t, literalPackets(g, coding), got)
		for range 50 {
			if len(got) == 0 {
				break
			}
			i, k := rng.IntN(len(got)), rng.IntN(len(got))
			c := o.compare(got[i], got[k])
			require.True(t, c < 0 == (i < k) && c > 0 == (i > k), "%v %v", got[i], got[k])
		}
	}
}

func TestProgressionsOfHugeTilesAreLazy(t *testing.T) {
	const size = 1<<31 - 1
	for order := LRCP; order <= CPRL; order++ {
		c := ComponentCoding{Levels: 32, XCB: 2, YCB: 2}
		for r := range 33 {
			c.Precincts = append(c.Precincts, Precinct{uint8(min(r, 1)), uint8(min(r, 1))})
		}
		coding := &TileCoding{Coding: Coding{Progression: order, Layers: 65535}, Components: []ComponentCoding{c, c}}
		g := newTileGeometry(grid.New(1, 1, size, size), []image.Point{{1, 1}, {255, 254}}, coding.Components)
		o, ok := newProgressionOrder(g, coding)
		require.True(t, ok)
		p := o.packets()
		last, ok := p.next()
		require.True(t, ok)
		for range 1000 {
			id, ok := p.next()
			require.True(t, ok)
			require.Negative(t, o.compare(last, id))
			last = id
		}
	}
}

func FuzzProgression(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Add(uint64(3), uint64(4))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		g, coding := randomTile(rand.New(rand.NewPCG(a, b)))
		o, ok := newProgressionOrder(g, coding)
		require.True(t, ok)
		require.Equal(t, literalPackets(g, coding), allPackets(o))
	})
}

// TestBlocksTileTheirBands holds the geometry against what defines it: each
// coefficient of a sub-band is in exactly one block of one precinct.
func TestBlocksTileTheirBands(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range 200 {
		g, _ := randomTile(rng)
		for i := range g.components {
			c := &g.components[i]
			for r := range c.levels + 1 {
				res := c.resolution(r)
				seen := map[[3]int64]int{}
				for p := range res.precincts() {
					pr := res.precinct(p)
					n := int64(0)
					for b := range pr.bands {
						k := &pr.grid[b]
						require.Equal(t, n, k.first)
						n += k.w * k.h
						for j := range k.w * k.h {
							bx, by := k.X0+j%k.w, k.Y0+j/k.w
							require.Equal(t, p, res.precinctOf(bx, by))
							area := k.block(bx, by)
							require.False(t, area.Empty())
							for y := area.Y0; y < area.Y1; y++ {
								for x := area.X0; x < area.X1; x++ {
									seen[[3]int64{int64(b), x, y}]++
								}
							}
						}
					}
					require.Equal(t, n, pr.blocks)
				}
				total := 0
				for b := range res.bands {
					box := res.band[b].box
					for y := box.Y0; y < box.Y1; y++ {
						for x := box.X0; x < box.X1; x++ {
							require.Equal(t, 1, seen[[3]int64{int64(b), x, y}])
							total++
							// The coefficient is one of the component's samples: at
							// 2n or 2n+1 of the level's, which is in the resolution.
							if r > 0 {
								o := res.band[b].orient
								u, v := 2*x+int64(o&1), 2*y+int64(o>>1)
								require.True(t, u >= res.box.X0 && u < res.box.X1 && v >= res.box.Y0 && v < res.box.Y1)
							}
						}
					}
				}
				require.Len(t, seen, total)
			}
		}
	}
}
