package retry

import (
	"io"

	"github.com/factload/factload/clickhouse/chconn"
)

func retryable() error {
	return &chconn.Error{Op: "op", Class: chconn.ErrRetryable, Text: "down"}
}

func ambiguous() error {
	return &chconn.Error{Op: "op", Class: chconn.ErrAmbiguous, Text: "cut", Cause: io.ErrUnexpectedEOF}
}

func rejected() error {
	return &chconn.Error{Op: "op", Class: chconn.ErrRejected, Code: chconn.CodeAccessDenied, Text: "no"}
}
