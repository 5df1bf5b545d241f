// Package remote reads images that are somewhere else: an [Object] is an
// [io.ReaderAt] over ranges of an HTTP resource, and of anything else that has
// ranges ([Getter]; package gocloud has it for buckets).
//
//	object, err := remote.OpenURL(ctx, nil, "https://example.org/scan.jp2", remote.Options{})
//	...
//	defer object.Close()
//	file, err := jp2.NewFile(object, object.Size())
//
// # What a request costs
//
// A request takes tens of milliseconds however few bytes it asks for, so they
// are what is to be saved. Small reads go through a cache of blocks of 16 KiB,
// and what is missing is asked for with some more after it: the first 80 KiB,
// which opening an Object reads, usually hold all that jp2.NewFile wants.
// Blocks that are on their way are not asked for again, and blocks that follow
// each other are one request. Reads of 256 KiB and more go past the cache.
//
// A tile.Decoder reads several ranges at the same time, and merges those that
// lie close together. Where requests are slow, more of both is better than its
// defaults, which are for files:
//
//	dec := tile.Decoder{Gap: 64 << 10, Reads: 16}
//
// An image without packet lengths (PLT) is read almost from end to end before its
// first tile is known: Sidecar of its codestream.Index keeps what was found out.
//
// Connections are the client's. Of http.DefaultTransport only two to each host
// are kept for the next request, which is less than a Decoder uses:
//
//	transport := http.DefaultTransport.(*http.Transport).Clone()
//	transport.MaxIdleConnsPerHost = 32
//	client := &http.Client{Transport: transport}
//
// # Failures
//
// Requests that fail in a way that may pass are made again after a while: errors
// of the network, answers that break off or take too long, and the statuses 408,
// 429 and 5xx, with respect to Retry-After. What has arrived is kept, and the
// rest asked for. An Object is of one version of what it reads, told by a strong
// ETag, or else a weak one, the time of change and the size; once there is another
// version, everything fails with [ErrChanged].
//
// What a server says is not believed: it cannot make an Object read more than was
// asked for, or take bytes for others. Which addresses may be asked at all is for
// the client to decide, by CheckRedirect and its Transport's DialContext, where
// they come from strangers.
package remote
