// This file times things that compete.

package main

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// A contestant is one way to do what others do as well.
type contestant struct {
	name string
	run  func() error
}

// A timing is how long one took: by the clock, and of processors, those of child
// processes included.
type timing struct{ wall, cpu time.Duration }

// A result is what one contestant took, run by run.
type result struct {
	name string
	runs []timing
}

// race has all contestants run in turn, first to last and then last to first, so
// that what else the machine does meets all alike. The first round does not count.
func (e *env) race(cs []contestant) ([]result, error) {
	results := make([]result, len(cs))
	for round := range e.runs + 1 {
		for n := range cs {
			if round%2 == 1 {
				n = len(cs) - 1 - n
			}
			// What one leaves behind is not cleared away at another's cost.
			runtime.GC()
			cpu, began := processorTime(), time.Now()
			if err := cs[n].run(); err != nil {
				return nil, fmt.Errorf("%s: %w", cs[n].name, err)
			}
			t := timing{time.Since(began), processorTime() - cpu}
			results[n].name = cs[n].name
			if round > 0 {
				results[n].runs = append(results[n].runs, t)
			}
		}
	}
	return results, nil
}

// median is the middle of the times by the clock, and of those of processors.
func (r result) median() timing {
	var t timing
	t.wall = median(pick(r.runs, func(t timing) time.Duration { return t.wall }))
	t.cpu = median(pick(r.runs, func(t timing) time.Duration { return t.cpu }))
	return t
}

// times is how many times faster r is than other: the medians of the ratios of
// runs that were next to each other.
func (r result) times(other result) (wall, cpu float64) {
	var walls, cpus []float64
	for i, t := range r.runs {
		walls = append(walls, float64(other.runs[i].wall)/float64(t.wall))
		cpus = append(cpus, float64(other.runs[i].cpu)/float64(max(t.cpu, 1)))
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	return walls[len(walls)/2], cpus[len(cpus)/2]
}

func pick[T, U any](list []T, of func(T) U) []U {
	var out []U
	for _, v := range list {
		out = append(out, of(v))
	}
	return out
}

// compare races and prints a line for each contestant: the medians for one of so
// many items, by the clock and of processors, and how many times faster than the
// last one it was.
func (e *env) compare(what string, items float64, cs []contestant) error {
	results, err := e.race(cs)
	if err != nil {
		return err
	}
	e.out.Flush()
	fmt.Println(what)
	last := results[len(results)-1]
	for _, r := range results {
		t := r.median()
		fmt.Printf("    %-28s %10s, processor %10s", r.name,
			ms(per(t.wall, items)), ms(per(t.cpu, items)))
		if r.name != last.name {
			wall, cpu := r.times(last)
			fmt.Printf("   %.2fx, processor %.2fx", wall, cpu)
		}
		fmt.Println()
	}
	return nil
}

func per(d time.Duration, items float64) time.Duration {
	return time.Duration(float64(d) / items)
}

// oneCore has run leave all but one processor alone. C code is not bound by it,
// but has no threads either where only one is asked for.
func oneCore(run func() error) error {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	return run()
}

// processorTime is what this process and its children that ended have taken.
func processorTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}
