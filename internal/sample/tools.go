package sample

// A tool is an invented tool that models may call.
type tool struct {
	name          string
	millis        int64 // median time that a call takes
	errorPermille int   // share of calls that fail
	errors        picker
	arguments     []template
	results       []template // as JSON
	resultTexts   []template // the same inside a JSON string
}

// A failure is a kind of error of a tool.
type failure struct {
	name     string
	messages []template
	retried  bool
}

const (
	timeout = iota
	rateLimited
	invalidArguments
	notFound
	permissionDenied
	internalError
)

var failures = []failure{
	timeout: {"timeout", textTemplates(
		"context deadline exceeded after <digit>0000 ms", "no answer within <percent> s"), true},
	rateLimited: {"rate_limited", textTemplates(
		"429 Too Many Requests: retry after <percent> s", "quota of <count> calls a minute is used up"), true},
	invalidArguments: {"invalid_arguments", textTemplates(
		"missing required argument \"<word>\"", "argument \"limit\": <count> is more than 100",
		"unexpected end of JSON input at offset <percent>"), true},
	notFound: {"not_found", textTemplates("404 Not Found: /<word>/<number>", "no <thing> with id <number>"), false},
	permissionDenied: {"permission_denied", textTemplates(
		"403 Forbidden: role \"viewer\" may not <do> a <thing>", "open /var/lib/<word>: permission denied"), false},
	internalError: {"internal", textTemplates(
		"500 Internal Server Error: request <number>", "panic: runtime error: index out of range [<digit>]"), false},
}

func newTool(name string, millis int64, errorPermille int, errors picker, arguments, results []string) tool {
	return tool{
		name: name, millis: millis, errorPermille: errorPermille, errors: errors,
		arguments: jsonTemplates(arguments...), results: jsonTemplates(results...), resultTexts: textTemplates(results...),
	}
}

// tools are the known tools. The weights of errors are in the order of failures.
var tools = []tool{
	newTool("search_docs", 180, 14, newPicker(50, 25, 15, 5, 0, 5),
		[]string{`{"query":"<do> <thing>","limit":<digit>}`, `{"query":"<tech> <thing>","limit":5,"lang":"en"}`},
		[]string{
			`{"hits":[{"title":"<do> the <thing>","score":0.<percent>},{"title":"<tech> in <place>","score":0.<digit>}],"total":<count>}`,
			`{"hits":[],"total":0}`,
		}),
	newTool("get_order", 90, 22, newPicker(15, 5, 20, 55, 3, 2),
		[]string{`{"order_id":"A-<number>"}`},
		[]string{
			`{"order_id":"A-<number>","status":"shipped","items":<digit>,"total":<count>.<digit>,"city":"<place>"}`,
			`{"order_id":"A-<number>","status":"open","items":<digit>,"total":<percent>.<digit>5,"city":"<place>"}`,
		}),
	newTool("run_sql", 420, 74, newPicker(38, 4, 30, 10, 14, 4),
		[]string{
			`{"query":"SELECT count() FROM <word> WHERE city = '<place>'","max_rows":<count>}`,
			`{"query":"SELECT day, sum(amount)\nFROM \"<word>\"\nGROUP BY day\nORDER BY day","max_rows":100}`,
		},
		[]string{`{"columns":["count()"],"rows":[[<number>]]}`, `{"columns":["day","sum"],"rows":[["2026-10-0<digit>",<number>.<digit>]]}`}),
	newTool("run_python", 850, 96, newPicker(30, 2, 24, 8, 6, 30),
		[]string{`{"code":"import math\nprint(math.sqrt(<number>))"}`, `{"code":"df = load('<word>.csv')\nprint(df['<word>'].mean())"}`},
		[]string{`{"stdout":"<count>.<digit>\n","exit_code":0}`, `{"stdout":"","exit_code":0}`}),
	newTool("fetch_url", 640, 138, newPicker(52, 20, 4, 14, 8, 2),
		[]string{`{"url":"https://<word>.example.com/<word>?page=<digit>"}`, `{"url":"https://example.org/<word>/<number>"}`},
		[]string{`{"status":200,"bytes":<number>,"title":"<place> — <thing>"}`, `{"status":200,"bytes":<count>,"title":"<tech>"}`}),
	newTool("send_mail", 310, 31, newPicker(20, 40, 22, 2, 14, 2),
		[]string{`{"to":"<word>@example.com","subject":"Your <thing>"}`},
		[]string{`{"queued":true,"message_id":"<<number>@example.com>"}`}),
	newTool("create_ticket", 260, 18, newPicker(30, 10, 45, 0, 10, 5),
		[]string{`{"title":"<problem>","priority":"high"}`, `{"title":"<thing>: <problem>","priority":"low"}`},
		[]string{`{"ticket":<number>,"queue":"<word>"}`}),
	newTool("read_file", 15, 47, newPicker(4, 0, 16, 62, 18, 0),
		[]string{`{"path":"src/<word>/<word>.go"}`, `{"path":"docs\\<word>.md","from":<count>}`},
		[]string{`{"lines":<count>,"text":"package <word>\n\n// <do> the <thing>.\n"}`, `{"lines":<percent>,"text":"# <thing>\n\n<problem>\n"}`}),
}

// toolPickers give each project of chatProjects the tools that it uses.
var toolPickers = [chatProjects]picker{
	newPicker(30, 40, 0, 0, 4, 12, 14, 0),
	newPicker(70, 0, 2, 0, 20, 2, 6, 0),
	newPicker(18, 0, 8, 26, 10, 0, 2, 36),
	newPicker(6, 2, 62, 22, 4, 2, 2, 0),
}
