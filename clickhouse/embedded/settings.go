//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"os"
	"strings"
)

// Limits of the engine's own log files: one current file and this many older ones.
const (
	logFileSize  = "10M"
	logFileCount = 2
)

// grants is what the engine's user may do; see the package comment for the reasons.
var grants = []string{
	"GRANT ALL ON *.*",
	"REVOKE SOURCES ON *.*",
	"GRANT REMOTE ON *.*",
	"REVOKE CREATE DICTIONARY ON *.*",
	"REVOKE SYSTEM SHUTDOWN, SYSTEM LISTEN ON *.*",
}

// settings is what the engine's configuration files are made from.
type settings struct {
	files        layout
	native, http addr
	user         string
	password     string
}

// write writes the files that the engine starts from.
func (s settings) write() error {
	files := map[string]string{
		s.files.config(): s.config(),
		s.files.users():  s.users(),
		s.files.start():  startSQL,
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("engine configuration: %w", mend(err))
		}
	}
	return nil
}

// startSQL opens the listeners and reports where they are on the pipe that the child has as reportFD.
var startSQL = fmt.Sprintf(`SYSTEM START LISTEN TCP;
SYSTEM START LISTEN HTTP;
SELECT getServerPort('tcp_port'), getServerPort('http_port') INTO OUTFILE '%s' APPEND FORMAT TSV;
`, fdPath(reportFD))

func (s settings) config() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("<clickhouse>")
	line("<logger><level>warning</level><log>%s</log><size>%s</size><count>%d</count></logger>",
		xmlText(s.files.engineLog()), logFileSize, logFileCount)
	line("<listen_host>%s</listen_host>", xmlText(s.native.host))
	line("<tcp_port>%d</tcp_port>", s.native.port)
	line("<http_port>%d</http_port>", s.http.port)
	line("<users_config>%s</users_config>", xmlText(s.files.users()))
	line("<timezone>UTC</timezone>")
	line("<user_files_path>%s/user_files/</user_files_path>", xmlText(s.files.data()))
	line("</clickhouse>")
	return b.String()
}

// users renders the two users.
//
// The engine's own session logs in as "default" with an empty password from 127.0.0.1, which cannot be changed. So
// that user may do nothing but open the listeners, and it may have one session: the engine's own, which is there
// before the listeners are and stays until the engine ends. Nobody else can ever log in as "default".
func (s settings) users() string {
	sum := sha256.Sum256([]byte(s.password))
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("<clickhouse>")
	line("<profiles><default/><sealed><max_sessions_for_user>1</max_sessions_for_user></sealed></profiles>")
	line("<quotas><default/></quotas>")
	line("<users>")
	line("<default><password/><networks><ip>127.0.0.1</ip></networks>" +
		"<profile>sealed</profile><quota>default</quota>" +
		"<grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants></default>")
	line("<%s><password_sha256_hex>%s</password_sha256_hex><networks><ip>::/0</ip></networks>"+
		"<profile>default</profile><quota>default</quota><grants>", s.user, hex.EncodeToString(sum[:]))
	for _, grant := range grants {
		line("<query>%s</query>", grant)
	}
	line("</grants></%s>", s.user)
	line("</users>")
	line("</clickhouse>")
	return b.String()
}

func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
