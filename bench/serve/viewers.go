package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stria-j2k/stria/jp2"
)

// A tally is what viewers got.
type tally struct {
	mu        sync.Mutex
	shown     []time.Duration // tiles that came while they were in sight
	left      int             // requests dropped, out of sight
	refused   int             // 503
	failures  map[string]int  // all else
	bytes     int64
	firstFail string
}

// think is how long a viewer looks before it zooms or pans again.
const think = 400 * time.Millisecond

// slack is what the server may hold besides its budget, in bytes: open images,
// the answers under way, the program.
const slack = 64 << 20

// perViewer is how many tiles a viewer asks for at a time, as browsers do.
const perViewer = 6

// viewersMode has many viewers walk over the images at the same time.
func viewersMode(ctx context.Context, s setup) error {
	base, stop, err := startStria(ctx, s)
	if err != nil {
		return err
	}
	defer stop()
	for _, name := range s.images {
		f, err := jp2.Open(filepath.Join(s.data, name))
		if err != nil {
			return err
		}
		w := walk{full: f.Bounds().Size(), side: 256, levels: f.Header.Reduces(), viewport: image.Pt(1200, 800)}
		f.Close()
		var before, after Stats
		if err := stats(ctx, base, &before); err != nil {
			return err
		}
		t := &tally{failures: make(map[string]int)}
		start := time.Now()
		var wg sync.WaitGroup
		for i := range s.viewers {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(s.seed, uint64(i)))
				time.Sleep(time.Duration(rng.Int64N(int64(think))))
				view(ctx, fmt.Sprint(i), base+name, w, rng, s.steps, t)
			})
		}
		wg.Wait()
		took := time.Since(start)
		time.Sleep(200 * time.Millisecond) // what is under way ends
		if err := stats(ctx, base, &after); err != nil {
			return err
		}
		slices.Sort(t.shown)
		fmt.Printf("%s: %d viewers, %d steps each, %.1f s\n", name, s.viewers, s.steps, took.Seconds())
		fmt.Printf("  tiles shown %d, out of sight before they came %d, refused (503) %d, failed %v %s\n",
			len(t.shown), t.left, t.refused, t.failures, t.firstFail)
		fmt.Printf("  %d requests at the server, %d by viewers who left, %d of these before decoding had begun for them\n",
			after.Requests-before.Requests, after.Left-before.Left, after.LeftBefore-before.LeftBefore)
		runs, was := after.Runs, before.Runs
		tooLate := runs.TooLate - was.TooLate
		fmt.Printf("  decodes begun %d: done %d, stopped when all had left %d, done though all had left %d; begun when all had left %d\n",
			runs.Begun-was.Begun, runs.Done-was.Done, runs.Stopped-was.Stopped, runs.InVain-was.InVain, tooLate)
		if n := len(t.shown); n > 0 {
			fmt.Printf("  latency of tiles shown: median %.0f ms, p90 %.0f ms, p99 %.0f ms; %.1f MB/s\n",
				ms(t.shown[n/2]), ms(t.shown[n*9/10]), ms(t.shown[n*99/100]), float64(t.bytes)/1e6/took.Seconds())
		}
		fmt.Printf("  budget %d MiB, reserved at most %d MiB, resident at most %d MiB\n",
			s.budget>>20, after.Peak>>20, after.Resident>>20)
		if len(t.failures) > 0 || after.Resident > s.budget+slack {
			return fmt.Errorf("%s: failures, or more memory than the budget and %d MiB", name, slack>>20)
		}
	}
	return nil
}

// stats asks the server what it has counted.
func stats(ctx context.Context, base string, into *Stats) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base[:len(base)-len("iiif/2/")]+"stats", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(into)
}

// view is one viewer: at each step it asks for the tiles in sight that it does
// not have yet, and drops those under way that it no longer shows.
func view(ctx context.Context, viewer, base string, w walk, rng *rand.Rand, steps int, t *tally) {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: perViewer, MaxIdleConnsPerHost: perViewer}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	have := make(map[tileAt]bool)
	under := make(map[tileAt]context.CancelFunc)
	var wg sync.WaitGroup
	places := make(chan struct{}, perViewer)
	for tiles := range w.steps(rng, steps) {
		mu.Lock()
		for at, drop := range under {
			if !slices.Contains(tiles, at) {
				drop()
			}
		}
		for _, at := range tiles {
			if have[at] || under[at] != nil {
				continue
			}
			tileCtx, drop := context.WithCancel(ctx)
			under[at] = drop
			wg.Go(func() {
				select {
				case places <- struct{}{}:
					if ok := fetchTile(tileCtx, client, viewer, base, at, t); ok {
						mu.Lock()
						have[at] = true
						mu.Unlock()
					}
					<-places
				case <-tileCtx.Done(): // never sent: not counted
				}
				mu.Lock()
				delete(under, at)
				mu.Unlock()
				drop()
			})
		}
		mu.Unlock()
		time.Sleep(think/2 + time.Duration(rng.Int64N(int64(think))))
	}
	wg.Wait()
}

// fetchTile asks for one tile and tallies what came.
func fetchTile(ctx context.Context, client *http.Client, viewer, base string, at tileAt, t *tally) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/%d,%d,%d,%d/%d,%d/0/default.jpg", base,
		at.region.Min.X, at.region.Min.Y, at.region.Dx(), at.region.Dy(), at.size.X, at.size.Y), nil)
	if err != nil {
		return false
	}
	r.Header.Set("X-Viewer", viewer)
	start := time.Now()
	response, err := client.Do(r)
	status, n := 0, int64(0)
	if err == nil {
		status = response.StatusCode
		n, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	took := time.Since(start)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes += n
	switch {
	case ctx.Err() != nil:
		t.left++
	case err != nil:
		t.failures["error"]++
		t.firstFail = err.Error()
	case status == http.StatusServiceUnavailable:
		t.refused++
	case status != http.StatusOK:
		t.failures[http.StatusText(status)]++
		t.firstFail = r.URL.Path
	default:
		t.shown = append(t.shown, took)
		return true
	}
	return false
}
