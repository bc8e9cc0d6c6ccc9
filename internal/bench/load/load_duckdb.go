package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// duckDBModule is the package that DuckDB comes in.
const duckDBModule = "@duckdb/node-api"

// duckDBScript makes a table of a file, in a new database, and prints how many rows it has.
const duckDBScript = `
const { DuckDBInstance } = require('` + duckDBModule + `');
(async () => {
  const [file, database] = process.argv.slice(1);
  const connection = await (await DuckDBInstance.create(database)).connect();
  await connection.run("CREATE TABLE loaded AS SELECT * FROM read_json('" + file.replaceAll("'", "''") + "', format = 'newline_delimited')");
  console.log(String((await connection.runAndReadAll('SELECT count(*) FROM loaded')).getRows()[0][0]));
})().catch((e) => { console.error(e); process.exit(1); });
`

// node runs a script, which finds the modules that are installed in the directory of the data.
func node(ctx context.Context, o options, script string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", append([]string{"-e", script}, args...)...) //nolint:gosec // a script of this program
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(o.dir, "node_modules")+string(os.PathListSeparator)+os.Getenv("NODE_PATH"))
	return cmd
}

// hasDuckDB reports whether node and its module are there.
func hasDuckDB(ctx context.Context, o options) bool {
	return node(ctx, o, "require.resolve('"+duckDBModule+"')").Run() == nil
}

// runDuckDB has the file become a table of DuckDB, which guesses the types of its columns. Its
// time is that of the whole process.
func runDuckDB(ctx context.Context, o options, j job) (measured, error) {
	cmd := node(ctx, o, duckDBScript, j.File, j.Rejects+".duckdb")
	cmd.Stderr = os.Stderr
	begin := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return measured{}, err
	}
	if got := strings.TrimSpace(string(out)); got != fmt.Sprint(j.Rows) {
		return measured{}, fmt.Errorf("its table has %s rows, and the file %d", got, j.Rows)
	}
	return usage(cmd.ProcessState, time.Since(begin).Seconds()), nil
}
