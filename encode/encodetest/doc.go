// Package encodetest checks that a file format keeps the promises of package
// encode. Whoever implements [encode.Format] calls [Run] in a test:
//
//	func TestFormat(t *testing.T) {
//		encodetest.Run(t, myformat.Format{}, encodetest.Options{Decode: myformat.Decode})
//	}
package encodetest
