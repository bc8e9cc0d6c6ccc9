// Package chconn talks to a ClickHouse server.
//
// A [Client] runs statements and queries over the native protocol or over HTTP.
// Package migrate changes tables over its connections, and package insert
// inserts blocks of rows; both need no more than a Client. The errors of all
// three are of type [*Error], whose class says whether to try again.
//
// No error, log line or String method of this package shows the password of a
// DSN.
//
// # For the packages beside it
//
// Besides what every user needs, the package has what only those need that
// build calls of their own on a Client: connection slots ([Client.Acquire]), how
// far a statement had come when it failed ([Phase]), from which the class of
// its error follows ([Client.Fail], [Classify]), and the server's codes.
package chconn
