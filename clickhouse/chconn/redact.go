package chconn

import (
	"net/url"
	"regexp"
	"strings"
)

// mask stands where a secret was.
const mask = "xxxxx"

// RedactDSN returns the DSN without its password, for messages and logs. It
// works on text that is no valid DSN too, and then hides too much rather than
// too little.
func RedactDSN(dsn string) string {
	scheme, rest, ok := strings.Cut(dsn, "://")
	if !ok || !plainScheme.MatchString(scheme) {
		if !strings.ContainsAny(dsn, "@:?") || localEngine.MatchString(dsn) {
			return dsn
		}
		return mask
	}
	head, query, hasQuery := strings.Cut(rest, "?")
	shown := head
	if hasQuery {
		shown += "?" + redactQuery(query)
	}
	// A password may hold any character that its writer forgot to escape, so
	// everything from the first colon to the last @ is hidden.
	if at := strings.LastIndexByte(shown, '@'); at >= 0 {
		user := shown[:at]
		if i := strings.IndexAny(user, ":/?#"); i >= 0 {
			user = user[:i] + ":" + mask
		}
		return scheme + "://" + user + shown[at:]
	}
	// The last @ may have been hidden as part of a parameter.
	if user, after, ok := strings.Cut(shown, ":"); ok && strings.Contains(rest, "@") && !plainPort.MatchString(after) {
		shown = user + ":" + mask
	}
	return scheme + "://" + shown
}

// localEngine is a DSN that says where data lies on this machine.
var localEngine = regexp.MustCompile(`^embedded:([./][^@?]*)?$`)

var plainPort = regexp.MustCompile(`^[0-9]+([/?,]|$)`)

var plainScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)

var plainParam = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// redactQuery hides the values of parameters that hold secrets. Behind a
// password everything is hidden up to the next NAME=VALUE, with a name that a
// parameter may have, since an & in it may have been left unescaped.
func redactQuery(query string) string {
	pairs := strings.Split(query, "&")
	out := pairs[:0]
	hiding := false
	for _, pair := range pairs {
		name, _, isPair := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if hiding && !(isPair && plainParam.MatchString(plain)) {
			continue
		}
		hiding = isPair && secretParam(plain)
		if hiding {
			pair = name + "=" + mask
		}
		out = append(out, pair)
	}
	return strings.Join(out, "&")
}

// secretParam reports whether a DSN parameter's value must not be shown. A
// proxy address may hold credentials of its own.
func secretParam(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "password") || strings.Contains(name, "secret") ||
		strings.Contains(name, "token") || name == "http_proxy"
}

// redactor removes the secrets of one DSN from text that others have written:
// the driver, the server, the network. Our own texts never hold one.
type redactor struct {
	replacer *strings.Replacer
}

// minSecret is the shortest secret that is looked for. Shorter ones would
// match in the middle of words and spoil every message.
const minSecret = 4

func newRedactor(p dsnParts) redactor {
	_, rawPassword, _ := strings.Cut(p.rawUser, ":")
	secrets := []string{p.password, rawPassword}
	for name, values := range p.params {
		if !secretParam(name) {
			continue
		}
		secrets = append(secrets, values...)
		for _, v := range values {
			if u, err := url.Parse(v); err == nil && u.User != nil {
				password, _ := u.User.Password()
				secrets = append(secrets, password)
			}
		}
	}
	var pairs []string
	seen := map[string]bool{"": true, p.user: true, p.database: true}
	add := func(s string) {
		if !seen[s] && len(s) >= minSecret {
			seen[s] = true
			pairs = append(pairs, s, mask)
		}
	}
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), url.UserPassword("", s).String()[1:], quoted(s)} {
			add(form)
		}
	}
	if len(pairs) == 0 {
		return redactor{}
	}
	return redactor{replacer: strings.NewReplacer(pairs...)}
}

// text returns s without secrets.
func (r redactor) text(s string) string {
	if r.replacer == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// dsnError returns err as an error about the DSN that holds no secret and does
// not unwrap to one that may.
func (r redactor) dsnError(err error) error {
	return &dsnError{problem: r.text(err.Error())}
}
