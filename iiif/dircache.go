package iiif

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A DirCache is a [Cache] in a directory, which it makes when there is none. Any
// number of processes may share the directory. It survives restarts and crashes:
// a file appears under its name only when it is whole, and one that is damaged
// anyway is found by its checksum and dropped.
type DirCache struct {
	// Dir is the directory. Nothing else may be kept in it.
	Dir string

	// Bytes bounds what is kept; zero: 1 GiB; negative: no bound. When there
	// is more, what was not used for longest goes. Each process adds up to a
	// sixteenth more before it looks again at what is there.
	Bytes int64

	added    atomic.Int64 // bytes since the last sweep
	swept    atomic.Bool  // at least once
	sweeping sync.Mutex   // held while this process sweeps
}

const (
	defaultDirBytes = 1 << 30

	// A file's time is when it was last used, to within this much: writing
	// it at every use would turn reads into writes.
	touchEvery = time.Hour

	// A temporary file this old belongs to a process that crashed.
	abandonedAfter = time.Hour

	temporaryPrefix = ".new-"

	trailerLen = 4 // CRC-32C of what is before it, big-endian
)

func (d *DirCache) bytes() int64 {
	if d.Bytes == 0 {
		return defaultDirBytes
	}
	return d.Bytes
}

// name is where a key's file is: 256 folders keep each of them small.
func (d *DirCache) name(key Key) string {
	s := key.String()
	return filepath.Join(d.Dir, s[:2], s[2:])
}

func castagnoli(data []byte) uint32 {
	return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
}

// Get implements [Cache].
func (d *DirCache) Get(_ context.Context, key Key) ([]byte, error) {
	name := d.name(key)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("iiif: directory cache: %w", err)
	}
	n := len(b) - trailerLen
	if n < 0 || castagnoli(b[:n]) != be32(b[n:]) {
		_ = os.Remove(name) // if that fails, it is found damaged again
		return nil, fmt.Errorf("iiif: directory cache: %s is damaged: %w", name, fs.ErrNotExist)
	}
	now := time.Now()
	if info, err := os.Stat(name); err == nil && now.Sub(info.ModTime()) > touchEvery {
		_ = os.Chtimes(name, now, now) // it only goes sooner than it should
	}
	return b[:n:n], nil
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// Put implements [Cache].
func (d *DirCache) Put(_ context.Context, key Key, data []byte) error {
	limit := d.bytes()
	if limit > 0 && int64(len(data)) > limit/8 {
		return nil
	}
	if err := d.write(d.name(key), data); err != nil {
		return fmt.Errorf("iiif: directory cache: %w", err)
	}
	if limit < 0 {
		return nil
	}
	added := d.added.Add(int64(len(data)))
	if added > limit/16 || d.swept.CompareAndSwap(false, true) {
		if err := d.sweep(limit); err != nil {
			return fmt.Errorf("iiif: directory cache: %w", err)
		}
	}
	return nil
}

// write makes the file appear under its name whole or not at all.
func (d *DirCache) write(name string, data []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, temporaryPrefix)
	if err != nil {
		return err
	}
	sum := castagnoli(data)
	_, err = f.Write(data)
	if err == nil {
		_, err = f.Write([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// sweep looks at what all processes have put into the directory and removes
// what is too much. It does nothing when a sweep is under way.
func (d *DirCache) sweep(limit int64) error {
	if !d.sweeping.TryLock() {
		return nil
	}
	defer d.sweeping.Unlock()
	d.added.Store(0)

	type file struct {
		name string
		size int64
		used time.Time
	}
	var files []file
	var total int64
	now := time.Now()
	err := filepath.WalkDir(d.Dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return ignoreGone(err)
		}
		info, err := entry.Info()
		if err != nil {
			return ignoreGone(err)
		}
		if strings.HasPrefix(entry.Name(), temporaryPrefix) {
			if now.Sub(info.ModTime()) > abandonedAfter {
				return ignoreGone(os.Remove(name))
			}
			return nil
		}
		files = append(files, file{name, info.Size(), info.ModTime()})
		total += info.Size()
		return nil
	})
	if err != nil || total <= limit {
		return err
	}
	slices.SortFunc(files, func(a, b file) int { return a.used.Compare(b.used) })
	// Some more than necessary, so that the next sweep is not soon.
	for _, f := range files {
		if total <= limit-limit/16 {
			break
		}
		if err := ignoreGone(os.Remove(f.name)); err != nil {
			return err
		}
		total -= f.size
	}
	return nil
}

// ignoreGone is err unless it says that a file is not there: another process
// sweeps too.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
