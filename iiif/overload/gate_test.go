package overload

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// enter starts Enter in the background and returns where its outcome arrives.
func enter(g *Gate, ctx context.Context, t Ticket) <-chan outcome {
	c := make(chan outcome, 1)
	go func() {
		leave, err := g.Enter(ctx, t)
		c <- outcome{leave, err}
	}()
	synctest.Wait()
	return c
}

type outcome struct {
	leave func()
	err   error
}

// is reports what has become of a request so far.
func is(c <-chan outcome) string {
	synctest.Wait()
	if len(c) == 0 {
		return "waiting"
	}
	o := <-c
	switch {
	case o.err == nil:
		o.leave()
		return "in"
	case errors.Is(o.err, ErrOverloaded):
		return "refused"
	}
	return o.err.Error()
}

func TestGateQueuesAndRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Lanes: []Lane{{Slots: 1, Queue: 1}}}
		leave, err := g.Enter(t.Context(), Ticket{})
		require.NoError(t, err)
		second := enter(g, t.Context(), Ticket{})
		_, err = g.Enter(t.Context(), Ticket{})
		var refusal *Error
		require.ErrorAs(t, err, &refusal)
		require.ErrorIs(t, err, ErrOverloaded)
		require.GreaterOrEqual(t, refusal.RetryAfter, time.Second)
		require.Equal(t, []Load{{Running: 1, Waiting: 1}}, g.Loads())
		leave()
		leave() // does nothing
		require.Equal(t, "in", is(second))
		require.Equal(t, []Load{{}}, g.Loads())
		require.Empty(t, g.clients)
	})
}

func TestGateWaitsNoLongerThanTheLaneAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Lanes: []Lane{{Slots: 1, Wait: 3 * time.Second}}}
		leave, err := g.Enter(t.Context(), Ticket{})
		require.NoError(t, err)
		defer leave()
		start := time.Now()
		_, err = g.Enter(t.Context(), Ticket{})
		require.ErrorIs(t, err, ErrOverloaded)
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestGateRefusesAtOnceWhatComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Lanes: []Lane{{Slots: 2}}}
		for range 2 {
			leave, err := g.Enter(t.Context(), Ticket{Time: 4 * time.Second})
			require.NoError(t, err)
			defer leave()
		}
		// The two that run are expected to take 2 more seconds.
		ctx, cancel := context.WithTimeout(t.Context(), 2900*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := g.Enter(ctx, Ticket{Time: time.Second})
		require.ErrorIs(t, err, ErrOverloaded)
		require.Equal(t, start, time.Now())

		ctx, cancel = context.WithTimeout(t.Context(), 3100*time.Millisecond)
		defer cancel()
		late := enter(g, ctx, Ticket{Time: time.Second})
		require.Equal(t, "waiting", is(late))
		time.Sleep(3200 * time.Millisecond)
		require.Equal(t, context.DeadlineExceeded.Error(), is(late))
	})
}

func TestGateDoesNotStartWhatCannotEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Lanes: []Lane{{Slots: 1}}}
		leave, err := g.Enter(t.Context(), Ticket{}) // takes longer than it said
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		late := enter(g, ctx, Ticket{Time: 2 * time.Second})
		time.Sleep(4 * time.Second)
		leave()
		require.Equal(t, "refused", is(late))
		require.Equal(t, []Load{{}}, g.Loads())
	})
}

func TestGateBoundsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Lanes: []Lane{{Slots: 3, Memory: 10}}}
		leave, err := g.Enter(t.Context(), Ticket{Memory: 6})
		require.NoError(t, err)
		large := enter(g, t.Context(), Ticket{Memory: 20})
		small := enter(g, t.Context(), Ticket{Memory: 1})
		require.Equal(t, "waiting", is(large))
		require.Equal(t, "waiting", is(small)) // passes nobody who waits for memory
		leave()
		// 20 of 10 bytes run alone.
		require.Equal(t, []Load{{Running: 1, Waiting: 1, Memory: 20}}, g.Loads())
		require.Equal(t, "in", is(large))
		require.Equal(t, "in", is(small))
		require.Equal(t, []Load{{}}, g.Loads())
	})
}

func TestGateLimitsClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Lanes: []Lane{{Slots: 3, Queue: 8}}, PerClient: 1, PerClientQueue: 1}
		leave, err := g.Enter(t.Context(), Ticket{Client: "a"})
		require.NoError(t, err)
		second := enter(g, t.Context(), Ticket{Client: "a"})
		_, err = g.Enter(t.Context(), Ticket{Client: "a"})
		require.ErrorIs(t, err, ErrOverloaded)
		other := enter(g, t.Context(), Ticket{Client: "b"})
		require.Equal(t, "in", is(other))
		nobody := enter(g, t.Context(), Ticket{})
		require.Equal(t, "in", is(nobody))
		require.Equal(t, "waiting", is(second))
		leave()
		require.Equal(t, "in", is(second))
		require.Empty(t, g.clients)
	})
}

// A busy gate has one slot, which is taken at first.
type busy struct {
	*Gate
	guests chan guest // those who are in, one at most
}

type guest struct {
	client string
	leave  func()
}

func newBusy(t *testing.T, client string) *busy {
	b := &busy{&Gate{Lanes: []Lane{{Slots: 1}}, PerClientQueue: -1}, make(chan guest, 1)}
	b.come(t.Context(), client, 1)
	return b
}

// come has n requests of a client come, one after the other.
func (b *busy) come(ctx context.Context, client string, n int) {
	for range n {
		go func() {
			if leave, err := b.Enter(ctx, Ticket{Client: client}); err == nil {
				b.guests <- guest{client, leave}
			}
		}()
		synctest.Wait()
	}
}

// next has the one who is in leave, and says who it was.
func (b *busy) next() string {
	g := <-b.guests
	g.leave()
	synctest.Wait()
	return g.client
}

func TestGateClientsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBusy(t, "a")
		b.come(t.Context(), "a", 5)
		b.come(t.Context(), "b", 1)
		b.come(t.Context(), "c", 2)
		b.come(t.Context(), "", 2) // nobody: each for itself
		for i, want := range []string{"a", "a", "b", "c", "", "", "a", "c", "a", "a", "a"} {
			require.Equal(t, want, b.next(), i)
		}
		require.Empty(t, b.clients)
	})
}

// Viewers drop most of what they ask for: that must not cost them turns.
func TestGateLeavingCostsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBusy(t, "")
		ctx, cancel := context.WithCancel(t.Context())
		b.come(ctx, "b", 10)
		b.come(t.Context(), "b", 1)
		b.come(t.Context(), "a", 3)
		cancel()
		synctest.Wait()
		for i, want := range []string{"", "b", "a", "a", "a"} {
			require.Equal(t, want, b.next(), i)
		}
	})
}

// Those who come once each pass one who came three times, but not for ever.
func TestGateTurnsPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBusy(t, "")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		const waiting = 10
		for i := range waiting {
			b.come(ctx, strconv.Itoa(i), 1)
		}
		b.come(ctx, "often", 3)
		// For each who is let in another one comes.
		for n, often := 0, 0; often < 3; n++ {
			require.Less(t, n, 5*waiting, "some rounds of all who wait")
			b.come(ctx, strconv.Itoa(waiting+n), 1)
			if b.next() == "often" {
				often++
			}
		}
	})
}

func TestGateShedsTheLessImportant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Lanes: []Lane{{Slots: 1, Queue: 9}, {Slots: 1, Queue: 9}}, Queue: 2}
		tile, err := g.Enter(t.Context(), Ticket{Lane: 0})
		require.NoError(t, err)
		large, err := g.Enter(t.Context(), Ticket{Lane: 1})
		require.NoError(t, err)
		first := enter(g, t.Context(), Ticket{Lane: 1})
		second := enter(g, t.Context(), Ticket{Lane: 1})
		third := enter(g, t.Context(), Ticket{Lane: 0})
		require.Equal(t, "refused", is(second))
		require.Equal(t, "waiting", is(first))
		fourth := enter(g, t.Context(), Ticket{Lane: 0})
		require.Equal(t, "refused", is(first))
		fifth := enter(g, t.Context(), Ticket{Lane: 0})
		require.Equal(t, "refused", is(fifth))
		sixth := enter(g, t.Context(), Ticket{Lane: 1})
		require.Equal(t, "refused", is(sixth))
		large()
		tile()
		require.Equal(t, "in", is(third))
		require.Equal(t, "in", is(fourth))
	})
}

func TestGateForgetsWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Lanes: []Lane{{Slots: 1}}}
		leave, err := g.Enter(t.Context(), Ticket{})
		require.NoError(t, err)
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		waiter := enter(g, ctx, Ticket{Client: "a", Time: time.Hour})
		cancel(gone)
		require.Equal(t, "gone", is(waiter))
		require.Equal(t, []Load{{Running: 1}}, g.Loads())
		_, err = g.Enter(ctx, Ticket{})
		require.Equal(t, gone, err)
		leave()
		require.Empty(t, g.clients)
	})
}

func TestGateHasNoSuchLane(t *testing.T) {
	_, err := new(Gate).Enter(t.Context(), Ticket{Lane: 1})
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrOverloaded)
}

// Whatever happens, the bounds hold, and in the end nothing is left.
func TestGateUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Lanes: []Lane{{Slots: 3, Queue: 10, Memory: 100}, {Slots: 2, Queue: 5, Wait: time.Second}},
			Queue: 12, PerClient: 2}
		var running [2]atomic.Int32
		var memory atomic.Int64
		var in, refused atomic.Int32
		var wg sync.WaitGroup
		for i := range 400 {
			rng := rand.New(rand.NewPCG(7, uint64(i)))
			wg.Go(func() {
				time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(2000))*time.Millisecond)
				defer cancel()
				took := time.Duration(rng.IntN(200)) * time.Millisecond
				ticket := Ticket{Lane: rng.IntN(2), Client: strconv.Itoa(rng.IntN(5)),
					Memory: rng.Int64N(60), Time: took}
				leave, err := g.Enter(ctx, ticket)
				if err != nil {
					refused.Add(1)
					return
				}
				in.Add(1)
				require.LessOrEqual(t, running[ticket.Lane].Add(1), int32(g.Lanes[ticket.Lane].Slots))
				if ticket.Lane == 0 {
					require.LessOrEqual(t, memory.Add(ticket.Memory), int64(100))
				}
				time.Sleep(took)
				if ticket.Lane == 0 {
					memory.Add(-ticket.Memory)
				}
				running[ticket.Lane].Add(-1)
				leave()
			})
		}
		wg.Wait()
		require.NotZero(t, in.Load())
		require.NotZero(t, refused.Load())
		require.Equal(t, []Load{{}, {}}, g.Loads())
		require.Empty(t, g.clients)
		require.Zero(t, g.waiting)
	})
}

func TestEstimator(t *testing.T) {
	var e Estimator
	require.Zero(t, e.Estimate(100))
	e.Observe(0, time.Second)
	e.Observe(10, 0)
	require.Zero(t, e.Estimate(100))
	e.Observe(100, time.Second)
	require.Equal(t, 2*time.Second, e.Estimate(200))
	for range 200 {
		e.Observe(100, 3*time.Second)
	}
	require.InDelta(t, 3*time.Second, e.Estimate(100), float64(10*time.Millisecond))
	require.Zero(t, e.Estimate(-5))
}
