package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// parseBytes reads a number of bytes such as "512MiB".
func parseBytes(s string) (int64, error) {
	unit := int64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB"} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = number, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return 0, errors.New("not a number of bytes")
	}
	return n * unit, nil
}
