package chconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
)

// Parameters of a DSN that say how TLS is done, named as ClickHouse's Python
// client names them.
const (
	paramCA         = "ca_cert"
	paramCert       = "client_cert"
	paramKey        = "client_cert_key"
	paramServerName = "server_host_name"
)

// takeTLS takes the TLS parameters out of params and returns the configuration
// that they describe, nil if there are none. Files are read now, so that one
// that is missing is found when the Client is made; the client's certificate is
// read again for every connection, so that one that was renewed is used.
func takeTLS(params url.Values) (*tls.Config, error) {
	ca, cert, key, name := params.Get(paramCA), params.Get(paramCert), params.Get(paramKey), params.Get(paramServerName)
	for _, param := range []string{paramCA, paramCert, paramKey, paramServerName} {
		params.Del(param)
	}
	if ca == "" && cert == "" && key == "" && name == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name}
	if ca != "" {
		roots, err := authorities(ca)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", paramCA, err)
		}
		config.RootCAs = roots
	}
	if key == "" {
		key = cert // one file may hold both
	}
	if cert == "" {
		if key != "" {
			return nil, fmt.Errorf("parameter %s needs %s beside it", paramKey, paramCert)
		}
		return config, nil
	}
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("parameters %s and %s: %w", paramCert, paramKey, err)
		}
		return &pair, nil
	}
	if _, err := load(nil); err != nil {
		return nil, err
	}
	config.GetClientCertificate = load
	return config, nil
}

// authorities reads a file of certificates in PEM.
func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return roots, nil
}

// isAlert reports whether the other side refused the connection by a TLS alert,
// during the handshake or, as a server of TLS 1.3 does with a client's
// certificate, right behind it. An alert on a connection that was used is one of
// the network's faults.
func isAlert(err error) bool {
	return NotConnected(err) && isRemoteError(err)
}

// isRemoteError reports whether crypto/tls was sent an alert.
func isRemoteError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// tlsHint says how to fix what one side has against the other's certificate.
func tlsHint(err error) string {
	var hostname x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &hostname):
		return "the certificate is for another name: connect by the name that it has, or give that with server_host_name=NAME in the DSN"
	case errors.As(err, &authority):
		return "this machine does not know who signed the certificate: give the authority's certificate with ca_cert=FILE in the DSN"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has to be renewed, or the clock of this machine is wrong"
	case isAlert(err):
		return "the server does not take what this side showed of itself: give a certificate that it knows with client_cert=FILE and client_cert_key=FILE in the DSN"
	}
	return "check the certificate, the host name and the clock; skip_verify=true accepts any certificate"
}
