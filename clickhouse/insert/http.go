package insert

import (
	"context"
	"errors"
	"maps"

	"github.com/ClickHouse/ch-go/compress"
	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/clickhouse/chconn"
)

// httpInsertSettings make the server as strict with a block that comes over
// HTTP as it is with one over the native protocol.
var httpInsertSettings = map[string]string{
	conversionSetting:                          "0", // another type is an error, unless it is a wider one
	"input_format_skip_unknown_fields":         "0", // so is a column that the table lacks
	"input_format_null_as_default":             "0", // and NULL where there can be none
	"input_format_defaults_for_omitted_fields": "1", // columns that the schema lacks get their default
}

const conversionSetting = "input_format_native_allow_types_conversion"

// insertHTTP sends one block as the body of a POST, in ClickHouse's Native
// format.
//
// The table goes as a parameter and the columns are named by the format
// itself, so that no unusual name has to pass through the driver, which takes
// the statement apart.
func (ins *Inserter) insertHTTP(ctx context.Context, in Insert, may ready) (chconn.Phase, error) {
	settings := maps.Clone(httpInsertSettings)
	maps.Copy(settings, in.settings())
	method, compressed := bodyCompression(ins.client.Compression().Method)
	if compressed {
		settings["decompress"] = "1"
	}
	plain := ctx // without what is for the insert
	ctx = chgo.Context(ctx,
		chgo.WithSettings(driverSettings(settings)),
		chgo.WithParameters(chgo.Parameters{"factload_table": in.Table}))
	for try := 0; ; try++ {
		if err := may(plain); err != nil {
			return chconn.Unsent, err
		}
		var compressor *compress.Writer
		if compressed {
			compressor = compress.NewWriter(compress.Level(ins.client.Compression().Level), method) //nolint:gosec // a small number
		}
		complete, err := ins.post(chgo.Context(ctx, chgo.WithQueryID(insertID(in.Table))), newNativeBody(in.Block, compressor))
		if err == nil || complete {
			return chconn.RowsSentToViews, err // who knows better says so
		}
		// A connection that lay idle may have been cut by the other side. Of a
		// part of a block nothing is stored, so another one can be tried.
		if try > 0 || ctx.Err() != nil || chconn.ServerCode(err) != 0 || chconn.NotConnected(err) || !errors.Is(chconn.Classify(err, chconn.Unsent), chconn.ErrRetryable) {
			return chconn.Unsent, err
		}
	}
}

// post sends the body once. It says whether the server may have all of it.
func (ins *Inserter) post(ctx context.Context, body *nativeBody) (complete bool, err error) {
	defer body.stop()
	err = ins.client.InsertFormat(ctx, "Native", "INSERT INTO {factload_table:Identifier}", body.reader)
	return body.complete(), err
}

// bodyCompression returns the method for the body of an insert. The driver
// compresses with the methods of HTTP and leaves those of ClickHouse to us.
func bodyCompression(method chgo.CompressionMethod) (compress.Method, bool) {
	switch method {
	case chgo.CompressionLZ4:
		return compress.LZ4, true
	case chgo.CompressionLZ4HC:
		return compress.LZ4HC, true
	case chgo.CompressionZSTD:
		return compress.ZSTD, true
	}
	return compress.None, false
}

func driverSettings(settings map[string]string) chgo.Settings {
	out := make(chgo.Settings, len(settings))
	for name, value := range settings {
		out[name] = value
	}
	return out
}
