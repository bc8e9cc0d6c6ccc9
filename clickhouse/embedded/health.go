//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// account is who talks to the engine.
type account struct{ user, password string }

// askHTTP runs one short statement over HTTP and returns the answer's text. No database means the engine's default; no
// user means no credentials.
func askHTTP(ctx context.Context, at addr, who account, database, query string) (string, error) {
	// The statement is not in the body: an engine that refuses the login closes the connection without reading it, and
	// its answer may be lost.
	params := url.Values{"query": {query}}
	if database != "" {
		params.Set("database", database)
	}
	u := url.URL{Scheme: "http", Host: at.dial().String(), Path: "/", RawQuery: params.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), http.NoBody)
	if err != nil {
		return "", err
	}
	if who.user != "" {
		req.SetBasicAuth(who.user, who.password)
	}
	transport := &http.Transport{DisableKeepAlives: true} // no proxy: the engine is on this machine
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("http status %d: %s", resp.StatusCode, strings.TrimSpace(string(text)))
	}
	return string(text), nil
}

// Packets of the native protocol that a login needs, and the protocol revision that keeps it short.
const (
	clientHello     = 0
	serverHello     = 0
	serverException = 2
	nativeRevision  = 54058
)

// greetNative logs in over the native protocol, and out again.
func greetNative(ctx context.Context, at addr, who account, database string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.dial().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write(helloPacket(who, database)); err != nil {
		return err
	}
	answer := bufio.NewReader(conn)
	kind, err := binary.ReadUvarint(answer)
	if err != nil {
		return fmt.Errorf("read hello: %w", err)
	}
	switch kind {
	case serverHello:
		return nil
	case serverException:
		return readException(answer)
	default:
		return fmt.Errorf("the engine answers hello with packet %d", kind)
	}
}

// readException reads the engine's refusal.
func readException(from *bufio.Reader) error {
	var code int32
	if err := binary.Read(from, binary.LittleEndian, &code); err != nil {
		return fmt.Errorf("read exception: %w", err)
	}
	var parts [2]string // the exception's class, and its message
	for i := range parts {
		n, err := binary.ReadUvarint(from)
		if err != nil || n > 1<<20 {
			return fmt.Errorf("the engine refuses the login with code %d", code)
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(from, text); err != nil {
			return fmt.Errorf("the engine refuses the login with code %d", code)
		}
		parts[i] = string(text)
	}
	return fmt.Errorf("the engine refuses the login with code %d: %s", code, parts[1])
}

func helloPacket(who account, database string) []byte {
	var p []byte
	text := func(s string) {
		p = binary.AppendUvarint(p, uint64(len(s)))
		p = append(p, s...)
	}
	p = binary.AppendUvarint(p, clientHello)
	text("factload")
	p = binary.AppendUvarint(p, 1) // version
	p = binary.AppendUvarint(p, 0)
	p = binary.AppendUvarint(p, nativeRevision)
	text(database)
	text(who.user)
	text(who.password)
	return p
}
