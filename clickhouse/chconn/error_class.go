package chconn

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	chgo "github.com/ClickHouse/clickhouse-go/v2"
)

// Phase says how far a statement had come when it failed.
type Phase int

const (
	// Unsent means that the server cannot have acted on it.
	Unsent Phase = iota
	// Sent means that the server may have acted on it.
	Sent
	// Read means that it changes nothing, however far it came.
	Read
	// RowsSent means that rows of an insert have reached the server, or some of them.
	// Nothing but the table reads them.
	RowsSent
	// RowsSentToViews is RowsSent where materialized views read from the table,
	// or where it is not known whether some do.
	RowsSentToViews
)

// rows reports whether rows may have reached the server.
func (at Phase) rows() bool { return at == RowsSent || at == RowsSentToViews }

// codeClasses are the server's codes that are not simply rejections. Those
// named in other tools' lists of retryable codes come first; the others are
// states that end by themselves.
var codeClasses = map[int]error{
	3:   ErrRetryable, // UNEXPECTED_END_OF_FILE
	107: ErrRetryable, // FILE_DOESNT_EXIST
	159: ErrRetryable, // TIMEOUT_EXCEEDED
	164: ErrRetryable, // READONLY
	202: ErrRetryable, // TOO_MANY_SIMULTANEOUS_QUERIES
	203: ErrRetryable, // NO_FREE_CONNECTION
	209: ErrRetryable, // SOCKET_TIMEOUT
	210: ErrRetryable, // NETWORK_ERROR
	241: ErrRetryable, // MEMORY_LIMIT_EXCEEDED
	242: ErrRetryable, // TABLE_IS_READ_ONLY
	252: ErrRetryable, // TOO_MANY_PARTS
	285: ErrRetryable, // TOO_FEW_LIVE_REPLICAS
	425: ErrRetryable, // SYSTEM_ERROR
	999: ErrRetryable, // KEEPER_EXCEPTION

	198: ErrRetryable, // DNS_ERROR
	225: ErrRetryable, // NO_ZOOKEEPER
	236: ErrRetryable, // ABORTED: the server is shutting down
	243: ErrRetryable, // NOT_ENOUGH_SPACE
	279: ErrRetryable, // ALL_CONNECTION_TRIES_FAILED
	286: ErrRetryable, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
	341: ErrRetryable, // UNFINISHED: an ALTER still runs elsewhere
	394: ErrRetryable, // QUERY_WAS_CANCELLED
	439: ErrRetryable, // CANNOT_SCHEDULE_TASK
	473: ErrRetryable, // DEADLOCK_AVOIDED
	517: ErrRetryable, // CANNOT_ASSIGN_ALTER
	745: ErrRetryable, // SERVER_OVERLOADED

	// A damaged or cut stream, which another try does not meet.
	32:  ErrRetryable, // ATTEMPT_TO_READ_AFTER_EOF
	33:  ErrRetryable, // CANNOT_READ_ALL_DATA
	40:  ErrRetryable, // CHECKSUM_DOESNT_MATCH
	101: ErrRetryable, // UNEXPECTED_PACKET_FROM_CLIENT
	246: ErrRetryable, // CORRUPTED_DATA
	271: ErrRetryable, // CANNOT_DECOMPRESS

	// Disks, files and memory of the server.
	74:   ErrRetryable, // CANNOT_READ_FROM_FILE_DESCRIPTOR
	75:   ErrRetryable, // CANNOT_WRITE_TO_FILE_DESCRIPTOR
	76:   ErrRetryable, // CANNOT_OPEN_FILE
	173:  ErrRetryable, // CANNOT_ALLOCATE_MEMORY
	1000: ErrRetryable, // POCO_EXCEPTION
	1001: ErrRetryable, // STD_EXCEPTION, such as one of std::filesystem
	1002: ErrRetryable, // UNKNOWN_EXCEPTION

	216: ErrRetryable, // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: a cut statement that the server still works on

	319: ErrAmbiguous, // UNKNOWN_STATUS_OF_INSERT

	8:   ErrSchema, // THERE_IS_NO_COLUMN
	9:   ErrSchema, // SIZES_OF_COLUMNS_DOESNT_MATCH
	10:  ErrSchema, // NOT_FOUND_COLUMN_IN_BLOCK
	15:  ErrSchema, // DUPLICATE_COLUMN
	16:  ErrSchema, // NO_SUCH_COLUMN_IN_TABLE
	20:  ErrSchema, // NUMBER_OF_COLUMNS_DOESNT_MATCH
	44:  ErrSchema, // ILLEGAL_COLUMN: one that takes no values
	53:  ErrSchema, // TYPE_MISMATCH
	60:  ErrSchema, // UNKNOWN_TABLE
	70:  ErrSchema, // CANNOT_CONVERT_TYPE
	81:  ErrSchema, // UNKNOWN_DATABASE
	122: ErrSchema, // INCOMPATIBLE_COLUMNS
	171: ErrSchema, // BLOCKS_HAVE_DIFFERENT_STRUCTURE
	218: ErrSchema, // TABLE_IS_DROPPED
	349: ErrSchema, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
}

// Codes that this package treats in a way of their own.
const (
	CodeDuplicateColumn    = 15
	CodeIllegalType        = 43 // of an argument
	CodeIllegalColumn      = 44 // such as one that exists already
	CodeNotImplemented     = 48
	CodeTypeMismatch       = 53
	CodeTableExists        = 57
	CodeUnknownIdentifier  = 47
	CodeUnknownTable       = 60
	CodeSyntaxError        = 62
	CodeCannotConvert      = 70
	CodeUnknownDatabase    = 81
	CodeDatabaseExists     = 82
	CodeFileDoesNotExist   = 107 // of a table that was renamed at that moment
	CodeIncorrectData      = 117
	CodeTableIsDropped     = 218
	CodeNotEnoughSpace     = 243
	CodeTooManyParts       = 252
	CodeReplicaExists      = 253
	CodeNoCreateQuery      = 390 // of a table that was dropped or renamed at that moment
	CodeViolatedConstraint = 469 // a CHECK constraint
	CodeAccessDenied       = 497
	CodeWrongPassword      = 516
	CodeUnknownStatus      = 319 // of an insert, which the server does not know itself
	CodeNoBackup           = 599
	CodeCannotRestore      = 608 // into a table that has rows
	CodeCannotAssignAlter  = 517 // to a table that was renamed at that moment
	CodeNoSuchPort         = 701 // CLUSTER_DOESNT_EXIST, of getServerPort
)

// Classify returns the class of an error of the driver, the server or the
// network. It is nil when a context ended before anything was sent, and for a
// nil error.
//
// Once rows have been sent, only codes that prove that nothing is stored have a
// class other than [ErrAmbiguous]; see [ProvesNothingStored].
func Classify(err error, at Phase) error {
	switch code := ServerCode(err); {
	case err == nil:
		return nil
	case code != 0 && at.rows() && !ProvesNothingStored(code, at == RowsSentToViews):
		return ErrAmbiguous
	case code != 0:
		if class, ok := codeClasses[code]; ok {
			return class
		}
		return ErrRejected
	}
	for _, class := range []error{ErrClosed, ErrSchema, ErrRejected, ErrRetryable, ErrAmbiguous} {
		if errors.Is(err, class) {
			return class
		}
	}
	if refusedForGood(err) && (at == Unsent || at == Read || atConnecting(err)) {
		return ErrRejected
	}
	if class := classifyHTTP(err, at); class != nil {
		return class
	}
	return classifyNetwork(err, at)
}

// Lasting reports whether the server answered with a code that does not pass by
// itself. A call whose outcome is unknown for such a reason, as that of an
// insert into a table with a broken materialized view, may be repeated, and
// will most likely get the same answer.
func Lasting(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Code == 0 || e.Class == ErrRetryable { //nolint:errorlint // Class is one of them
		return false
	}
	class := codeClasses[e.Code]
	return !errors.Is(class, ErrRetryable) && !errors.Is(class, ErrAmbiguous)
}

// classifyNetwork is classify for what neither the server nor this package has
// said.
func classifyNetwork(err error, at Phase) error {
	var dial *dialError
	notSent := at != Sent && !at.rows() || errors.As(err, &dial) || errors.Is(err, chgo.ErrAcquireConnTimeout)
	switch {
	case !notSent:
		return ErrAmbiguous
	case isOwnTimeout(err):
		return ErrRetryable
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil
	case isNetwork(err):
		return ErrRetryable
	}
	return ErrRejected
}

// isNetwork reports whether the way to the server failed, now or before.
func isNetwork(err error) bool {
	for _, target := range []error{
		io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, ch.ErrClosed,
		chgo.ErrAcquireConnTimeout, chgo.ErrConnectionClosed,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	var dial *dialError
	var network net.Error
	return errors.As(err, &network) || errors.As(err, &dial)
}

// refusedForGood reports whether the two sides cannot talk to each other.
func refusedForGood(err error) bool {
	var secured *tlsError
	if errors.Is(err, errSpeaksHTTP) || errors.Is(err, errSpeaksTLS) || errors.Is(err, chgo.ErrUnsupportedServerRevision) {
		return true
	}
	if isTLSRefusal(err) || isNativePort(err) {
		return true
	}
	return errors.As(err, &secured) && !isNetworkOnly(secured.err)
}

// atConnecting reports whether an error was made before anything could be sent. A
// connection that works may meet a broken record of TLS, too.
func atConnecting(err error) bool {
	return NotConnected(err) || errors.As(err, new(*tlsError)) || errors.Is(err, http.ErrSchemeMismatch) ||
		errors.Is(err, errSpeaksHTTP) || errors.Is(err, errSpeaksTLS) || errors.Is(err, chgo.ErrUnsupportedServerRevision)
}

// isNetworkOnly reports whether a TLS handshake was cut rather than refused.
func isNetworkOnly(err error) bool {
	return !isRemoteError(err) && isNetwork(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// classifyHTTP classifies answers of HTTP servers and proxies without a code
// of ClickHouse. It returns nil for everything else.
func classifyHTTP(err error, at Phase) error {
	var status *chgo.HTTPError
	if !errors.As(err, &status) {
		return nil
	}
	if at.rows() {
		return ErrAmbiguous // whoever answered, it was not the server that has the rows
	}
	switch status.StatusCode {
	case http.StatusBadRequest: // headers that end in the middle: what is wrong with a statement has a code
		return ErrRetryable
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return ErrRetryable
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		if at == Sent {
			return ErrAmbiguous
		}
		return ErrRetryable
	}
	return ErrRejected
}

// ServerCode returns the code of the server's exception in err, or zero.
func ServerCode(err error) int {
	code, _, _ := serverException(err)
	return code
}

// serverException returns what the server said, in the form that is the same
// for both drivers and both protocols.
func serverException(err error) (code int, name, text string) {
	var driver *chgo.Exception
	var lower *ch.Exception
	switch {
	case errors.As(err, &driver):
		code, name, text = int(driver.Code), driver.CodeName, driver.Message
	case errors.As(err, &lower):
		code, text = int(lower.Code), strings.TrimSpace(strings.TrimPrefix(lower.Message, lower.Name+":"))
	default:
		return 0, "", ""
	}
	if e := proto.Error(code); e.IsAError() {
		name = e.String()
	}
	// The failure of a mutation is told with where in the server it happened.
	text, _, _ = strings.Cut(text, "\n\n0. ")
	// Over HTTP the text ends with the name and the version of the server.
	if i := strings.LastIndex(text, " (version "); i >= 0 {
		text = text[:i]
	}
	text = strings.TrimSuffix(text, " ("+name+")")
	return code, name, Excerpt(strings.TrimRight(text, ". \n"))
}
