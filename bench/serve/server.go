package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stria-j2k/stria/encode"
	"github.com/stria-j2k/stria/iiif"
	"github.com/stria-j2k/stria/tile"
)

// Stats are what the server counts.
type Stats struct {
	Requests   int64
	Left       int64 // of these, by clients who left before they had all
	LeftBefore int64 // of these, before decoding had begun for them
	Runs       Runs
	Peak       int64 // bytes reserved at most
	Resident   int64 // bytes of memory held at most, as the kernel counts
}

// Runs counts decodes, which identical requests share. Those begun are the sum of
// the next three.
type Runs struct {
	Begun   int64
	Done    int64
	Stopped int64 // everyone had left
	InVain  int64 // done, though everyone had left meanwhile
	TooLate int64 // begun when everyone had left already
}

// A counter counts, and is the format of what is counted.
type counter struct {
	encode.Format
	mu sync.Mutex
	Stats
}

// begun is the key of a *bool in a request's context: decoding has begun for it.
type begun struct{}

// Encode implements encode.Format. Its context is that of the first who asked,
// but ends when everyone has left.
func (c *counter) Encode(ctx context.Context, w io.Writer, src encode.Source) error {
	c.count(func() {
		c.Runs.Begun++
		if ctx.Err() != nil {
			c.Runs.TooLate++
		}
		*ctx.Value(begun{}).(*bool) = true
	})
	err := c.Format.Encode(ctx, w, src)
	c.count(func() {
		switch {
		case ctx.Err() == nil:
			c.Runs.Done++
		case err != nil:
			c.Runs.Stopped++
		default:
			c.Runs.InVain++
		}
	})
	return err
}

// report counts an answer.
func (c *counter) report(r iiif.Report) {
	ctx := r.Request.Context()
	c.count(func() {
		c.Requests++
		if ctx.Err() == nil {
			return
		}
		c.Left++
		if !*ctx.Value(begun{}).(*bool) {
			c.LeftBefore++
		}
	})
}

func (c *counter) count(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// server serves the images until ctx ends. It is a process of its own, so that
// its memory can be told from the clients'.
func server(ctx context.Context, s setup, addr string) error {
	budget := &tile.Budget{Bytes: s.budget}
	c := &counter{Format: encode.JPEG{}}
	h := &iiif.Handler{Version: iiif.V2, Source: iiif.Dir(s.data), Decoder: &tile.Decoder{Budget: budget},
		// Viewers here all come from one address.
		Client:  func(r *http.Request) string { return r.Header.Get("X-Viewer") },
		Report:  c.report,
		Formats: map[string]encode.Format{"jpg": c}}
	mux := http.NewServeMux()
	mux.Handle("/iiif/2/", http.StripPrefix("/iiif/2/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), begun{}, new(bool))))
	})))
	mux.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) {
		c.count(func() {
			c.Peak, c.Resident = budget.Peak(), resident("self")
			_ = json.NewEncoder(w).Encode(c.Stats)
		})
	})
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	hs := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = hs.Close() })
	if err := hs.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

// resident is the most memory that a process has held, in bytes.
func resident(process string) int64 {
	status, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kib, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// freeAddr is an address to listen at.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// startStria starts this program as a server and returns the URL before its
// identifiers.
func startStria(ctx context.Context, s setup) (base string, stop func(), err error) {
	addr, err := freeAddr()
	if err != nil {
		return "", nil, err
	}
	c := exec.Command(os.Args[0], "-mode", "server", "-addr", addr, "-data", s.data,
		"-images", strings.Join(s.images, ","), "-budget", strconv.FormatInt(s.budget>>20, 10))
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	}
	base = "http://" + addr + "/iiif/2/"
	return base, stop, await(ctx, base+s.images[0]+"/info.json", stop)
}

// startIIPSrv starts Debian's iipsrv behind lighttpd, as many processes as there
// are processors.
func startIIPSrv(ctx context.Context, s setup) (base string, stop func(), err error) {
	const program = "/usr/lib/iipimage-server/iipsrv.fcgi"
	if _, err := os.Stat(program); err != nil {
		return "", nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "iipsrv")
	if err != nil {
		return "", nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	config := fmt.Sprintf(`server.modules = ( "mod_fastcgi" )
server.document-root = %q
server.bind = "127.0.0.1"
server.port = %s
server.errorlog = %q
fastcgi.server = ( "/iiif/2/" => (( "socket" => %q, "check-local" => "disable", "min-procs" => %d, "max-procs" => %d,
	"bin-path" => %q,
	"bin-environment" => ( "FILESYSTEM_PREFIX" => %q, "JPEG_QUALITY" => "85", "MAX_IMAGE_CACHE_SIZE" => "10",
		"IIIF_VERSION" => "2", "MAX_CVT" => "5000", "VERBOSITY" => "0", "LOGFILE" => %q ) )) )
`, dir, port, dir+"/error.log", dir+"/socket", runtime.NumCPU(), runtime.NumCPU(), program, s.data+"/", dir+"/iipsrv.log")
	// lighttpd passes what follows the prefix as PATH_INFO; iipsrv wants the query.
	config = strings.Replace(config, `( "mod_fastcgi" )`, `( "mod_rewrite", "mod_fastcgi" )
url.rewrite-once = ( "^/iiif/2/(.*)$" => "/iiif/2/?IIIF=$1" )`, 1)
	if err := os.WriteFile(dir+"/lighttpd.conf", []byte(config), 0o600); err != nil {
		return "", nil, err
	}
	c := exec.Command("lighttpd", "-D", "-f", dir+"/lighttpd.conf")
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
		_ = os.RemoveAll(dir)
	}
	base = "http://" + addr + "/iiif/2/"
	return base, stop, await(ctx, base+s.images[0]+"/info.json", stop)
}

// await waits until a server answers, and stops it if it does not.
func await(ctx context.Context, address string, stop func()) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			last = err
			break
		}
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			response.Body.Close()
			if err = fmt.Errorf("%s: %s", address, response.Status); response.StatusCode == http.StatusOK {
				return nil
			}
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return last
}
