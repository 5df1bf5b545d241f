// This file implements what the index knows by precinct: where it keeps things.

package codestream

import "github.com/stria-j2k/stria/internal/grid"

// A directory is a number for each precinct of a tile, 0 unless set: by
// component, resolution and precinct. It takes memory for those that are set,
// and a little around them.
type directory [][]precinctDir

// A precinctDir is the numbers of a resolution's precincts.
type precinctDir struct {
	only uint32         // of a resolution with one precinct
	many *precinctPages // of others; nil until one is set
}

// A precinctPages is the numbers of several precincts: few, or in pages.
type precinctPages struct {
	few   []uint32
	pages map[int64]*[dirPage]uint32

	recent *[dirPage]uint32 // the page that was set last
	number int64
}

const dirPage = 64

// of gives the part of a resolution, or nil if nothing is set in it.
func (d directory) of(component, resolution int) *precinctDir {
	if component >= len(d) || resolution >= len(d[component]) {
		return nil
	}
	return &d[component][resolution]
}

// get gives the number of a precinct.
func (d directory) get(component, resolution int, p int64) uint32 {
	r := d.of(component, resolution)
	if r == nil {
		return 0
	}
	return r.get(p)
}

func (d *precinctDir) get(p int64) uint32 {
	if d.many != nil {
		return d.many.get(p)
	}
	if p == 0 {
		return d.only
	}
	return 0
}

func (r *precinctPages) get(p int64) uint32 {
	if p < int64(len(r.few)) {
		return r.few[p]
	}
	if page := r.pages[p/dirPage]; page != nil {
		return page[p%dirPage]
	}
	return 0
}

// set changes what get gives for a precinct that exists.
func (d *directory) set(g *tileGeometry, component, resolution int, p int64, v uint32) {
	if *d == nil {
		*d = make(directory, len(g.components))
	}
	c := &g.components[component]
	if (*d)[component] == nil {
		(*d)[component] = make([]precinctDir, c.levels+1)
	}
	dir := &(*d)[component][resolution]
	if dir.many == nil {
		n := grid.MulSat(c.precincts(resolution))
		switch {
		case n == 1:
			dir.only = v
			return
		case n <= dirPage:
			dir.many = &precinctPages{few: make([]uint32, n)}
		default:
			dir.many = &precinctPages{pages: make(map[int64]*[dirPage]uint32)}
		}
	}
	r := dir.many
	if r.few != nil {
		r.few[p] = v
		return
	}
	if r.recent == nil || r.number != p/dirPage {
		page := r.pages[p/dirPage]
		if page == nil {
			page = new([dirPage]uint32)
			r.pages[p/dirPage] = page
		}
		r.recent, r.number = page, p/dirPage
	}
	r.recent[p%dirPage] = v
}

// each calls f for the precincts in a rectangle, by column and row from 0, of
// which something is set. It takes no longer than either going through the
// rectangle or through all that is set. An error ends it.
func (d *precinctDir) each(wide int64, in grid.Rect, f func(p int64, v uint32) error) error {
	if d == nil || in.Empty() {
		return nil
	}
	r := d.many
	if r == nil {
		if d.only == 0 || in.X0 > 0 || in.Y0 > 0 {
			return nil
		}
		return f(0, d.only)
	}
	if r.few != nil || grid.MulSat(in.X1-in.X0, in.Y1-in.Y0) <= dirPage*int64(len(r.pages)) {
		for y := in.Y0; y < in.Y1; y++ {
			for p := y*wide + in.X0; p < y*wide+in.X1; p++ {
				if v := r.get(p); v != 0 {
					if err := f(p, v); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	for k, page := range r.pages {
		for i, v := range page {
			p := k*dirPage + int64(i)
			x, y := p%wide, p/wide
			if v != 0 && x >= in.X0 && x < in.X1 && y >= in.Y0 && y < in.Y1 {
				if err := f(p, v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// all calls f for all precincts of which something is set.
func (d *precinctDir) all(f func(p int64, v uint32) error) error {
	const most = int64(^uint64(0) >> 1)
	if d.many != nil && d.many.few != nil {
		n := int64(len(d.many.few))
		return d.each(n, grid.New(0, 0, n, 1), f)
	}
	return d.each(most, grid.New(0, 0, most, 1), f)
}

// size is how much memory the directory takes, in bytes, roughly.
func (d directory) size() int64 {
	n := int64(0)
	for _, c := range d {
		n += 24
		for i := range c {
			n += 16
			if r := c[i].many; r != nil {
				n += 32 + 4*int64(len(r.few)) + int64(len(r.pages))*(dirPage*4+24)
			}
		}
	}
	return n
}
