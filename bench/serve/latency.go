package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stria-j2k/stria/jp2"
)

// A rival is a server to measure.
type rival struct {
	name, base string
	client     *http.Client // of one connection
}

// latency prints the median latency of each kind of tile of each image.
func latency(ctx context.Context, s setup) error {
	var rivals []rival
	for _, r := range []struct {
		name  string
		start func(context.Context, setup) (string, func(), error)
	}{{"stria", startStria}, {"iipsrv", startIIPSrv}} {
		base, stop, err := r.start(ctx, s)
		if err != nil {
			fmt.Fprintf(os.Stderr, "without %s: %v\n", r.name, err)
			continue
		}
		defer stop()
		rivals = append(rivals, rival{r.name, base, &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}})
	}
	fmt.Printf("%-28s %5s %5s", "image", "tile", "scale")
	for _, r := range rivals {
		fmt.Printf(" %10s %9s", r.name+" ms", "p90")
	}
	fmt.Println("     ratio")
	for _, name := range s.images {
		f, err := jp2.Open(filepath.Join(s.data, name))
		if err != nil {
			return err
		}
		full := f.Bounds().Size()
		f.Close()
		for _, tile := range []int{256, 512} {
			for _, scale := range []int{1, 4} {
				took := make([][]time.Duration, len(rivals))
				side := tile * scale
				columns, rows := full.X/side, full.Y/side
				order := rand.New(rand.NewPCG(s.seed, uint64(side))).Perm(columns * rows)
				for i, at := range order[:min(s.tiles, len(order))] {
					path := fmt.Sprintf("%s/%d,%d,%d,%d/%d,/0/default.jpg", name,
						at%columns*side, at/columns*side, side, side, tile)
					// In turn, so that what else the machine does hits all.
					for j := range rivals {
						k := (i + j) % len(rivals)
						d, err := get(ctx, rivals[k], path)
						if err != nil {
							return err
						}
						took[k] = append(took[k], d)
					}
				}
				fmt.Printf("%-28s %5d %5d", name, tile, scale)
				for _, d := range took {
					slices.Sort(d)
					fmt.Printf(" %10.2f %9.2f", ms(d[len(d)/2]), ms(d[len(d)*9/10]))
				}
				if len(took) > 1 {
					fmt.Printf(" %8.2fx", ms(took[1][len(took[1])/2])/ms(took[0][len(took[0])/2]))
				}
				fmt.Println()
			}
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// get asks for a tile and reads it to the end.
func get(ctx context.Context, r rival, path string) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, nil)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	response, err := r.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	took := time.Since(start)
	if err == nil && (response.StatusCode != http.StatusOK || n < 100) {
		err = fmt.Errorf("%s: %s of %s: %d bytes", r.name, response.Status, path, n)
	}
	return took, err
}
