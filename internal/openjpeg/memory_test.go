//go:build cgo && linux && !asan && !msan && !race

// This file measures what Cost.Memory states: the growth of a process that
// decodes one codestream.

package openjpeg

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A measurement is a codestream and the window of it to decode, in one piece or
// in strips of that height.
type measurement struct {
	Name   string
	Bounds image.Rectangle
	Components, Levels, Block,
	Precinct int
	Reversible bool
	Body       int
	Area       image.Rectangle
	Strip      int
	Threads    int
}

var measurements = []measurement{
	{"many components", image.Rect(0, 0, 64, 64), 256, 5, 6, 0, true, 1, image.Rect(0, 0, 64, 64), 0, 1},
	{"many blocks", image.Rect(0, 0, 16384, 16384), 1, 5, 6, 0, true, 1, image.Rect(0, 0, 64, 64), 0, 1},
	{"small blocks", image.Rect(0, 0, 1024, 1024), 1, 5, 2, 0, true, 1, image.Rect(0, 0, 64, 64), 0, 1},
	{"many precincts", image.Rect(0, 0, 1024, 1024), 3, 5, 6, 4, true, 1, image.Rect(0, 0, 64, 64), 0, 1},
	{"large body", image.Rect(0, 0, 1024, 1024), 1, 5, 6, 0, true, 8 << 20, image.Rect(0, 0, 64, 64), 0, 1},
	{"whole", image.Rect(0, 0, 1024, 1024), 3, 5, 6, 0, false, 1, image.Rect(0, 0, 1024, 1024), 0, 1},
	{"window", image.Rect(0, 0, 4096, 4096), 3, 5, 6, 0, false, 1, image.Rect(1000, 1000, 1256, 1256), 0, 1},
	{"larger window", image.Rect(0, 0, 4096, 4096), 3, 5, 6, 0, true, 1, image.Rect(1000, 1000, 1900, 1700), 0, 1},
	{"wide window", image.Rect(0, 0, 8192, 1024), 1, 5, 6, 0, true, 1, image.Rect(0, 256, 8192, 320), 0, 1},
	{"walk", image.Rect(0, 0, 2048, 1024), 3, 5, 6, 8, false, 1, image.Rect(0, 0, 2048, 1024), 128, 1},
	{"threads", image.Rect(0, 0, 4096, 4096), 3, 5, 6, 0, false, 1, image.Rect(1000, 1000, 1256, 1256), 0, 4},
	{"many threads", image.Rect(0, 0, 4096, 4096), 3, 5, 6, 0, true, 1, image.Rect(1000, 1000, 1900, 1700), 0, maxThreads},
}

func (m *measurement) geometry() *geometry {
	return &geometry{m.Bounds, m.Components, m.Levels, m.Block, m.Precinct, m.Reversible, m.Body}
}

// strips are the windows, top to bottom.
func (m *measurement) strips() []image.Rectangle {
	if m.Strip == 0 {
		return []image.Rectangle{m.Area}
	}
	var strips []image.Rectangle
	for y := m.Area.Min.Y; y < m.Area.Max.Y; y += m.Strip {
		strips = append(strips, image.Rect(m.Area.Min.X, y, m.Area.Max.X, y+m.Strip).Intersect(m.Area))
	}
	return strips
}

// cost is what Cost says of the measurement.
func (m *measurement) cost() *Cost {
	g := m.geometry()
	c := &Cost{
		Components: m.Components, Levels: m.Levels, Tile: m.Bounds, Bytes: int64(len(g.stream())),
		Windows: len(m.strips()), Threads: m.Threads,
	}
	for _, s := range m.strips() {
		var coefficients int64
		c.Blocks, c.Precincts, coefficients = g.counts(s)
		c.Coefficients = max(c.Coefficients, coefficients)
		c.Samples = max(c.Samples, int64(s.Dx()*s.Dy()*m.Components))
		if s.Dy() > c.Window.Dy() {
			c.Window = s
		}
	}
	return c
}

// childVariable carries the measurement to the process that makes it.
const childVariable = "STRIA_TEST_MEASUREMENT"

// TestMain is the child process when there is a measurement to make.
func TestMain(m *testing.M) {
	text := os.Getenv(childVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var c measurement
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		panic(err)
	}
	peak, err := c.make()
	if err != nil {
		panic(err)
	}
	fmt.Println(peak)
}

// make decodes and returns by how many bytes the resident set has grown at most.
func (m *measurement) make() (int64, error) {
	stream := m.geometry().stream()
	strips := m.strips()
	planes := make([][]Plane, len(strips))
	for i, s := range strips {
		for range m.Components {
			planes[i] = append(planes[i], newPlane(s, 8, false))
		}
	}
	debug.FreeOSMemory()
	debug.SetGCPercent(-1)

	// Once for what is allocated once.
	small := geometry{image.Rect(0, 0, 8, 8), 1, 1, 4, 0, true, 1}
	d, err := Open(small.stream(), 1)
	if err != nil {
		return 0, err
	}
	if err := d.DecodeAll([]Plane{newPlane(small.bounds, 8, false)}); err != nil {
		return 0, err
	}
	d.Close()

	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return 0, err // it resets VmHWM
	}
	before := status("VmRSS")
	d, err = Open(stream, m.Threads)
	if err != nil {
		return 0, err
	}
	defer d.Close()
	for i, s := range strips {
		if s == d.Bounds() {
			err = d.DecodeAll(planes[i])
		} else {
			err = d.Decode(s, planes[i])
		}
		if err != nil {
			return 0, err
		}
	}
	return status("VmHWM") - before, nil
}

// status is a figure of the process's status, in bytes.
func status(key string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

func TestCostMemory(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	for _, m := range measurements {
		t.Run(m.Name, func(t *testing.T) {
			text, err := json.Marshal(m)
			require.NoError(t, err)
			child := exec.Command(self)
			child.Env = append(os.Environ(), childVariable+"="+string(text))
			out, err := child.CombinedOutput()
			require.NoError(t, err, "%s", out)
			peak, err := strconv.ParseInt(string(bytes.TrimSpace(out)), 10, 64)
			require.NoError(t, err, "%s", out)
			bound := m.cost().Memory()
			t.Logf("peak %d, bound %d: %.2f", peak, bound, float64(bound)/float64(peak))
			// Code that is run for the first time and what the Go runtime does
			// meanwhile are resident too.
			slack := int64(1 << 20)
			if m.Strip > 0 {
				slack += trimAfter
			}
			require.LessOrEqual(t, peak, bound+slack)
			require.LessOrEqual(t, bound, peak*4/3+1<<20, "a bound, but not a close one")
		})
	}
}
