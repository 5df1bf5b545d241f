package bucket

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing may run on when all tests have ended.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
