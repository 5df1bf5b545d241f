// Package httest encodes High-Throughput code-blocks (ISO/IEC 15444-15), straight from the
// standard and slowly: it is the twin that package ht is held against, and makes the
// blocks of test images.
package httest
