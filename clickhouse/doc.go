// Package clickhouse stores facts in ClickHouse.
package clickhouse
