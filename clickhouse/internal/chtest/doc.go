// Package chtest has what the tests of the packages around it share: a proxy
// that cuts connections, DSNs, schemas with all kinds of names and types, and
// blocks of rows.
package chtest
