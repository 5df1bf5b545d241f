package iiif

// This file implements the numbers of the grammar (4 and 4.7) and arithmetic
// on them that neither rounds where it must not nor overflows.

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// fractionDigits is the number of digits behind the point that a decimal
// keeps. Version 2.1, section 4, asks clients for at most ten; a double
// printed by a browser has up to sixteen.
const fractionDigits = 18

// fractionUnit is one, in units of the last of those digits.
const fractionUnit = 1_000_000_000_000_000_000

// A decimal is a non-negative number of the grammar: digits, or digits with a
// point. No sign, no exponent.
type decimal struct {
	whole    uint64 // at most fractionUnit, which stands for all above it too
	fraction uint64 // below fractionUnit, in units of 1e-18
}

// parseDecimal reads a decimal. Digits behind the eighteenth do not count, and
// numbers above 10^18 become that: as percentages of anything there is, neither
// makes a difference.
func parseDecimal(s string) (decimal, bool) {
	whole, fraction, point := strings.Cut(s, ".")
	if whole == "" && fraction == "" || point && fraction == "" {
		return decimal{}, false
	}
	if !digits(whole) || !digits(fraction) {
		return decimal{}, false
	}
	d := decimal{whole: saturated(whole, fractionUnit)}
	if d.whole == fractionUnit {
		return d, true
	}
	if len(fraction) > fractionDigits {
		fraction = fraction[:fractionDigits]
	}
	d.fraction = saturated(fraction, fractionUnit)
	for range fractionDigits - len(fraction) {
		d.fraction *= 10
	}
	return d, true
}

// String writes d as section 4.7 asks: as an integer where it is one, with a
// leading 0 and without trailing zeros where it is not.
func (d decimal) String() string {
	s := strconv.FormatUint(d.whole, 10)
	if d.fraction == 0 {
		return s
	}
	f := strconv.FormatUint(d.fraction, 10)
	f = strings.Repeat("0", fractionDigits-len(f)) + f
	return s + "." + strings.TrimRight(f, "0")
}

// less reports whether d < e.
func (d decimal) less(e decimal) bool {
	return d.whole < e.whole || d.whole == e.whole && d.fraction < e.fraction
}

// percentOf is d percent of n, rounded half up; n is not negative. What does
// not fit an int64 becomes the largest one.
func (d decimal) percentOf(n int64) int64 {
	// n*whole/100 and n*fraction/(100*10^18), on one denominator.
	hi, lo := bits.Mul64(uint64(n), d.whole)
	if hi >= 50 {
		return math.MaxInt64
	}
	quotient, rest := bits.Div64(hi, lo, 100)
	if quotient > math.MaxInt64 {
		return math.MaxInt64
	}
	// What is behind the point counts in hundredths of a hundredth part; the
	// remainder of that division is below one of them and cannot reach a half.
	hi, lo = bits.Mul64(uint64(n), d.fraction)
	hundredths, _ := bits.Div64(hi, lo, fractionUnit)
	hundredths += rest
	quotient += hundredths / 100
	if hundredths%100 >= 50 {
		quotient++
	}
	if quotient > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(quotient)
}

// float is d as a float64.
func (d decimal) float() float64 {
	return float64(d.whole) + float64(d.fraction)/fractionUnit
}

// parseInteger reads a non-negative integer. Those above the largest int64
// become that, which is beyond every image's edge and every limit.
func parseInteger(s string) (int64, bool) {
	if s == "" || !digits(s) {
		return 0, false
	}
	return int64(saturated(s, math.MaxInt64)), true
}

// digits reports whether s has nothing but decimal digits.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// saturated is the value of the digits s, but no more than most, which is at
// most the largest int64.
func saturated(s string, most uint64) uint64 {
	var n uint64
	for i := range len(s) {
		digit := uint64(s[i] - '0')
		if n > (most-digit)/10 {
			return most
		}
		n = n*10 + digit
	}
	return n
}

// mulDiv is a*b/c rounded half up, for a and b not negative and c positive. What
// does not fit an int64 becomes the largest one.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) {
		return math.MaxInt64
	}
	quotient, rest := bits.Div64(hi, lo, uint64(c))
	if rest >= uint64(c)-rest {
		quotient++
	}
	if quotient > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(quotient)
}
