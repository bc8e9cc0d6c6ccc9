// Package faults breaks an engine, its disk and the connections to it, and heals them, for
// tests whose promise is that nothing is lost or doubled meanwhile.
package faults
