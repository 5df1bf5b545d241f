//go:build cgo

package tier1

const built = "C"
