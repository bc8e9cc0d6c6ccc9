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
	"strings"
	"time"
)

// account is who talks to the engine.
type account struct{ user, password string }

// askHTTP runs one statement over HTTP and returns the answer's text.
func askHTTP(ctx context.Context, at addr, who account, query string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+at.dial().String()+"/", strings.NewReader(query))
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(who.user, who.password)
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
	clientHello    = 0
	serverHello    = 0
	nativeRevision = 54058
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
	if kind != serverHello {
		return fmt.Errorf("the engine answers hello with packet %d", kind)
	}
	return nil
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
