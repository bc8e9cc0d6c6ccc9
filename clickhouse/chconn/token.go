package chconn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
)

// paramToken is the parameter of a DSN that names the file of a token (a JWT), which
// stands for user and password.
const paramToken = "token_file"

// tokenUser is the user that the native protocol knows those by who show a token.
const tokenUser = " JWT AUTHENTICATION " //nolint:gosec // no secret

// takeToken takes the file of a token out of the DSN's parameters and returns what reads it,
// nil if there is none. It is read now, so that one that is missing is found, and again for
// every connection and every request over HTTP, so that one that was renewed is used.
func (p *dsnParts) takeToken() (chgo.GetJWTFunc, error) {
	file := p.params.Get(paramToken)
	p.params.Del(paramToken)
	if file == "" {
		return nil, nil
	}
	if p.rawUser != "" || p.params.Has("username") || p.params.Has("password") {
		return nil, fmt.Errorf("parameter %s stands for user and password: leave these out", paramToken)
	}
	read := func(context.Context) (string, error) {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("parameter %s: %w", paramToken, withoutPath(err))
		}
		token := strings.TrimSpace(string(text))
		if token == "" || strings.ContainsAny(token, " \t\r\n") {
			return "", fmt.Errorf("parameter %s: the file holds no token alone", paramToken)
		}
		return token, nil
	}
	_, err := read(context.Background())
	return read, err
}

// withoutPath is what the system says of a file, whose name is hidden like a secret: somebody
// may have given the token itself.
func withoutPath(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}
