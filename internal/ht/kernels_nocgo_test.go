//go:build !cgo

package ht

var kernels = []kernel{{"Go", Decoder{inGo: true}}}
