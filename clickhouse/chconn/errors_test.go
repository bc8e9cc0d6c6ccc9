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
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
)

// codesByClass is the documented classification, by the server's names.
var codesByClass = map[error][]proto.Error{
	ErrRetryable: {
		proto.ErrUnexpectedEndOfFile, proto.ErrFileDoesntExist, proto.ErrTimeoutExceeded, proto.ErrReadonly,
		proto.ErrTooManySimultaneousQueries, proto.ErrNoFreeConnection, proto.ErrSocketTimeout, proto.ErrNetworkError,
		proto.ErrMemoryLimitExceeded, proto.ErrTableIsReadOnly, proto.ErrTooManyParts, proto.ErrTooFewLiveReplicas,
		proto.ErrSystemError, proto.ErrKeeperException, proto.ErrDNSError, proto.ErrNoZookeeper, proto.ErrAborted,
		proto.ErrNotEnoughSpace, proto.ErrAllConnectionTriesFailed, proto.ErrUnsatisfiedQuorumForPreviousWrite,
		proto.ErrUnfinished, proto.ErrQueryWasCancelled, proto.ErrCannotScheduleTask, proto.ErrDeadlockAvoided,
		proto.ErrCannotAssignAlter, 745, 32, 33, 40, 74, 75, 76, 101, 173, 216, 246, 271, 1000, 1001, 1002,
	},
	ErrAmbiguous: {proto.ErrUnknownStatusOfInsert},
	ErrSchema: {
		proto.ErrThereIsNoColumn, proto.ErrSizesOfColumnsDoesntMatch, proto.ErrNotFoundColumnInBlock,
		proto.ErrDuplicateColumn, proto.ErrNoSuchColumnInTable, proto.ErrNumberOfColumnsDoesntMatch,
		proto.ErrIllegalColumn, proto.ErrTypeMismatch, proto.ErrUnknownTable, proto.ErrCannotConvertType,
		proto.ErrUnknownDatabase, proto.ErrIncompatibleColumns, proto.ErrBlocksHaveDifferentStructure,
		proto.ErrTableIsDropped, proto.ErrCannotInsertNullInOrdinaryColumn,
	},
	ErrRejected: {
		proto.ErrSyntaxError, proto.ErrAuthenticationFailed, proto.ErrAccessDenied, proto.ErrQuotaExpired,
		proto.ErrUnknownSetting, proto.ErrCannotParseText, proto.ErrLogicalError, 12345,
	},
}

// exceptions returns the server's exception as each driver and protocol brings
// it.
func exceptions(code proto.Error, text string) map[string]error {
	name := code.String()
	if !code.IsAError() {
		name = "NEWER_THAN_THE_DRIVER"
	}
	return map[string]error{
		"clickhouse-go": fmt.Errorf("wrapped: %w", &chgo.Exception{Code: int32(code), Name: "DB::Exception", Message: text}),
		"ch-go":         fmt.Errorf("wrapped: %w", &ch.Exception{Code: code, Name: "DB::Exception", Message: "DB::Exception: " + text}),
		"http": &chgo.HTTPError{StatusCode: 500, Err: &chgo.Exception{
			Code: int32(code), Name: "DB::Exception", CodeName: name, Message: text + ". (" + name + ") (version 26.7.2.1)",
		}},
	}
}

func TestClassifyServerCodes(t *testing.T) {
	t.Parallel()
	listed := 0
	for class, codes := range codesByClass {
		for _, code := range codes {
			if _, ok := codeClasses[int(code)]; ok {
				listed++
			}
			for driver, err := range exceptions(code, "some text") {
				for _, at := range []Phase{Unsent, Sent, Read} {
					require.Equal(t, class, Classify(err, at), "%s %d %s", driver, code, code)
				}
				got, name, text := serverException(err)
				require.Equal(t, int(code), got)
				require.Equal(t, "some text", text, driver)
				if code.IsAError() {
					require.Equal(t, code.String(), name)
				}
			}
		}
	}
	require.Len(t, codeClasses, listed, "every listed code is in this test")
}

// TestClassifySentRows walks all codes that the driver knows, and one that it does not:
// once rows have been sent, an insert is rejected or retryable only with a code of the
// list, and the list does not hold for tables that views read from.
func TestClassifySentRows(t *testing.T) {
	t.Parallel()
	for code := range 1200 {
		for driver, err := range exceptions(proto.Error(code), "while pushing to view") {
			for at, views := range map[Phase]bool{RowsSent: false, RowsSentToViews: true} {
				want := ErrAmbiguous
				if code == 0 {
					continue
				}
				if ProvesNothingStored(code, views) {
					want = Classify(err, Unsent)
					require.NotErrorIs(t, want, ErrAmbiguous)
				}
				require.Equal(t, want, Classify(err, at), "%s %d", driver, code)
			}
		}
	}
	for code := range refusedBeforeRows {
		require.True(t, ProvesNothingStored(code, true), code)
	}
	for code := range refusedBeforeParts {
		require.True(t, ProvesNothingStored(code, false), code)
		require.False(t, ProvesNothingStored(code, true), code)
	}
	for _, err := range []error{io.EOF, &chgo.HTTPError{StatusCode: 400, Err: errors.New("Field is invalid")}, context.Canceled} {
		require.Equal(t, ErrAmbiguous, Classify(err, RowsSent))
	}
}

func TestEveryListedCodeIsDocumented(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("errors.go")
	require.NoError(t, err)
	for code := range codeClasses {
		require.Regexp(t, fmt.Sprintf(`(codes?|,|and)\s+(//\s+)?%d\b`, code), string(source))
	}
}

// TestPeersRetryableCodesAreNotRejected is the list that other tools agree on.
func TestPeersRetryableCodesAreNotRejected(t *testing.T) {
	t.Parallel()
	for _, code := range []proto.Error{3, 107, 159, 164, 202, 203, 209, 210, 241, 242, 252, 285, 425, 999} {
		require.Equal(t, ErrRetryable, Classify(exceptions(code, "")["ch-go"], Sent), code)
	}
	require.Equal(t, ErrAmbiguous, Classify(exceptions(319, "")["ch-go"], Sent))
}

func TestTooManyPartitionsIsNotTooManyParts(t *testing.T) {
	t.Parallel()
	const text = "Too many partitions for single INSERT block (more than 100). The limit is controlled by a setting"
	for driver, err := range exceptions(proto.ErrTooManyParts, text) {
		require.Equal(t, ErrRetryable, Classify(err, Sent), driver) // the code says no more, and the text says nothing
	}
	e := failure(t, "clickhouse://h/db", exceptions(proto.ErrTooManyParts, text)["http"], Sent)
	require.EqualError(t, e, "op: Too many partitions for single INSERT block (more than 100) (code 252, TOO_MANY_PARTS): "+
		"insert rows of fewer partitions at a time, or partition the table more coarsely")
	e = failure(t, "clickhouse://h/db", exceptions(proto.ErrTooManyParts, "Too many parts (300)")["ch-go"], Sent)
	require.EqualError(t, e, "op: Too many parts (300) (code 252, TOO_MANY_PARTS): insert fewer and larger blocks")
}

func TestClassifyOthers(t *testing.T) {
	t.Parallel()
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	refused := &dialError{addr: "h:1", err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}}
	status := func(code int) error {
		return &chgo.HTTPError{StatusCode: code, Err: errors.New("response body: \"x\"")}
	}
	for _, tc := range []struct {
		name               string
		err                error
		unsent, sent, read error
	}{
		{"nil", nil, nil, nil, nil},
		{"eof", io.EOF, ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"unexpected eof", fmt.Errorf("x: %w", io.ErrUnexpectedEOF), ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"reset", reset, ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"broken pipe", syscall.EPIPE, ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"closed", net.ErrClosed, ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"ch-go closed", ch.ErrClosed, ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"refused", refused, ErrRetryable, ErrRetryable, ErrRetryable},
		{"several hosts", &hostsError{failures: []error{refused, refused}}, ErrRetryable, ErrRetryable, ErrRetryable},
		{"unknown host", &dialError{addr: "h:1", err: &net.DNSError{IsNotFound: true}}, ErrRetryable, ErrRetryable, ErrRetryable},
		{"no free connection", chgo.ErrAcquireConnTimeout, ErrRetryable, ErrRetryable, ErrRetryable},
		{"own timeout", &timeoutError{what: "x", after: time.Second}, ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"canceled", context.Canceled, nil, ErrAmbiguous, nil},
		{"deadline", context.DeadlineExceeded, nil, ErrAmbiguous, nil},
		{"client closed", errClosed, ErrClosed, ErrClosed, ErrClosed},
		{"other column", SchemaError(errors.New("c")), ErrSchema, ErrSchema, ErrSchema},
		{"speaks http", &dialError{addr: "h:1", err: errSpeaksHTTP}, ErrRejected, ErrRejected, ErrRejected},
		{"speaks tls", errSpeaksTLS, ErrRejected, ErrRejected, ErrRejected},
		{"unknown authority", &dialError{err: &tlsError{err: x509.UnknownAuthorityError{}}}, ErrRejected, ErrRejected, ErrRejected},
		{"plain peer", &tlsError{err: tls.RecordHeaderError{}}, ErrRejected, ErrRejected, ErrRejected},
		{"tls cut", &dialError{err: &tlsError{err: io.EOF}}, ErrRetryable, ErrRetryable, ErrRetryable},
		{"tls alert", &tlsError{err: tls.AlertError(42)}, ErrRejected, ErrRejected, ErrRejected},
		{"tls record of a connection", &url.Error{Err: tls.RecordHeaderError{Msg: "oversized record"}}, ErrRejected, ErrAmbiguous, ErrRejected},
		{"text of another error", &chgo.HTTPError{StatusCode: 502, Err: errors.New("server gave HTTP response to HTTPS client")}, ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"no tls there", &url.Error{Err: http.ErrSchemeMismatch}, ErrRejected, ErrRejected, ErrRejected},
		{"http 400", status(400), ErrRetryable, ErrRetryable, ErrRetryable},
		{"http 404", status(404), ErrRejected, ErrRejected, ErrRejected},
		{"http 408", status(408), ErrRetryable, ErrRetryable, ErrRetryable},
		{"http 429", status(429), ErrRetryable, ErrRetryable, ErrRetryable},
		{"http 500", status(500), ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"http 502", status(502), ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"http 503", status(503), ErrRetryable, ErrRetryable, ErrRetryable},
		{"http 504", status(504), ErrRetryable, ErrAmbiguous, ErrRetryable},
		{"anything", errors.New("x"), ErrRejected, ErrAmbiguous, ErrRejected},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.unsent, Classify(tc.err, Unsent), "unsent")
			require.Equal(t, tc.sent, Classify(tc.err, Sent), "sent")
			require.Equal(t, tc.read, Classify(tc.err, Read), "read")
		})
	}
}

// failure passes an error through a client as its calls do.
func failure(t *testing.T, dsn string, err error, at Phase) error {
	t.Helper()
	c, openErr := Open(dsn)
	require.NoError(t, openErr)
	t.Cleanup(func() { _ = c.Close() })
	return c.Fail(context.Background(), "op", err, at)
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dsn, want string
		err       error
	}{
		{
			"clickhouse://app:pw@h:1/db", `op: h:1 refuses user "app": unknown user or wrong password (code 516, AUTHENTICATION_FAILED): ` +
				`check user and password of the DSN, and that special characters are percent-encoded`,
			exceptions(516, "app: Authentication failed")["ch-go"],
		},
		{
			"clickhouse://h:1/db", `op: database "db" does not exist on h:1 (code 81, UNKNOWN_DATABASE): check the database of the DSN, or create it with CREATE DATABASE`,
			exceptions(81, "Database db does not exist")["http"],
		},
		{
			"http://h:1/db", `op: HTTP status 502: "<html>": `, &chgo.HTTPError{StatusCode: 502, Err: errors.New(`response body: "<html>"`)},
		},
		{
			"clickhouse://h:1/db", `op: mutation failed: 'Code: 131. DB::Exception: String too long (TOO_LARGE_STRING_SIZE) (code 341, UNFINISHED)`,
			exceptions(341, "mutation failed: 'Code: 131. DB::Exception: String too long (TOO_LARGE_STRING_SIZE) (version 26.7.2.1)'. It may be killed \n\n0. ? @ 0x000000000f03c72c\n1. ? @ 0x0000000017e96935")["ch-go"],
		},
		{
			"clickhouse://h:1/db", `op: Cannot reserve 1.00 MiB, not enough space (code 243, NOT_ENOUGH_SPACE): make room on the server's disk, which is full`,
			exceptions(243, "Cannot reserve 1.00 MiB, not enough space")["ch-go"],
		},
		{
			"clickhouse://h:1/db", `op: Syntax error: failed at 3 (code 62, SYNTAX_ERROR)`, exceptions(62, "Syntax error: failed at 3. Expected one of: a, b, c")["ch-go"],
		},
		{"clickhouse://h:1/db", `op: code without a name (code 12345)`, exceptions(12345, "code without a name")["ch-go"]},
	} {
		require.EqualError(t, failure(t, tc.dsn, tc.err, Read), strings.TrimSuffix(tc.want, ": "))
	}
}

func TestErrorsOfOthersNeverShowThePassword(t *testing.T) {
	t.Parallel()
	const password = "S3CR3T/x"
	address := &url.Error{Op: "Post", URL: "http://u:" + password + "@h:1/?database=db", Err: errors.New("broken")}
	for _, cause := range []error{
		errors.New("something with " + password),
		fmt.Errorf("wrapped: %w", address),
		exceptions(62, "Syntax error near '"+password+"'")["ch-go"],
		exceptions(62, "Syntax error near '"+url.PathEscape(password)+"'")["http"],
		&chgo.HTTPError{StatusCode: 500, Err: fmt.Errorf("response body: %q", password)},
		&dialError{addr: "h:1", err: errors.New(password)},
	} {
		err := failure(t, "http://u:"+url.PathEscape(password)+"@h:1/db", cause, Read)
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			require.NotContains(t, text, "S3CR3T")
		}
		for e := range chtest.Chain(err) {
			require.NotContains(t, e.Error(), "S3CR3T")
		}
	}
}

func TestErrorUnwrapsToClassAndCause(t *testing.T) {
	t.Parallel()
	err := failure(t, "clickhouse://h/db", exceptions(252, "Too many parts")["ch-go"], Sent)
	require.ErrorIs(t, err, ErrRetryable)
	require.NotErrorIs(t, err, ErrAmbiguous)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, 252, e.Code)
	require.Equal(t, "TOO_MANY_PARTS", e.Name)
	var cause *ch.Exception
	require.ErrorAs(t, err, &cause)
}

func TestCut(t *testing.T) {
	t.Parallel()
	require.Equal(t, "abc", cut("abc", 3))
	require.Equal(t, "ab…", cut("abc", 2))
	require.Equal(t, "…", cut("ü", 1))
	require.Equal(t, "a…", cut("aüb", 2))
}
