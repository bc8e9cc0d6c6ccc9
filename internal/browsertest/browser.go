// Package browsertest opens pages in Chromium, for tests that look at what a person sees.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// picturesEnv names a folder to write pictures of the pages to.
const picturesEnv = "FACTLOAD_PICTURES"

// waitTimeout bounds how long a page may take, also on a busy machine.
const waitTimeout = 2 * time.Minute

// chromium is the one browser of a test program, which its first page starts. There is no network but this machine: no name
// has an address.
var chromium struct {
	sync.Once
	ctx     context.Context
	endTabs context.CancelFunc
	end     context.CancelFunc
	err     error
}

// Need skips the test where there is no Chromium, and starts it otherwise.
func Need(t *testing.T) {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		t.Skip("the page is NOT looked at: there is no chromium (Debian: apt-get install chromium)")
	}
	chromium.Do(func() {
		chromium.ctx, chromium.end = chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program),
			chromedp.NoSandbox, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))...)
		chromium.ctx, chromium.endTabs = chromedp.NewContext(chromium.ctx)
		chromium.err = chromedp.Do(chromium.ctx) // starts it
	})
	require.NoError(t, chromium.err)
}

// End ends Chromium if it has been started. TestMain calls it.
func End() {
	if chromium.ctx != nil {
		chromium.endTabs()
		chromium.end()
	}
}

// Page is a page in a tab of its own, which is closed with the test.
type Page struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
}

// Open opens an address in a window of a width, with the colours of a scheme: light or dark. Need comes first.
func Open(t *testing.T, url string, width int64, scheme string) *Page {
	t.Helper()
	p := &Page{t: t}
	address, _, _ := strings.Cut(url, "#")
	ctx, cancel := chromedp.NewContext(chromium.ctx, chromedp.WithListener(func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok && e.Request.URL != address && !strings.HasPrefix(e.Request.URL, "data:") {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.requests = append(p.requests, e.Request.URL)
		}
	}))
	t.Cleanup(cancel)
	p.ctx = ctx
	p.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}), chromedp.EmulateViewport(width, 900), chromedp.Navigate(url))
	return p
}

// Requests returns what the page has asked for, beside itself and what is in it.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// Do does what a person does.
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.ctx, actions...))
}

// Run returns what a script returns.
func Run[T any](p *Page, script string, options ...chromedp.EvaluateOption) T {
	p.t.Helper()
	result, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script, options...))
	require.NoError(p.t, err)
	return result
}

// Wait waits until an expression is true.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(waitTimeout)))
	require.NoError(p.t, err, expression)
}

// PDF prints the page, and writes it to the folder of pictures if there is one.
func (p *Page) PDF() []byte {
	p.t.Helper()
	pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF())
	require.NoError(p.t, err)
	p.write(".pdf", pdf)
	return pdf
}

// Picture writes a picture of the whole page to the folder of pictures if there is one.
func (p *Page) Picture() {
	p.t.Helper()
	if os.Getenv(picturesEnv) == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	require.NoError(p.t, err)
	p.write(".png", png)
}

func (p *Page) write(ending string, bytes []byte) {
	p.t.Helper()
	if dir := os.Getenv(picturesEnv); dir != "" {
		name := strings.NewReplacer("/", "-", " ", "-").Replace(p.t.Name())
		require.NoError(p.t, os.WriteFile(filepath.Join(dir, name+ending), bytes, 0o600))
	}
}
