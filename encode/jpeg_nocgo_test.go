//go:build !cgo

package encode_test

const noCgo = true
