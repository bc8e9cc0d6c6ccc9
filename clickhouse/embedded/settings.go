//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
)

// settings is what the engine's configuration files are made from.
type settings struct {
	Config       // resolved
	files        layout
	native, http addr
}

// write writes the files that the engine starts from.
func (s settings) write() error {
	files := map[string]string{
		s.files.config(): s.config(),
		s.files.users():  s.users(),
		s.files.start():  s.startSQL(),
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("engine configuration: %w", withAdvice(err))
		}
	}
	return nil
}

// startSQL creates the database, opens the listeners and reports where they are on the pipe that the child has as
// reportFD. Nobody can connect before there is a database.
func (s settings) startSQL() string {
	return fmt.Sprintf(`CREATE DATABASE IF NOT EXISTS %s ENGINE = Atomic;
SYSTEM START LISTEN TCP;
SYSTEM START LISTEN HTTP;
SELECT getServerPort('tcp_port'), getServerPort('http_port') INTO OUTFILE '%s' APPEND FORMAT TSV;
`, quoteName(s.Database), fdPath(reportFD))
}

func quoteName(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
}

// keepFree is how many bytes inserts and merges leave free on the disk, which others may fill in the meantime.
const keepFree = 64 << 20

// config renders the server's part of the configuration. What is not here is the engine's default.
func (s settings) config() string {
	var b strings.Builder
	set := func(name string, value any) { fmt.Fprintf(&b, "<%s>%s</%s>\n", name, xmlText(fmt.Sprint(value)), name) }
	b.WriteString("<clickhouse>\n")
	// One log file of at most 10 MB and two older ones. System log tables (query_log, ...) exist only where they are
	// configured, so there are none, and an idle engine's data directory does not grow. A statement that fails is the
	// business of who sent it: these would log its text and the values in it.
	levels := ""
	for _, source := range []string{"executeQuery", "TCPHandler", "DynamicQueryHandler", "PredefinedQueryHandler"} {
		levels += "<" + source + ">none</" + source + ">"
	}
	fmt.Fprintf(&b, "<logger><level>warning</level><log>%s</log><size>10M</size><count>2</count><levels>%s</levels></logger>\n",
		xmlText(s.files.engineLog()), levels)
	set("listen_host", s.native.host)
	set("tcp_port", s.native.port)
	set("http_port", s.http.port)
	set("users_config", s.files.users())
	// As a library the engine merges with 2 threads, whatever the machine; as a server, with 16. And with less than a
	// few scheduler threads it fills its log with complaints.
	set("background_pool_size", min(max(2, runtime.NumCPU()), 16))
	set("background_schedule_pool_size", 8)
	// The defaults are made for a machine that does nothing else: 5 GB each for the first two.
	set("mark_cache_size", 256<<20)
	set("index_mark_cache_size", 64<<20)
	set("text_index_tokens_cache_size", 64<<20)
	set("text_index_header_cache_size", 64<<20)
	set("text_index_postings_cache_size", 128<<20)
	// How often the engine compares its own account of memory with the system's. The default, 50 ms, costs an idle
	// engine half a percent of a core.
	set("memory_worker_period_ms", 250)
	// The engine acknowledges parts whose marks it could not write when the disk fills up within an insert. So it takes
	// no insert, and merges nothing, when less than this is free.
	fmt.Fprintf(&b, "<storage_configuration><disks><default><keep_free_space_bytes>%d</keep_free_space_bytes></default></disks></storage_configuration>\n", keepFree)
	set("allow_experimental_webterminal", 0) // a client inside of the engine, with files and all
	if s.Backups != "" {
		fmt.Fprintf(&b, "<backups><allowed_path>%s</allowed_path></backups>\n", xmlText(s.Backups))
	}
	if len(s.Pages) > 0 {
		b.WriteString("<http_handlers>\n")
		for _, p := range s.Pages {
			b.WriteString(p.rule())
		}
		b.WriteString("<defaults/></http_handlers>\n")
	}
	b.WriteString(s.remoteServers())
	b.WriteString("</clickhouse>\n")
	return b.String()
}

// remoteServers renders the clusters, in place of those that the engine has for examples.
func (s settings) remoteServers() string {
	if len(s.Clusters) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<remote_servers>\n")
	for _, name := range slices.Sorted(maps.Keys(s.Clusters)) {
		fmt.Fprintf(&b, "<%s>\n", name)
		for _, shard := range s.Clusters[name] {
			host, port, _ := net.SplitHostPort(shard) // it has been checked
			fmt.Fprintf(&b, "<shard><replica><host>%s</host><port>%s</port><user>%s</user><password>%s</password></replica></shard>\n",
				xmlText(host), port, xmlText(s.User), xmlText(s.Password))
		}
		fmt.Fprintf(&b, "</%s>\n", name)
	}
	b.WriteString("</remote_servers>\n")
	return b.String()
}

// rule renders a page.
func (p Page) rule() string {
	rule := func(condition, handler string) string {
		return "<rule><url>" + p.Path + "</url><methods>GET</methods><empty_query_string/>" + condition + "<handler>" + handler + "</handler></rule>\n"
	}
	if p.Query == "" {
		return rule("", p.static())
	}
	// Who does not log in is the user "default" to the engine, whose one session is taken: not for others to know.
	query := "<type>predefined_query_handler</type><query>" + xmlText(p.Query) + "</query>"
	nobody := Page{Text: p.Path + " is for users of this engine: log in by HTTP basic authentication\n", Headers: map[string]string{"Content-Type": "text/plain; charset=UTF-8"}}
	return rule("<headers><Authorization>regex:.+</Authorization></headers>", query) +
		rule("<headers><X-ClickHouse-User>regex:.+</X-ClickHouse-User></headers>", query) +
		rule("", "<status>403</status>"+nobody.static())
}

// static renders what answers with the text.
func (p Page) static() string {
	var b strings.Builder
	b.WriteString("<type>static</type><http_response_headers>")
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		b.WriteString("<" + name + ">" + xmlText(p.Headers[name]) + "</" + name + ">")
	}
	b.WriteString("</http_response_headers><response_content>" + xmlText(p.Text) + "</response_content>")
	return b.String()
}

// users renders the users.
//
// The engine's own session logs in as "default" with an empty password from 127.0.0.1, which cannot be changed. So
// that user may do nothing but create the database and open the listeners, and it may have one session: the engine's
// own, which is there before the listeners are and stays until the engine ends. Nobody else can ever log in as
// "default".
func (s settings) users() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("<clickhouse>")
	line("<profiles><default>%s</default>", profile)
	line("<sealed><max_sessions_for_user>1</max_sessions_for_user></sealed>")
	for _, u := range s.Users {
		line("%s", u.profileXML())
	}
	line("</profiles>")
	line("<quotas><default/></quotas>")
	line("<users>")
	line("<default><password/><networks><ip>127.0.0.1</ip></networks><profile>sealed</profile><quota>default</quota>%s</default>",
		grantsXML("GRANT SYSTEM LISTEN ON *.*", "GRANT CREATE DATABASE ON *.*", "GRANT TABLE ENGINE ON Atomic"))
	line("%s", userXML(s.User, s.Password, "default", s.Database, userGrants(s.Remote)))
	for _, u := range s.Users {
		grants := make([]string, len(u.Grants))
		for i, grant := range u.Grants {
			grants[i] = "GRANT " + grant
		}
		line("%s", userXML(u.Name, u.Password, u.profileName(), s.Database, grants))
	}
	line("</users>")
	line("</clickhouse>")
	return b.String()
}

func grantsXML(grants ...string) string {
	return "<grants><query>" + strings.Join(grants, "</query><query>") + "</query></grants>"
}

func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
