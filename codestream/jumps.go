// This file implements the second level of the index where PLT or PLM tell the
// lengths of packets: only the headers of packets that a window needs are read.

package codestream

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"sync"
)

// lengthsUse is what has been made of the packet lengths of a tile.
type lengthsUse uint8

const (
	lengthsUnknown  lengthsUse = iota // not looked at
	lengthsTrusted                    // in use: each is checked against its packet
	lengthsTolerant                   // in use although some packets are not as they say
	lengthsUnused                     // missing, or wrong
)

// A packetJumps is where the packets of a tile are. It is immutable.
type packetJumps struct {
	dir   directory // positions of the last records
	pages []storePage
	count int64 // of the packets
}

// A jump is where one packet is in the tile's stream, with all it has there.
type jump struct {
	layer    int
	off, len int64
}

var errLengths = errors.New("packet is not as long as PLT or PLM says")

// newPacketJumps lays packet lengths over the order of packets. It reports false
// when they do not fit.
func newPacketJumps(ctx context.Context, t *tilePackets, lengths iter.Seq[int64]) (*packetJumps, bool, error) {
	j := &packetJumps{}
	order := t.order.packets()
	store := blockStore{}
	off, n := int64(0), 0
	for length := range lengths {
		if n++; n%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, false, err
			}
		}
		id, ok := order.next()
		if !ok || length == 0 {
			return nil, false, nil
		}
		// A record is that of a blockStore, its group replaced by the length.
		var head [32]byte
		h := head[:1]
		if prev := j.dir.get(id.component, id.resolution, id.precinct); prev != 0 {
			h[0] |= recordPrev
			h = binary.LittleEndian.AppendUint32(h, prev)
		}
		if id.layer != 0 {
			h[0] |= recordLayer
			h = binary.AppendUvarint(h, uint64(id.layer))
		}
		page, pos, err := store.room(len(head), off)
		if err != nil {
			return nil, false, nil
		}
		h = binary.AppendVarint(h, off-page.base)
		page.data = append(page.data, binary.AppendUvarint(h, uint64(length))...)
		j.dir.set(t.geometry, id.component, id.resolution, id.precinct, pos)
		off += length
	}
	store.clip()
	j.pages, j.count = store.pages, int64(n)
	return j, true, nil
}

// jumps appends where the packets of a precinct below a layer are, first layer
// first; pos is what the directory has for it.
func (j *packetJumps) jumps(dst []jump, pos uint32, layers int) ([]jump, error) {
	store := blockStore{pages: j.pages}
	list, err := store.packets(nil, pos, layers)
	for _, p := range list {
		r := fieldReader{b: p.inline}
		dst = append(dst, jump{p.layer, p.body, int64(r.uvarint())})
	}
	return dst, err
}

// load makes known what a view needs. Errors are of the source or the context.
func (t *tilePackets) load(ctx context.Context, x *Index, v *view) error {
	if t.loaded(v) {
		return nil
	}
	select {
	case t.scanning <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		t.spare = nil
		x.weigh(t)
		<-t.scanning
	}()
	if t.lengths == lengthsUnknown {
		if err := t.useLengths(ctx, x); err != nil {
			return err
		}
	}
	if t.lengths == lengthsTrusted {
		err := t.jump(ctx, v)
		if err == nil && t.heads == t.jumps.count {
			t.complete()
		}
		if !errors.Is(err, errLengths) {
			return err
		}
		if err := t.doubt(ctx); err != nil {
			return err
		}
	}
	if t.lengths == lengthsTolerant {
		return t.jump(ctx, v)
	}
	return t.reach(ctx, v.last)
}

// loaded reports whether load has nothing to do.
func (t *tilePackets) loaded(v *view) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.knows(v)
}

// knows is loaded for whoever holds mu.
func (t *tilePackets) knows(v *view) bool {
	switch {
	case !v.any:
		return true
	case t.jumps == nil:
		return t.scanned(v.last)
	}
	return len(t.missing(v)) == 0
}

// useLengths sets up the jumps of a tile that has packet lengths.
func (t *tilePackets) useLengths(ctx context.Context, x *Index) error {
	if t.packed != nil {
		t.lengths = lengthsUnused
		return nil
	}
	lists, ok, err := x.packetLengths(ctx, t.tile)
	if err != nil {
		return err
	}
	var jumps *packetJumps
	if ok {
		jumps, ok, err = newPacketJumps(ctx, t, func(yield func(int64) bool) {
			for _, list := range lists {
				for n := range list.all() {
					if !yield(n) {
						return
					}
				}
			}
		})
		if err != nil {
			return err
		}
	}
	if !ok {
		t.lengths = lengthsUnused
		return nil
	}
	t.lengths = lengthsTrusted
	t.mu.Lock()
	t.jumps = jumps
	t.mu.Unlock()
	return nil
}

// doubt decides what to do when a packet is not as long as it should be: either
// the length is wrong or the packet is damaged. If all of the tile's packets can
// be read without the lengths, and are all of its bytes, those are wrong.
func (t *tilePackets) doubt(ctx context.Context) error {
	t.mu.Lock()
	jumps := t.jumps
	t.jumps, t.store, t.read, t.heads = nil, blockStore{}, nil, 0
	t.lengths = lengthsUnused
	t.mu.Unlock()
	// Damage is for the lengths to get past.
	t.plain = true
	defer func() { t.plain = false }()
	// No packet is this one, so the scan goes to the end.
	if err := t.reach(ctx, packetID{component: -1}); err != nil {
		// Decide another time.
		t.lengths = lengthsUnknown
		t.scan = nil
		t.mu.Lock()
		t.store, t.begun = blockStore{}, false
		t.mu.Unlock()
		return err
	}
	if (t.damage == nil || t.damage == t.cut) && !t.surplus {
		return nil
	}
	t.lengths = lengthsTolerant
	t.mu.Lock()
	t.jumps, t.store = jumps, blockStore{}
	t.begun, t.done, t.damage = false, false, nil
	t.mu.Unlock()
	return nil
}

// A missingPrecinct is one whose packet headers a view needs.
type missingPrecinct struct {
	component, resolution int
	precinct              int64
	pos                   uint32 // in the jumps
	known                 int    // layers that were read
}

// missing gives the precincts with packets that were not read yet, about in the
// order in which they lie. The caller holds mu.
func (t *tilePackets) missing(v *view) []missingPrecinct {
	var list []missingPrecinct
	for i := range v.needs {
		n := &v.needs[i]
		wide, _ := t.geometry.components[n.component].precincts(n.resolution)
		// The function returns no error.
		_ = t.jumps.dir.of(n.component, n.resolution).each(wide, n.precincts, func(p int64, pos uint32) error {
			if known := int(t.read.get(n.component, n.resolution, p)); known < v.layers {
				list = append(list, missingPrecinct{n.component, n.resolution, p, pos, known})
			}
			return nil
		})
	}
	slices.SortFunc(list, func(a, b missingPrecinct) int { return cmp.Compare(a.pos, b.pos) })
	return list
}

const (
	// headBatch and headTotal bound how many headers are in memory at once.
	headBatch = 1 << 10
	headTotal = 8 << 20
	// headGap is how many bytes that are not needed are read to save a read.
	headGap = 16 << 10
	// headBlock is how much of headers is read at once at most, and headReads how
	// many reads there are at the same time.
	headBlock = 512 << 10
	headReads = 8
	// A packet header is guessed to take headFloor bytes, headBytes for each
	// block, and at most headMost.
	headFloor = 48
	headBytes = 3
	headMost  = 32 << 10
)

// headGuess guesses how many bytes of a packet its header is, from above.
func headGuess(blocks, length int64) int64 {
	return min(headFloor+min(headBytes*blocks, headMost), length)
}

// jump reads the packet headers that a view lacks. It returns errLengths, in
// kind, if a packet is not as long as it should be and that is not tolerated.
func (t *tilePackets) jump(ctx context.Context, v *view) error {
	type head struct {
		off, len int64
	}
	t.mu.RLock()
	missing := t.missing(v)
	t.mu.RUnlock()
	for len(missing) > 0 {
		// As many as are read at once.
		var heads []head
		var jumps []jump
		cache := resolutionCache{g: t.geometry}
		n, total := 0, int64(0)
		for ; n < len(missing) && len(heads) < headBatch && total < headTotal; n++ {
			m := &missing[n]
			p := cache.get(m.component, m.resolution).precinct(m.precinct)
			var err error
			if jumps, err = t.jumps.jumps(jumps[:0], m.pos, v.layers); err != nil {
				return err
			}
			for _, j := range jumps {
				if j.off < t.stream.size {
					k := headGuess(p.blocks, j.len)
					k = min(k, t.stream.size-j.off)
					heads = append(heads, head{j.off, k})
					total += k
				}
			}
		}
		slices.SortFunc(heads, func(a, b head) int { return cmp.Compare(a.off, b.off) })
		read := blockReads{stream: t.stream}
		for _, h := range heads {
			read.add(h.off, h.len)
		}
		if err := read.run(ctx); err != nil {
			return err
		}
		for i := range missing[:n] {
			if err := t.jumpPrecinct(ctx, &missing[i], v.layers, &read, &cache); err != nil {
				return err
			}
		}
		missing = missing[n:]
	}
	return nil
}

// A blockReads is ranges of a stream that are read together, in few reads.
type blockReads struct {
	stream *tileStream
	list   []blockRead
}

type blockRead struct {
	off  int64
	size int64
	data []byte
}

// add adds a range; ranges come in ascending order.
func (r *blockReads) add(off, n int64) {
	if k := len(r.list) - 1; k >= 0 {
		last := &r.list[k]
		if end := off + n; off <= last.off+last.size+headGap && end-last.off <= headBlock {
			last.size = max(last.size, end-last.off)
			return
		}
	}
	r.list = append(r.list, blockRead{off: off, size: n})
}

// run reads the ranges, several at the same time: a source may be far away.
func (r *blockReads) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failed error
	var once sync.Once
	var reads sync.WaitGroup
	slots := make(chan struct{}, headReads)
	for i := range r.list {
		slots <- struct{}{}
		reads.Go(func() {
			defer func() { <-slots }()
			k := &r.list[i]
			k.data = make([]byte, k.size)
			if err := r.stream.readAt(ctx, k.data, k.off); err != nil {
				once.Do(func() {
					failed = err
					cancel() // the others are of no use
				})
			}
		})
	}
	reads.Wait()
	return failed
}

// at gives what was read from off on, at most n bytes.
func (r *blockReads) at(off, n int64) []byte {
	i, found := slices.BinarySearchFunc(r.list, off, func(k blockRead, off int64) int {
		return cmp.Compare(k.off, off)
	})
	if !found {
		i--
	}
	if i < 0 || off > r.list[i].off+r.list[i].size {
		return nil
	}
	b := r.list[i].data[off-r.list[i].off:]
	return b[:min(int64(len(b)), n)]
}

// jumpPrecinct reads the packet headers of one precinct, from the first layer on,
// and stores what is new.
func (t *tilePackets) jumpPrecinct(ctx context.Context, m *missingPrecinct, layers int, read *blockReads, cache *resolutionCache) error {
	jumps, err := t.jumps.jumps(nil, m.pos, layers)
	if err != nil {
		return err
	}
	res := cache.get(m.component, m.resolution)
	p := res.precinct(m.precinct)
	memory := stateMemory{left: maxState(t)}
	state := precinctState{memory: &memory}
	state.reset(&p, res.style)
	type packet struct {
		id   packetID
		body int64
		rec  packetRecord
	}
	var packets []packet
	var damage error
	at := 0
	for _, j := range jumps {
		at = j.layer
		if j.off >= t.stream.size {
			damage = t.cut
			break
		}
		// The header is in the packet, and the packet in the stream.
		l := newLookahead(t.stream)
		l.ctx, l.off = ctx, j.off
		l.limit = min(j.off+j.len, t.stream.size)
		l.block = minAhead
		l.buf = slices.Clone(read.at(j.off, l.limit-j.off))
		l.skipSOP()
		l.mark = l.pos
		bits := bitReader{src: l}
		off := t.stream.offset(j.off)
		packets = append(packets, packet{id: packetID{m.component, m.resolution, m.precinct, j.layer}})
		k := &packets[len(packets)-1]
		err := readPacketHeader(&bits, &state, uint32(j.layer), &k.rec)
		if err == nil {
			l.skipEPH()
		}
		if l.err != nil {
			return l.err
		}
		k.body = l.offset()
		if err == nil && k.body+k.rec.body != j.off+j.len {
			err = errLengths
		}
		if err != nil {
			packets = packets[:len(packets)-1]
			if t.cut != nil && errors.Is(err, errHeaderShort) && j.off+j.len > t.stream.size {
				damage = t.cut
				break
			}
			if t.lengths != lengthsTolerant {
				return errLengths
			}
			damage = &FormatError{Offset: off, Where: "packet header", Err: err}
			break
		}
		if k.body+k.rec.body > t.stream.size {
			damage = t.cut
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if damage != nil {
		t.bad.set(t.geometry, m.component, m.resolution, m.precinct, uint32(at+1))
		if t.wrong == nil {
			t.wrong = damage
		}
	}
	for i := range packets {
		k := &packets[i]
		if k.id.layer < m.known {
			continue
		}
		if err := t.store.add(t.geometry, k.id, p.blocks, k.body, &k.rec); err != nil {
			return errors.Join(err, errors.ErrUnsupported)
		}
		t.heads++
	}
	t.read.set(t.geometry, m.component, m.resolution, m.precinct, uint32(layers))
	return nil
}
