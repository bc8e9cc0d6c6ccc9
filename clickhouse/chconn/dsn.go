package chconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
)

// Defaults of a connection; see [Open].
const (
	defaultDialTimeout = 10 * time.Second
	defaultReadTimeout = 5 * time.Minute
	defaultMaxConns    = 16
)

// dsnForm is shown with every DSN that cannot be used.
const dsnForm = "want clickhouse://USER:PASSWORD@HOST:9000/DATABASE or http://USER:PASSWORD@HOST:8123/DATABASE, " +
	"with special characters of user and password percent-encoded (@ is %40, / is %2F, # is %23, ? is %3F)"

// schemes are the DSN schemes by what they mean.
var schemes = map[string]chgo.Protocol{
	"clickhouse": chgo.Native,
	"tcp":        chgo.Native,
	"http":       chgo.HTTP,
	"https":      chgo.HTTP,
}

// parseDSN makes driver options of a DSN and remembers what must never be
// printed. What the options say about TLS and compression holds whatever the DSN
// says. Its errors hold no part of the DSN that could be a secret.
func parseDSN(dsn string, options *clientOptions) (*chgo.Options, redactor, error) {
	parts, err := splitDSN(strings.TrimSpace(dsn))
	if err != nil {
		return nil, redactor{}, err
	}
	redact := newRedactor(parts)
	if options.compression != "" {
		parts.params.Set("compress", options.compression)
	}
	if err := checkParams(parts.params); err != nil {
		return nil, redact, redact.dsnError(err)
	}
	options.httpPort = parts.params.Get("http_port")
	parts.params.Del("http_port")
	if err := parts.setTLS(options); err != nil {
		return nil, redact, redact.dsnError(err)
	}
	token, err := parts.takeToken()
	if err != nil {
		return nil, redact, redact.dsnError(err)
	}
	opt, err := chgo.ParseDSN(parts.forDriver())
	if err != nil {
		return nil, redact, redact.dsnError(err)
	}
	opt.Protocol = schemes[parts.scheme]
	if options.tls != nil {
		opt.TLS = options.tls
	}
	if opt.GetJWT = token; token != nil && opt.TLS == nil {
		return nil, redact, redact.dsnError(fmt.Errorf("parameter %s needs TLS: add secure=true", paramToken))
	}
	opt.Addr = withPorts(opt.Addr, opt.Protocol, opt.TLS)
	if opt.DialTimeout <= 0 {
		opt.DialTimeout = defaultDialTimeout
	}
	if opt.ReadTimeout <= 0 {
		opt.ReadTimeout = defaultReadTimeout
	}
	if opt.MaxOpenConns <= 0 {
		opt.MaxOpenConns = defaultMaxConns
	}
	if err := setCompression(opt); err != nil {
		return nil, redact, redact.dsnError(err)
	}
	return opt, redact, nil
}

// setTLS takes the parameters about certificates out of the DSN and into the
// options.
func (p *dsnParts) setTLS(options *clientOptions) error {
	config, err := takeTLS(p.params)
	if err != nil {
		return err
	}
	if config != nil {
		if options.tls != nil {
			return errors.New("certificates are given by parameters or by WithTLS, not by both")
		}
		if secure, err := strconv.ParseBool(p.params.Get("secure")); err == nil && !secure {
			return errors.New("parameter secure=false contradicts those about certificates")
		}
		config.InsecureSkipVerify, _ = strconv.ParseBool(p.params.Get("skip_verify"))
		options.tls = config
	}
	if options.tls != nil {
		p.params.Set("secure", "true")
		if p.scheme == "http" {
			p.scheme = "https"
		}
	}
	return nil
}

// dsnParts is a DSN taken apart, nothing of it interpreted but escapes.
type dsnParts struct {
	scheme         string
	rawUser        string // as written, before the last @ of the authority
	user, password string
	hosts          []string
	database       string
	rawQuery       string
	params         url.Values
}

// splitDSN takes a DSN apart. It is stricter than net/url: a special character
// that was left unescaped in a password must not turn half of the password
// into a host, a path or a parameter, all of which are printed.
func splitDSN(dsn string) (dsnParts, error) {
	var p dsnParts
	if strings.HasPrefix(dsn, "embedded:") {
		return p, &dsnError{"embedded: is for the factload command: start an engine with package clickhouse/embedded, and use its DSN"}
	}
	scheme, rest, ok := strings.Cut(dsn, "://")
	p.scheme = strings.ToLower(scheme)
	if _, known := schemes[p.scheme]; !ok || !known {
		return p, &dsnError{fmt.Sprintf("does not begin with one of the schemes clickhouse://, tcp://, http://, https://; %s", dsnForm)}
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	path, query, _ := strings.Cut(tail, "?")
	if strings.Contains(tail, "#") {
		return p, &dsnError{"has a # that is not percent-encoded; " + dsnForm}
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		p.rawUser, authority = authority[:at], authority[at+1:]
	}
	if strings.Contains(path, "@") || strayAt(query) {
		return p, &dsnError{"has an @ behind the host: the user or the password contains a character that must be percent-encoded; " + dsnForm}
	}
	if err := p.setUser(); err != nil {
		return p, err
	}
	if err := p.setHosts(authority); err != nil {
		return p, err
	}
	database, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	if err != nil {
		return p, &dsnError{"has a bad percent escape in the database name"}
	}
	p.database, p.rawQuery = database, query
	if p.params, err = url.ParseQuery(query); err != nil {
		return p, &dsnError{"has parameters that cannot be read: write NAME=VALUE, joined with &, percent-encoded"}
	}
	return p, nil
}

// strayAt reports whether a query string holds an @ in a place where no user
// name or password belongs.
func strayAt(query string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.Contains(name, "@") {
			return true
		}
		if strings.Contains(value, "@") && !slices.Contains([]string{"username", "password", "http_proxy"}, name) {
			return true
		}
	}
	return false
}

func (p *dsnParts) setUser() error {
	user, password, _ := strings.Cut(p.rawUser, ":")
	var err1, err2 error
	p.user, err1 = url.PathUnescape(user)
	p.password, err2 = url.PathUnescape(password)
	if errors.Join(err1, err2) != nil {
		return &dsnError{"has a bad percent escape in the user or the password: write % as %25"}
	}
	return nil
}

func (p *dsnParts) setHosts(authority string) error {
	for host := range strings.SplitSeq(authority, ",") {
		name, port, err := splitHostPort(host)
		if err != nil || name == "" {
			return &dsnError{"has no host, or one that cannot be read; " + dsnForm}
		}
		if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
			return &dsnError{"has a port that is not a number from 1 to 65535; " + dsnForm}
		}
		p.hosts = append(p.hosts, host)
	}
	return nil
}

// splitHostPort is net.SplitHostPort for hosts that may lack a port.
func splitHostPort(s string) (host, port string, err error) {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		if _, err := netip.ParseAddr(s[1 : len(s)-1]); err != nil {
			return "", "", err
		}
		return s[1 : len(s)-1], "", nil
	}
	if !strings.Contains(s, ":") {
		return s, "", nil
	}
	return net.SplitHostPort(s)
}

// forDriver writes the DSN as the driver's parser takes it.
func (p *dsnParts) forDriver() string {
	query := p.params
	if p.scheme == "https" && !query.Has("secure") {
		query.Set("secure", "true")
	}
	u := url.URL{Scheme: p.scheme, Path: "/" + p.database, RawQuery: query.Encode()}
	if p.rawUser != "" {
		u.User = url.UserPassword(p.user, p.password)
	}
	// url.URL would escape the commas and brackets of a host list.
	prefix, path := p.scheme+"://", u.EscapedPath()
	if u.User != nil {
		prefix += u.User.String() + "@"
	}
	return prefix + strings.Join(p.hosts, ",") + path + "?" + u.RawQuery
}

// checkParams refuses what the driver would ignore or explain badly. The
// message names the parameter and what it takes, never its value.
func checkParams(params url.Values) error {
	for _, name := range []string{"secure", "skip_verify"} {
		if v := params.Get(name); v != "" {
			if _, err := strconv.ParseBool(v); err != nil {
				return fmt.Errorf("parameter %s takes true or false", name)
			}
		}
	}
	if params.Has("http_port") {
		if n, err := strconv.ParseUint(params.Get("http_port"), 10, 16); err != nil || n == 0 {
			return errors.New("parameter http_port takes a number from 1 to 65535")
		}
	}
	for _, name := range []string{"dial_timeout", "read_timeout", "conn_max_lifetime"} {
		if !params.Has(name) {
			continue
		}
		if d, err := time.ParseDuration(params.Get(name)); err != nil || d <= 0 {
			return fmt.Errorf("parameter %s takes a positive duration such as 10s", name)
		}
	}
	for _, name := range []string{"max_open_conns", "max_idle_conns"} {
		if !params.Has(name) {
			continue
		}
		if n, err := strconv.Atoi(params.Get(name)); err != nil || n <= 0 {
			return fmt.Errorf("parameter %s takes a positive number", name)
		}
	}
	if v := params.Get("connection_open_strategy"); v != "" && !slices.Contains([]string{"in_order", "round_robin", "random"}, v) {
		return errors.New("parameter connection_open_strategy takes in_order, round_robin or random")
	}
	if v := params.Get("compress"); v != "" && !slices.Contains(compressNames, v) {
		if _, err := strconv.ParseBool(v); err != nil {
			return fmt.Errorf("parameter compress takes true, false or one of %s", strings.Join(compressNames, ", "))
		}
	}
	return nil
}

// compressNames are the values of the compress parameter, as the driver knows
// them.
var compressNames = []string{"none", "lz4", "lz4hc", "zstd", "gzip", "deflate", "br"}

// setCompression fills in what the DSN left open: none to this machine, where
// it only costs time, LZ4 elsewhere.
func setCompression(opt *chgo.Options) error {
	if opt.Compression == nil {
		method := chgo.CompressionLZ4
		if allLoopback(opt.Addr) {
			method = chgo.CompressionNone
		}
		opt.Compression = &chgo.Compression{Method: method}
		return nil
	}
	switch opt.Compression.Method {
	case chgo.CompressionGZIP, chgo.CompressionDeflate, chgo.CompressionBrotli:
		if opt.Protocol == chgo.Native {
			return errors.New("parameter compress takes none, lz4, lz4hc or zstd with the native protocol")
		}
	}
	return nil
}

// allLoopback reports whether every address is on this machine.
func allLoopback(addrs []string) bool {
	for _, addr := range addrs {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return false
		}
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// withPorts adds the usual port to addresses that have none.
func withPorts(addrs []string, protocol chgo.Protocol, tlsConfig *tls.Config) []string {
	port := "9000"
	switch {
	case protocol == chgo.HTTP && tlsConfig != nil:
		port = "8443"
	case protocol == chgo.HTTP:
		port = "8123"
	case tlsConfig != nil:
		port = "9440"
	}
	out := make([]string, 0, len(addrs))
	for _, addr := range addrs {
		host, have, err := splitHostPort(addr)
		if err == nil && have == "" {
			addr = net.JoinHostPort(host, port)
		}
		out = append(out, addr)
	}
	return out
}

// dsnError says why a DSN cannot be used. It never holds a part of the DSN.
type dsnError struct {
	problem string
}

func (e *dsnError) Error() string { return "dsn: " + e.problem }
