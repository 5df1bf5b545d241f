package tile

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestBudgetNeverFits(t *testing.T) {
	b := &Budget{Bytes: 100}
	_, err := b.Acquire(t.Context(), 101)
	require.ErrorIs(t, err, ErrBudget)
	var be *BudgetError
	require.ErrorAs(t, err, &be)
	require.Equal(t, BudgetError{Need: 101, Limit: 100}, *be)
	require.Zero(t, b.Used())
}

func TestBudgetZeroValue(t *testing.T) {
	b := new(Budget)
	release, err := b.Acquire(t.Context(), defaultBytes)
	require.NoError(t, err)
	_, err = b.Acquire(t.Context(), defaultBytes+1)
	require.ErrorIs(t, err, ErrBudget)
	release()
	release() // twice is harmless
	require.Zero(t, b.Used())
	require.EqualValues(t, defaultBytes, b.Peak())
}

func TestBudgetCancelWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Budget{Bytes: 100}
		release, err := b.Acquire(t.Context(), 60)
		require.NoError(t, err)
		gone := errors.New("viewer left")
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() {
			_, err := b.Acquire(ctx, 60)
			done <- err
		}()
		synctest.Wait()
		require.Equal(t, 1, b.Waiting())
		cancel(gone)
		require.ErrorIs(t, <-done, gone)
		require.Zero(t, b.Waiting())
		release()
		require.Zero(t, b.Used())
	})
}

// A large reservation that waits is passed by small ones, but not for ever, and
// never by another large one.
func TestBudgetFairness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1600
		b := &Budget{Bytes: limit}
		hold, err := b.Acquire(t.Context(), limit/2)
		require.NoError(t, err)
		var mu sync.Mutex
		var order []string
		ask := func(name string, n int64) {
			go func() {
				release, err := b.Acquire(context.Background(), n)
				if err == nil {
					mu.Lock()
					order = append(order, name)
					mu.Unlock()
					release()
				}
			}()
			synctest.Wait()
		}
		ask("large", limit)
		ask("other", limit/4) // would fit, but is not small
		require.Empty(t, order)
		for range maxPassed {
			ask("small", limit/smallPart)
		}
		require.Len(t, order, maxPassed)
		ask("late", limit/smallPart)
		require.Len(t, order, maxPassed, "the large one is passed a limited number of times")
		hold()
		synctest.Wait()
		require.Equal(t, "large", order[maxPassed])
		require.ElementsMatch(t, []string{"other", "late"}, order[maxPassed+1:])
		require.Zero(t, b.Used())
	})
}

func TestBudgetWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Budget{Workers: 2}
		one, err := b.work(t.Context())
		require.NoError(t, err)
		_, err = b.work(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = b.work(ctx)
		require.ErrorIs(t, err, context.Canceled)
		one()
		_, err = b.work(t.Context())
		require.NoError(t, err)
	})
}

// Spare places are those that nobody has, and are there again afterwards.
func TestBudgetSpare(t *testing.T) {
	b := &Budget{Workers: 4}
	done, err := b.work(t.Context())
	require.NoError(t, err)
	two, giveTwo := b.spare(2)
	require.Equal(t, 2, two)
	one, giveOne := b.spare(5)
	require.Equal(t, 1, one)
	none, giveNone := b.spare(1)
	require.Zero(t, none)
	giveNone()
	giveTwo()
	giveOne()
	three, giveThree := b.spare(9)
	require.Equal(t, 3, three)
	giveThree()
	done()
	require.Empty(t, b.places())
}
