//go:build !cgo

package ht

func (d *Decoder) decode(dst []int32, p *parameters) error { return d.decodeGo(dst, p) }
