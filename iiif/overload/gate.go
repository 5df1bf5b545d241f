// Package overload decides who is served when not all can be.
//
// A [Gate] has lanes, most important first: one for tiles and one for whole
// images, say. Each lane runs a number of requests at a time, bounded by their
// memory too, and keeps a bounded queue of those that wait. The gate turns a
// request away at once when waiting would be in vain: the queue is full, or what
// is ahead of it takes longer than its deadline allows. When the whole gate is
// full, a request of an important lane takes the place of one that waits in a
// lesser lane. No client can fill the queue alone, and in it clients take turns:
// one that asks for a hundred tiles at once does not have one that asks for a
// single one wait for all of them.
//
// The package knows nothing of images or HTTP: a [Ticket] says how much memory
// and time a request takes, and an [Estimator] learns the latter. [Gate.Enter]
// is all there is to call:
//
//	leave, err := gate.Enter(ctx, overload.Ticket{Lane: 0, Client: ip, Time: estimate})
//	if err != nil {
//		... // 503; errors.As(err, *overload.Error) has RetryAfter
//	}
//	defer leave()
package overload

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// ErrOverloaded is what every refusal of a [Gate] matches with [errors.Is].
var ErrOverloaded = errors.New("overloaded")

// An Error is a refusal. It matches [ErrOverloaded].
type Error struct {
	Reason     string
	RetryAfter time.Duration // when trying again may be worth it; at least a second
}

func (e *Error) Error() string {
	return fmt.Sprintf("overload: %s; retry after %v", e.Reason, e.RetryAfter)
}

// Is reports whether target is [ErrOverloaded].
func (e *Error) Is(target error) bool { return target == ErrOverloaded }

// A Lane is one class of requests.
type Lane struct {
	// Slots is how many run at a time; zero: GOMAXPROCS.
	Slots int

	// Queue is how many may wait; zero: 16 for each slot; negative: none.
	Queue int

	// Memory bounds the sum of the memory of those that run, in bytes; zero or
	// negative: no bound. A request that needs more by itself runs alone.
	Memory int64

	// Wait is how long one may wait at most; zero: 10 s; negative: no bound.
	Wait time.Duration
}

// A Ticket describes a request that wants in.
type Ticket struct {
	Lane   int           // index in the gate's lanes
	Client string        // who asks; empty: nobody in particular, not limited
	Memory int64         // bytes it is going to take
	Time   time.Duration // it is going to take; zero: not known
}

// A Gate lets requests in. The zero value has one lane. It is safe for
// concurrent use; its fields must not change once it is in use.
type Gate struct {
	Lanes []Lane // most important first; nil: one lane with defaults

	// Queue bounds those that wait in all lanes together; zero: the sum of
	// the lanes' bounds.
	Queue int

	// PerClient is how many requests of one client run at a time; further
	// ones wait, and others pass them. Zero or negative: no bound.
	PerClient int

	// PerClientQueue is how many requests of one client may wait. Zero: a
	// quarter of the queue, at least 1; negative: no bound.
	PerClientQueue int

	mu      sync.Mutex
	lanes   []lane
	waiting int
	clients map[string]*client
}

type lane struct {
	Lane
	running int
	memory  int64         // of those that run
	ahead   time.Duration // what those that run take, from their start
	behind  time.Duration // what those that wait take
	queue   []*waiter     // first come first
	turn    float64       // about how often each of those that wait was let in
}

// A client is one that has requests in the gate.
type client struct {
	running, waiting int
	turns            []float64 // of each lane: the next turn that it has there
}

// A waiter is a request in a queue. Whoever takes it out of the queue sets err
// and closes done.
type waiter struct {
	ticket   Ticket
	deadline time.Time // zero: none
	client   *client   // nil: nobody in particular
	came     float64   // the lane's turn when it came
	done     chan struct{}
	err      error
}

// turn is when w is to be let in: its client has had all turns before it, or was
// not there for them.
func (w *waiter) turn() float64 {
	if w.client == nil {
		return w.came
	}
	return max(w.came, w.client.turns[w.ticket.Lane])
}

// Enter waits until the request may run, and returns what must be called when it
// has ended; calling it again does nothing. A refusal matches [ErrOverloaded];
// when ctx ends first, the error is its cause.
func (g *Gate) Enter(ctx context.Context, t Ticket) (leave func(), err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	w := &waiter{ticket: t, done: make(chan struct{})}
	w.deadline, _ = ctx.Deadline()

	g.mu.Lock()
	g.setUp()
	if t.Lane < 0 || t.Lane >= len(g.lanes) {
		g.mu.Unlock()
		return nil, fmt.Errorf("overload: no lane %d", t.Lane)
	}
	l := &g.lanes[t.Lane]
	if len(l.queue) == 0 && g.fits(l, t) {
		g.start(l, t)
		g.mu.Unlock()
		return g.leaver(t), nil
	}
	if err := g.enqueue(l, w); err != nil {
		g.mu.Unlock()
		return nil, err
	}
	// Nothing may be running that could let w in when it leaves: w may be
	// behind one that waits for its own client.
	g.dispatch(l)
	g.mu.Unlock()

	var patience <-chan time.Time
	if l.Wait > 0 {
		timer := time.NewTimer(l.Wait)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		g.giveUp(l, w, context.Cause(ctx))
	case <-patience:
		g.giveUp(l, w, nil)
	}
	if w.err != nil {
		return nil, w.err
	}
	return g.leaver(t), nil
}

// setUp fills in the lanes on first use.
func (g *Gate) setUp() {
	if g.lanes != nil {
		return
	}
	g.clients = make(map[string]*client)
	g.lanes = make([]lane, max(len(g.Lanes), 1))
	for i := range g.lanes {
		l := &g.lanes[i]
		if i < len(g.Lanes) {
			l.Lane = g.Lanes[i]
		}
		if l.Slots <= 0 {
			l.Slots = runtime.GOMAXPROCS(0)
		}
		if l.Queue == 0 {
			l.Queue = 16 * l.Slots
		}
		if l.Wait == 0 {
			l.Wait = 10 * time.Second
		}
	}
}

// bound is how many may wait in all lanes together.
func (g *Gate) bound() int {
	if g.Queue > 0 {
		return g.Queue
	}
	n := 0
	for i := range g.lanes {
		n += max(g.lanes[i].Queue, 0)
	}
	return n
}

// fits reports whether a request may start now.
func (g *Gate) fits(l *lane, t Ticket) bool {
	if l.running >= l.Slots {
		return false
	}
	if l.Memory > 0 && l.running > 0 && l.memory+t.Memory > l.Memory {
		return false
	}
	c := g.clients[t.Client]
	return g.PerClient <= 0 || t.Client == "" || c == nil || c.running < g.PerClient
}

// start counts a request as running.
func (g *Gate) start(l *lane, t Ticket) {
	l.running++
	l.memory += t.Memory
	l.ahead += t.Time
	g.client(t, func(c *client) { c.running++ })
}

// client changes what is known of t's client, and forgets it when it has nothing
// in the gate.
func (g *Gate) client(t Ticket, change func(*client)) {
	if t.Client == "" {
		return
	}
	c := g.clients[t.Client]
	if c == nil {
		c = &client{turns: make([]float64, len(g.lanes))}
		g.clients[t.Client] = c
	}
	change(c)
	if c.running == 0 && c.waiting == 0 {
		delete(g.clients, t.Client)
	}
}

// delay is how long a newcomer to l would wait: those that run are on average
// half done, and the slots share what waits.
func (l *lane) delay() time.Duration {
	return (l.ahead/2 + l.behind) / time.Duration(l.Slots)
}

// enqueue puts w at the end of its lane's queue, or says why not.
func (g *Gate) enqueue(l *lane, w *waiter) error {
	if !w.deadline.IsZero() && time.Until(w.deadline) < l.delay()+w.ticket.Time {
		return g.refusal(l, "too much is ahead for the deadline")
	}
	if len(l.queue) >= l.Queue {
		return g.refusal(l, "the queue is full")
	}
	if c := g.clients[w.ticket.Client]; c != nil {
		most := g.PerClientQueue
		if most == 0 {
			most = max(1, g.bound()/4)
		}
		if most > 0 && c.waiting >= most {
			return g.refusal(l, "too many requests of one client wait")
		}
	}
	if g.waiting >= g.bound() && !g.shed(w.ticket.Lane) {
		return g.refusal(l, "the queue is full")
	}
	l.queue = append(l.queue, w)
	l.behind += w.ticket.Time
	g.waiting++
	w.came = l.turn
	g.client(w.ticket, func(c *client) { c.waiting++; w.client = c })
	return nil
}

// shed turns away the youngest request that waits in the least important lane
// below the given one, if there is one.
func (g *Gate) shed(below int) bool {
	for i := len(g.lanes) - 1; i > below; i-- {
		l := &g.lanes[i]
		if n := len(l.queue); n > 0 {
			w := l.queue[n-1]
			g.take(l, n-1)
			w.err = g.refusal(l, "more important requests came")
			close(w.done)
			return true
		}
	}
	return false
}

// take removes the i-th request of l's queue.
func (g *Gate) take(l *lane, i int) {
	w := l.queue[i]
	l.queue = slices.Delete(l.queue, i, i+1)
	l.behind -= w.ticket.Time
	g.waiting--
	g.client(w.ticket, func(c *client) { c.waiting-- })
}

// refusal makes the error of a request that l cannot take.
func (g *Gate) refusal(l *lane, reason string) error {
	return &Error{Reason: reason, RetryAfter: max(time.Second, l.delay().Round(time.Second))}
}

// giveUp takes w out of the queue for the given reason, nil for impatience. If
// it has been let in meanwhile, it stays in: w.err tells.
func (g *Gate) giveUp(l *lane, w *waiter, reason error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.done:
		if w.err == nil && reason != nil {
			// Let in at the moment it gave up.
			g.stop(l, w.ticket)
			w.err = reason
		}
		return
	default:
	}
	g.take(l, slices.Index(l.queue, w))
	if w.err = reason; reason == nil {
		w.err = g.refusal(l, "waited too long")
	}
	close(w.done)
	g.dispatch(l)
}

// dispatch lets in who may run now.
func (g *Gate) dispatch(l *lane) {
	for l.running < l.Slots {
		i := g.next(l)
		if i < 0 {
			return
		}
		w := l.queue[i]
		if !w.deadline.IsZero() && time.Until(w.deadline) < w.ticket.Time {
			g.take(l, i)
			w.err = g.refusal(l, "too late for the deadline")
			close(w.done)
			continue
		}
		if !g.fits(l, w.ticket) {
			// Nobody passes one that waits for memory, or it would starve.
			return
		}
		// Where many come once each, the turns pass all the same, so that they
		// do not pass for ever one who came twice.
		turn := w.turn()
		l.turn = max(turn, l.turn+1/float64(len(l.queue)))
		if w.client != nil {
			w.client.turns[w.ticket.Lane] = turn + 1
		}
		g.start(l, w.ticket)
		g.take(l, i)
		close(w.done)
	}
}

// next is the index in l's queue of the request whose turn it is: the first that
// came of those whose client was let in least; -1 when there is none. Those whose
// client has enough running do not count.
func (g *Gate) next(l *lane) int {
	next, turn := -1, 0.0
	for i, w := range l.queue {
		if g.PerClient > 0 && w.client != nil && w.client.running >= g.PerClient {
			continue
		}
		if t := w.turn(); next < 0 || t < turn {
			next, turn = i, t
		}
	}
	return next
}

// stop counts a request as ended and lets others in.
func (g *Gate) stop(l *lane, t Ticket) {
	l.running--
	l.memory -= t.Memory
	l.ahead -= t.Time
	g.client(t, func(c *client) { c.running-- })
	// The client may have requests waiting in other lanes.
	for i := range g.lanes {
		g.dispatch(&g.lanes[i])
	}
}

func (g *Gate) leaver(t Ticket) func() {
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.stop(&g.lanes[t.Lane], t)
	})
}

// A Load is how busy a lane is.
type Load struct {
	Running, Waiting int
	Memory           int64         // bytes, of those that run
	Delay            time.Duration // that a newcomer is expected to wait
}

// Loads says how busy each lane is.
func (g *Gate) Loads() []Load {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.setUp()
	loads := make([]Load, len(g.lanes))
	for i := range g.lanes {
		l := &g.lanes[i]
		loads[i] = Load{l.running, len(l.queue), l.memory, l.delay()}
	}
	return loads
}
