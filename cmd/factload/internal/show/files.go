package show

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/factload/factload/clickhouse/bulk"
)

// Files names the first file, as it is seen from the working directory.
func Files(files []bulk.LoadedFile) string {
	if len(files) == 0 {
		return ""
	}
	name := files[0].File
	if dir, err := os.Getwd(); err == nil && filepath.IsAbs(name) {
		if inside, err := filepath.Rel(dir, name); err == nil && filepath.IsLocal(inside) {
			name = inside
		}
	}
	if more := len(files) - 1; more > 0 {
		name += fmt.Sprintf(" and %s more", Thousands(int64(more)))
	}
	return name
}
