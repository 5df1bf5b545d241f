//go:build !unix

package iiif

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
