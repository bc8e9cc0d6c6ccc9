package chconn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/ddl"
)

// timeoutError is the cause when the server took longer than one of our own
// limits allows.
type timeoutError struct {
	what  string
	after time.Duration
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("no answer within %s (%s)", e.what, e.after)
}
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

// WithTimeout returns a context that ends after a time, with the name of the
// limit as what its errors say.
func WithTimeout(ctx context.Context, limit string, after time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, after, &timeoutError{what: limit, after: after})
}

// WithReadTimeout is withTimeout for the longest wait for an answer.
func (c *Client) WithReadTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return WithTimeout(ctx, "read_timeout", c.opt.ReadTimeout)
}

// isOwnTimeout reports whether a limit of ours, not of the caller's, is behind
// err.
func isOwnTimeout(err error) bool { return errors.As(err, new(*timeoutError)) }

// Fail makes the error that a call of the Client returns. The context is the
// call's: once it has ended, whatever broke is its doing.
func (c *Client) Fail(ctx context.Context, op string, err error, at Phase) error {
	if errors.As(err, new(*Error)) {
		return err
	}
	if ServerCode(err) == 0 {
		if cause := SettledCause(ctx, err); cause != nil {
			err = EndOf(ctx, cause)
		}
	}
	e := &Error{Op: op, Class: Classify(err, at), Cause: c.safeCause(err)}
	e.Code, e.Name, e.Text = serverException(err)
	if e.Text == "" {
		e.Text = plain(err)
	}
	e.Text = c.redact.text(e.Text)
	c.explain(e, err)
	return e
}

// EndOf makes errors.Is work for the context's own error and for its cause.
func EndOf(ctx context.Context, cause error) error {
	if errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}

// safeCause returns err when its text holds no secret, and nil otherwise. Of
// an error of net/http, only what happened is kept, not the address with all
// its parameters.
func (c *Client) safeCause(err error) error {
	if address, ok := errors.AsType[*url.Error](err); ok {
		err = address.Err
	}
	if text := err.Error(); c.redact.text(text) != text {
		return nil
	}
	return err
}

// explain makes the text of well-known mistakes plain and adds how to fix
// them.
func (c *Client) explain(e *Error, err error) {
	where := strings.Join(c.opt.Addr, ",")
	if e.Class == ErrAmbiguous && Lasting(e) { //nolint:errorlint // Class is one of them
		e.Hint = "rows may be in the table already: fix what failed after it, such as a materialized view, and repeat the insert with its token"
		return
	}
	switch e.Code {
	case CodeWrongPassword:
		if strings.Contains(e.Text, receivedFrom) {
			e.Hint = "another server, which the statement names, refuses the user and password that it is given there"
			return
		}
		if c.opt.GetJWT != nil {
			e.Text, e.Hint = where+" refuses the token of "+paramToken, "check that it has not expired, and that the server knows tokens (JWT)"
			return
		}
		e.Text = fmt.Sprintf("%s refuses user %q: unknown user or wrong password", where, c.user())
		e.Hint = "check user and password of the DSN, and that special characters are percent-encoded"
		return
	case CodeAccessDenied:
		e.Hint = fmt.Sprintf("grant user %q what is missing", c.user())
		return
	case CodeUnknownDatabase:
		e.Hint = "check the database of the DSN, or create it with CREATE DATABASE"
		if database := c.Database(); strings.Contains(e.Text, database) || strings.Contains(e.Text, ddl.QuoteIdent(database)) {
			e.Text = fmt.Sprintf("database %q does not exist on %s", database, where)
		}
		return
	case CodeSyntaxError:
		e.Text, _, _ = strings.Cut(e.Text, ". Expected one of")
		return
	case CodeUnknownTable:
		e.Hint = "create it with EnsureSchema or factload apply, or check the database of the DSN"
		return
	case CodeNotEnoughSpace:
		e.Hint = "make room on the server's disk, which is full"
		return
	case CodeTooManyParts:
		e.Hint = "insert fewer and larger blocks"
		if strings.HasPrefix(e.Text, "Too many partitions for single INSERT block") {
			e.Text, _, _ = strings.Cut(e.Text, ". ") // the rest is a lecture
			e.Hint = "insert rows of fewer partitions at a time, or partition the table more coarsely"
		}
		return
	case 0:
	default:
		return
	}
	e.Hint = c.networkHint(err)
}

// receivedFrom is in what a server says of another one that it has asked.
const receivedFrom = "Received from "

// networkHint says how to fix what kept the two sides from talking.
func (c *Client) networkHint(err error) string {
	var dial *dialError
	switch {
	case errors.Is(err, errSpeaksHTTP):
		return "the DSN means the native protocol (usually port 9000), but this is a port for HTTP: give the native port, or begin the DSN with http://"
	case errors.Is(err, errSpeaksTLS):
		return "the port takes TLS only: add ?secure=true to the DSN"
	case isNativePort(err), isMalformedHTTP(err):
		return "the DSN means HTTP (usually port 8123), but this is a port for the native protocol: give the HTTP port, or begin the DSN with clickhouse://"
	case isPlainPeer(err):
		return "the port does not take TLS: leave secure=true (or https) out of the DSN, or give the TLS port"
	case isTLSRefusal(err):
		return tlsHint(err)
	case c.opt.TLS != nil && errors.As(err, new(*tlsError)):
		return "check that the port takes TLS"
	case errors.Is(err, context.Canceled), errors.Is(err, ErrClosed):
		return ""
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &dial) && isOwnTimeout(err):
		return `is the server running? "factload serve" starts one`
	case isUnknownHost(err):
		return "check the host name of the DSN"
	case errors.As(err, &dial) && isNetwork(dial.err):
		return "check that this is a port of ClickHouse for the protocol of the DSN, and that TLS (secure=true) is asked for if it wants it"
	}
	return ""
}

func isUnknownHost(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// isNativePort reports whether a port for the native protocol answered to HTTP, when
// the connection was made: only then is the text the server's own for certain.
func isNativePort(err error) bool {
	var dial *dialError
	var status *chgo.HTTPError
	return errors.As(err, &dial) && errors.As(err, &status) && strings.Contains(status.Err.Error(), "is for clickhouse-client program")
}

// isMalformedHTTP reports whether a peer answered HTTP with something else.
func isMalformedHTTP(err error) bool {
	return err != nil && strings.Contains(err.Error(), "malformed HTTP")
}

// isPlainPeer reports whether TLS was tried with a peer that has none.
func isPlainPeer(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// isTLSRefusal reports whether one side does not accept the other's part of a
// TLS handshake.
func isTLSRefusal(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	return isPlainPeer(err) || isAlert(err) || errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &hostname) || errors.As(err, &invalid)
}

// user is the user that the server knows.
func (c *Client) user() string {
	if c.opt.Auth.Username == "" {
		return "default"
	}
	return c.opt.Auth.Username
}

// plain returns the text of a network error without what only confuses: the
// addresses of both ends, the URL with all its parameters, names of calls.
func plain(err error) string {
	var hosts *hostsError
	var dial *dialError
	var address *url.Error
	var status *chgo.HTTPError
	var system *os.SyscallError
	switch {
	case errors.As(err, &hosts):
		return hosts.Error()
	case errors.As(err, &dial):
		return dial.Error()
	case errors.As(err, &address):
		return plain(address.Err)
	case errors.As(err, &status):
		return "HTTP status " + strconv.Itoa(status.StatusCode) + ": " + Excerpt(strings.TrimPrefix(status.Err.Error(), "response body: "))
	case errors.As(err, &system):
		return system.Err.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection"
	}
	for _, target := range []error{errSpeaksHTTP, errSpeaksTLS} {
		if errors.Is(err, target) {
			return target.Error()
		}
	}
	if own := (*timeoutError)(nil); errors.As(err, &own) {
		return own.Error()
	}
	return err.Error()
}

// maxServerText is how much of a server's message is shown, in bytes. Some
// repeat the whole statement.
const maxServerText = 1000

// Excerpt returns what is shown of a server's message.
func Excerpt(text string) string { return cut(text, maxServerText) }

// cut returns at most n bytes of s, ending in whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	for s != "" {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + "…"
}

// quoted returns s as %q prints it, without the quotes around it.
func quoted(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
