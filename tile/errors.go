package tile

import (
	"errors"
	"fmt"
)

// ErrRequest is what errors about a request that the image cannot answer match
// with [errors.Is]: the caller's fault.
var ErrRequest = errors.New("tile: bad request")

// ErrBudget is what errors about limits match with [errors.Is]: the request is
// sound, but more than the [Budget] allows.
var ErrBudget = errors.New("tile: over budget")

// A BudgetError says how much memory would have done. It matches [ErrBudget].
type BudgetError struct {
	Need  int64 // bytes
	Limit int64 // bytes
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("tile: over budget: needs %d bytes of %d", e.Need, e.Limit)
}

// Is reports whether target is [ErrBudget].
func (e *BudgetError) Is(target error) bool { return target == ErrBudget }

func requestError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRequest, fmt.Sprintf(format, args...))
}

// errUnclaimed is about coefficients that the synthesis asks for too early.
var errUnclaimed = errors.New("tile: coefficients were not claimed (bug)")
