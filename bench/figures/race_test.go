package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRace(t *testing.T) {
	var order []string
	enter := func(name string) contestant {
		return contestant{name, func() error { order = append(order, name); return nil }}
	}
	e := &env{runs: 2}
	results, err := e.race([]contestant{enter("a"), enter("b")})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "b", "a", "a", "b"}, order)
	require.Equal(t, "b", results[1].name)
	require.Len(t, results[0].runs, 2)

	sorry := errors.New("sorry")
	_, err = e.race([]contestant{{"c", func() error { return sorry }}})
	require.ErrorIs(t, err, sorry)
}

func TestTimes(t *testing.T) {
	r := func(ms ...int) (r result) {
		for _, v := range ms {
			d := time.Duration(v) * time.Millisecond
			r.runs = append(r.runs, timing{d, 2 * d})
		}
		return r
	}
	// The machine was three times slower during the last round.
	ours, theirs := r(10, 11, 30), r(20, 24, 60)
	require.Equal(t, timing{11 * time.Millisecond, 22 * time.Millisecond}, ours.median())
	wall, cpu := ours.times(theirs)
	require.InDelta(t, 2, wall, 1e-9)
	require.InDelta(t, 2, cpu, 1e-9)
}
