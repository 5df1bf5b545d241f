package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/jp2"
	"github.com/stria-j2k/stria/tile"
)

// A browser is a headless Chromium with one page, spoken to by its DevTools
// protocol over a pair of pipes: JSON messages with a NUL after each.
type browser struct {
	to      io.WriteCloser
	session string

	mu       sync.Mutex
	last     int
	waiting  map[int]chan devToolsMessage
	console  []string // errors and warnings
	failures []string // of requests
	requests int
}

type devToolsMessage struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct{ Message string }
}

// startBrowser starts Chromium with a page of the given size in pixels. It skips
// the test when there is none.
func startBrowser(t *testing.T, width, height int) *browser {
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip(err)
	}
	fromUs, to, err := os.Pipe()
	require.NoError(t, err)
	from, toUs, err := os.Pipe()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	// Nothing but the page under test is to be asked for.
	c := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-dev-shm-usage", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	c.ExtraFiles = []*os.File{fromUs, toUs}
	c.WaitDelay = 5 * time.Second
	require.NoError(t, c.Start())
	fromUs.Close()
	toUs.Close()
	b := &browser{to: to, waiting: make(map[int]chan devToolsMessage)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.listen(from)
	}()
	t.Cleanup(func() {
		// Told to end, it takes all its processes with it.
		b.call(t, "Browser.close", nil, nil)
		_ = c.Wait()
		cancel()
		to.Close()
		<-done
		from.Close()
	})

	var target struct{ TargetID string }
	b.call(t, "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(t, domain+".enable", nil, nil)
	}
	b.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	return b
}

// listen takes what the browser says until it ends.
func (b *browser) listen(from io.Reader) {
	var pending []byte
	chunk := make([]byte, 64<<10)
	for {
		n, err := from.Read(chunk)
		pending = append(pending, chunk[:n]...)
		for {
			message, rest, ok := bytes.Cut(pending, []byte{0})
			if !ok {
				break
			}
			var m devToolsMessage
			if json.Unmarshal(message, &m) == nil {
				b.take(m)
			}
			pending = rest
		}
		if err != nil {
			return
		}
	}
}

func (b *browser) take(m devToolsMessage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.ID != 0 {
		if c := b.waiting[m.ID]; c != nil {
			delete(b.waiting, m.ID)
			c <- m
		}
		return
	}
	var p struct {
		Type     string
		Entry    struct{ Level, Text, URL string }
		Canceled bool
		Response struct {
			Status int
			URL    string
		}
		ErrorText string
	}
	_ = json.Unmarshal(m.Params, &p) // what is missing stays empty
	switch m.Method {
	case "Runtime.exceptionThrown":
		b.console = append(b.console, string(m.Params))
	case "Runtime.consoleAPICalled":
		if p.Type == "error" || p.Type == "warning" || p.Type == "assert" {
			b.console = append(b.console, string(m.Params))
		}
	case "Log.entryAdded":
		if p.Entry.Level == "error" {
			b.console = append(b.console, p.Entry.Text+" "+p.Entry.URL)
		}
	case "Network.requestWillBeSent":
		b.requests++
	case "Network.responseReceived":
		if p.Response.Status >= 400 {
			b.failures = append(b.failures, fmt.Sprint(p.Response.Status, " ", p.Response.URL))
		}
	case "Network.loadingFailed":
		if !p.Canceled {
			b.failures = append(b.failures, p.ErrorText)
		}
	}
}

// call calls a method and waits for its result.
func (b *browser) call(t *testing.T, method string, params, result any) {
	t.Helper()
	if params == nil {
		params = struct{}{}
	}
	answer := make(chan devToolsMessage, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = answer
	b.mu.Unlock()
	message, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params, "sessionId": b.session})
	if b.session == "" {
		message, err = json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	}
	require.NoError(t, err)
	_, err = b.to.Write(append(message, 0))
	require.NoError(t, err)
	select {
	case m := <-answer:
		require.Nil(t, m.Error, "%s: %+v", method, m.Error)
		if result != nil {
			require.NoError(t, json.Unmarshal(m.Result, result))
		}
	case <-time.After(60 * time.Second):
		require.FailNow(t, "no answer", method)
	}
}

// eval runs an expression, waits for it if it is a promise, and returns its
// value.
func (b *browser) eval(t *testing.T, expression string) any {
	t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	require.Empty(t, string(r.ExceptionDetails), expression)
	return r.Result.Value
}

// mouse sends a mouse event.
func (b *browser) mouse(t *testing.T, kind string, x, y int, more map[string]any) {
	params := map[string]any{"type": kind, "x": x, "y": y, "button": "left"}
	maps.Copy(params, more)
	b.call(t, "Input.dispatchMouseEvent", params, nil)
}

// screenshot is what is to be seen.
func (b *browser) screenshot(t *testing.T) image.Image {
	var shot struct{ Data string }
	b.call(t, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	require.NoError(t, err)
	m, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	return m
}

// settled waits until all tiles in sight are there and nothing moves.
const settled = `(async () => {
	const end = Date.now() + 30000;
	for (let quiet = 0; quiet < 5; ) {
		if (Date.now() > end) throw new Error('not settled');
		await new Promise((done) => setTimeout(done, 50));
		const item = window.viewer && viewer.world.getItemAt(0);
		quiet = item && item.getFullyLoaded() && !viewer.isAnimating() ? quiet + 1 : 0;
	}
})()`

func TestInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	if _, err := fs.Stat(viewer, "viewer/openseadragon/openseadragon.min.js"); err != nil {
		t.Skip("the viewer is not built in (run make demo-serve)")
	}
	const width, height = 640, 480
	b := startBrowser(t, width, height)

	var mu sync.Mutex
	tiles := make(map[string]int) // how often each was served
	var broken []string
	s := newServer(directory("../testdata"), 0, nil, func(r iiif.Report) {
		mu.Lock()
		defer mu.Unlock()
		if r.Status == http.StatusOK && r.Err == nil {
			tiles[r.Request.URL.Path]++
		} else if r.Request.Context().Err() == nil {
			broken = append(broken, fmt.Sprint(r.Status, " ", r.Request.URL.Path, " ", r.Err))
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, s, listener, time.Second) }()
	defer func() {
		cancel()
		require.NoError(t, <-ended)
	}()

	b.call(t, "Page.navigate", map[string]any{"url": "http://" + listener.Addr().String() + "/?id=sample.jp2"}, nil)
	b.eval(t, settled)
	require.Equal(t, "sample.jp2 · Stria", b.eval(t, "document.title"))

	// Zoom in with the wheel, and pan by dragging, without long animations.
	b.eval(t, `for (const spring of ['centerSpringX', 'centerSpringY', 'zoomSpring']) {
		viewer.viewport[spring].animationTime = 0.1;
	}`)
	at := image.Pt(width/2, height/2)
	served := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(tiles)
	}
	atHome := served()
	require.Positive(t, atHome)
	for range 4 {
		b.mouse(t, "mouseWheel", at.X, at.Y, map[string]any{"deltaX": 0, "deltaY": -240})
		b.eval(t, settled)
	}
	require.Greater(t, served(), atHome)
	centre := func() any {
		return b.eval(t, "(() => { const c = viewer.viewport.getCenter(); return [c.x.toFixed(4), c.y.toFixed(4)]; })()")
	}
	for _, by := range []image.Point{{-200, -150}, {250, 80}, {-60, 160}} {
		before := centre()
		b.mouse(t, "mousePressed", at.X, at.Y, map[string]any{"clickCount": 1})
		for step := 1; step <= 5; step++ {
			b.mouse(t, "mouseMoved", at.X+by.X*step/5, at.Y+by.Y*step/5, map[string]any{"buttons": 1})
		}
		b.mouse(t, "mouseReleased", at.X+by.X, at.Y+by.Y, map[string]any{"clickCount": 1})
		b.eval(t, settled)
		require.NotEqual(t, before, centre())
	}

	// One to one, the image's pixel (x0,y0) in the corner of the viewer.
	f, err := jp2.Open("../testdata/sample.jp2")
	require.NoError(t, err)
	defer f.Close()
	full := f.Bounds().Size()
	place := b.eval(t, `(() => {
		const box = viewer.container.getBoundingClientRect();
		return [box.left, box.top, viewer.container.clientWidth, viewer.container.clientHeight];
	})()`).([]any)
	left, top := int(place[0].(float64)), int(place[1].(float64))
	w, h := int(place[2].(float64)), int(place[3].(float64))
	w, h = min(w, full.X)&^1, min(h, full.Y)&^1
	x0, y0 := (full.X-w)/2, (full.Y-h)/2
	b.eval(t, fmt.Sprintf(`(() => {
		const item = viewer.world.getItemAt(0);
		viewer.navigator.element.style.display = 'none';
		viewer.setControlsEnabled(false);
		viewer.viewport.zoomTo(item.imageToViewportZoom(1), null, true);
		const box = viewer.container.getBoundingClientRect();
		viewer.viewport.panTo(item.imageToViewportCoordinates(%d + box.width / 2, %d + box.height / 2), true);
	})()`, x0, y0))
	b.eval(t, settled)
	time.Sleep(500 * time.Millisecond) // controls fade
	shot := b.screenshot(t)
	plan, err := new(tile.Decoder).Plan(f, tile.Request{Region: image.Rect(x0, y0, x0+w, y0+h)})
	require.NoError(t, err)
	want, err := plan.Image(t.Context())
	require.NoError(t, err)
	// The controls stand in the upper left corner.
	inner := image.Rect(w/4, h/4, w-8, h-8)
	difference := func(dx, dy int) float64 {
		sum, n := 0, 0
		for y := inner.Min.Y; y < inner.Max.Y; y += 2 {
			for x := inner.Min.X; x < inner.Max.X; x += 2 {
				r, g, b, _ := shot.At(left+x+dx, top+y+dy).RGBA()
				wr, wg, wb, _ := want.At(x, y).RGBA()
				for _, d := range []int{int(r>>8) - int(wr>>8), int(g>>8) - int(wg>>8), int(b>>8) - int(wb>>8)} {
					sum += max(d, -d)
					n++
				}
			}
		}
		return float64(sum) / float64(n)
	}
	exact := difference(0, 0)
	t.Logf("%d tiles, %d requests, mean difference %.2f, shifted by a pixel %.2f", served(), b.requests, exact, difference(1, 0))
	require.Less(t, exact, 4.0, "levels of 256; JPEG takes some")
	require.Less(t, exact, difference(1, 0))
	require.Less(t, exact, difference(0, -1))

	mu.Lock()
	defer mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(t, b.console)
	require.Empty(t, b.failures)
	require.Empty(t, broken)
}
