package overload

import (
	"sync"
	"time"
)

// An Estimator learns how long work takes from work that was done. The zero
// value knows nothing yet and estimates 0. It is safe for concurrent use.
type Estimator struct {
	mu   sync.Mutex
	rate float64 // nanoseconds a unit
}

// weight is how much an observation counts against all before it.
const weight = 0.05

// Observe learns that so many units of work took so long.
func (e *Estimator) Observe(units int64, took time.Duration) {
	if units <= 0 || took <= 0 {
		return
	}
	rate := float64(took) / float64(units)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rate == 0 {
		e.rate = rate
	}
	e.rate += weight * (rate - e.rate)
}

// Estimate is how long so many units are going to take.
func (e *Estimator) Estimate(units int64) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Duration(e.rate * float64(max(units, 0)))
}
