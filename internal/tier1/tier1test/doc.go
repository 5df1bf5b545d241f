// Package tier1test encodes and decodes code-blocks as Annexes C and D are written, one
// decision after the other: it has the twins that package tier1 is held against, and
// makes the blocks of test images.
package tier1test
