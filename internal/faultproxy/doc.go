// Package faultproxy stands between a client and a server and breaks what
// passes through it, the same way for every protocol over TCP.
//
// A [Plan] is made for each connection. Most name a turn: a turn begins when the
// client sends after the server has answered, so a request and its answer are
// one. Over ClickHouse's native protocol the first turn is the handshake, and an
// insert takes two: the statement, answered by the columns, and the rows,
// answered by the end. Over HTTP each request is a turn. Since clients keep
// connections, later turns are later statements.
//
//	p, err := faultproxy.Start(address, faultproxy.Always(faultproxy.Plan{
//		Kind: faultproxy.CutAnswer, Turn: 3,
//	}))
//
// [Proxy.SetPlan] changes the plan for connections that are made from then on,
// and [Proxy.CutAll] ends those that there are, so that a test can break the way
// to the server for a while and heal it.
package faultproxy
