// This file implements the pool of a run's workers: what they do next, and how
// they share the processors with other runs.

package tile

import (
	"context"
	"sync"
)

// The kinds of work, the most urgent first: what is further down the pipeline
// frees memory for what is behind it.
const (
	paintWork = iota
	synthesisWork
	blockWork
	workKinds
)

// A task is something for a worker to do. Its error ends the run.
type task func(w *worker) error

// A pool hands the tasks of a run to its workers: of each kind first in, first
// out, and none before those of more urgent kinds. For each task a worker takes
// one of the places of the [Budget], so that runs take turns.
type pool struct {
	mu     sync.Mutex
	some   sync.Cond
	queues [workKinds]queue[task]
	closed bool
}

func newPool() *pool {
	p := new(pool)
	p.some.L = &p.mu
	return p
}

// add queues a task.
func (p *pool) add(kind int, t task) {
	p.mu.Lock()
	p.queues[kind].push(t)
	p.mu.Unlock()
	p.some.Signal()
}

// take waits for a task; nil when the pool is closed.
func (p *pool) take() task {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed {
		for k := range p.queues {
			if t, ok := p.queues[k].pop(); ok {
				return t
			}
		}
		p.some.Wait()
	}
	return nil
}

// close lets workers go once they are done with their task. What is queued is
// dropped.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.some.Broadcast()
}

// work does tasks until the pool is closed, the context ends or one fails. w is
// for this goroutine only.
func (p *pool) work(ctx context.Context, b *Budget, w *worker) error {
	for {
		t := p.take()
		if t == nil {
			return nil
		}
		done, err := b.work(ctx)
		if err != nil {
			return err
		}
		err = t(w)
		done()
		if err != nil {
			return err
		}
	}
}

// A queue is first in, first out.
type queue[T any] struct {
	items []T
	first int
}

func (q *queue[T]) push(v T) {
	if q.first > 0 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

func (q *queue[T]) pop() (v T, ok bool) {
	if q.first == len(q.items) {
		return v, false
	}
	var zero T
	v, q.items[q.first] = q.items[q.first], zero
	q.first++
	return v, true
}

// peek gives what pop would.
func (q *queue[T]) peek() (v T, ok bool) {
	if q.first == len(q.items) {
		return v, false
	}
	return q.items[q.first], true
}
