package sample

import "strings"

// A function is an invented function that a case of the function-calling suite offers to the model.
type function struct {
	name   string
	ask    template // the wish of the user, with the slots of the arguments in order
	spec   string   // the description of the function as JSON
	params []string // names of the parameters, in the order of the slots of ask
}

// newFunction makes a function whose parameters are the slots of ask; names are those of the parameters.
func newFunction(name, ask string, names ...string) function {
	f := function{name: name, ask: textTemplates(ask)[0], params: names}
	var properties, required strings.Builder
	for i, param := range names {
		kind := "string"
		if f.ask[i].limit > 0 {
			kind = "integer"
		}
		if i > 0 {
			properties.WriteByte(',')
			required.WriteByte(',')
		}
		properties.WriteString(`"` + param + `":{"type":"` + kind + `"}`)
		required.WriteString(`"` + param + `"`)
	}
	f.spec = `{"name":"` + name + `","parameters":{"type":"object","properties":{` + properties.String() +
		`},"required":[` + required.String() + `]}}`
	return f
}

var functions = []function{
	newFunction("get_weather", "What will the weather be in <place> in <digit> days?", "city", "days"),
	newFunction("book_table", "Book a table for <digit> in <place> under the name <name>.", "guests", "city", "name"),
	newFunction("convert_units", "How many miles are <count> km?", "value"),
	newFunction("calculate_loan", "What does a loan of <number> dollars cost a month over <digit> years?", "amount", "years"),
	newFunction("find_flights", "Find flights from <place> to <place> with at most <digit> stops.", "origin", "destination", "max_stops"),
	newFunction("send_message", "Tell <name> that \"<problem>\".", "recipient", "text"),
	newFunction("search_files", "Look for <word> in files of type <word>, <digit> levels deep.", "query", "kind", "depth"),
	newFunction("set_alarm", "Wake me in <percent> minutes with the sound <word>.", "minutes", "sound"),
	newFunction("translate_text", "What is \"<thing>\" in the language of <place>?", "text", "city"),
	newFunction("create_invoice", "Make an invoice of <count> euros for <name> in <place>.", "amount", "customer", "city"),
}

// A bfclCategory is a category of cases: how many calls are wanted, of how many offered functions.
type bfclCategory struct {
	name    string
	ease    int // permille to add to the share that passes
	wanted  int
	offered int
}

var bfclCategories = []bfclCategory{
	{"simple", 45, 1, 1},
	{"multiple", 20, 1, 4},
	{"parallel", -60, 3, 1},
	{"parallel_multiple", -130, 2, 4},
	{"relevance", 10, 1, 2},
	{"irrelevance", -90, 0, 2},
	{"multi_turn", -330, 2, 3},
}

var (
	bfclLanguages      = []string{"python", "java", "javascript"}
	bfclLanguagePicker = newPicker(70, 15, 15)
)

// A mistake is what is wrong with a function call.
type mistake struct{ name, message string }

const (
	wrongValue = iota
	wrongFunction
	missingParameter
	wrongCount
	notParsable
	unexpectedCall
	emptyAnswer
)

var mistakes = []mistake{
	wrongValue:       {"wrong_value", `the value of an argument is not the expected one`},
	wrongFunction:    {"wrong_function", `the name of the function is not the expected one`},
	missingParameter: {"missing_parameter", `a required parameter is missing`},
	wrongCount:       {"wrong_count", `the number of calls is not the expected one`},
	notParsable:      {"not_parsable", `the answer is not valid JSON: unexpected \"}\" at offset 41`},
	unexpectedCall:   {"unexpected_call", `a function was called although none fits`},
	emptyAnswer:      {"no_call", `no function was called`},
}

var mistakePicker = newPicker(46, 14, 18, 12, 6, 0, 4)

// bfclCategoryOf returns the category of case i and the number of the case within it.
func bfclCategoryOf(i int) (c *bfclCategory, number int) {
	return &bfclCategories[i%len(bfclCategories)], i / len(bfclCategories)
}

// bfclResult decides case i of a run of the function-calling suite.
func (n *run) bfclResult(i int) outcome {
	c, _ := bfclCategoryOf(i)
	noise := caseNoise(len(suites), i)
	pass := n.model.callPermille + c.ease + n.prompt*8 + int(noise%200) - 100
	return n.outcome(pass, false, 90+int64(c.offered)*70+int64(noise>>20%60), 14+int64(c.wanted)*22)
}

// mistakeOf says what is wrong with an answer that is not valid.
func (c *bfclCategory) mistakeOf(r *random) int {
	if c.wanted == 0 {
		return unexpectedCall
	}
	m := mistakePicker.pick(r)
	if m == wrongCount && c.wanted == 1 {
		return wrongValue
	}
	return m
}

// A plannedCall is a function with values for its parameters, ready for JSON.
type plannedCall struct {
	function *function
	values   [3][]byte
}

// fill draws values for all parameters of f. It keeps the memory of p.
func (p *plannedCall) fill(f *function, r *random) {
	p.function = f
	for i := range f.params {
		p.values[i] = f.ask[i].appendSlot(p.values[i][:0], r)
	}
}

// appendAsk appends the wish of the user.
func (p *plannedCall) appendAsk(dst []byte) []byte {
	for i := range p.function.ask {
		dst = append(dst, p.function.ask[i].literal...)
		if i < len(p.function.params) {
			dst = append(dst, p.values[i]...)
		}
	}
	return dst
}

// appendJSON appends the call as JSON with its first params parameters.
func (p *plannedCall) appendJSON(dst []byte, name string, params int) []byte {
	dst = appendString(dst, `{"name":"`, name)
	dst = append(dst, `,"arguments":{`...)
	for i := range params {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, `"`, p.function.params[i]), ':')
		if p.function.ask[i].limit > 0 {
			dst = append(dst, p.values[i]...)
			continue
		}
		dst = append(dst, '"')
		dst = append(append(dst, p.values[i]...), '"')
	}
	return append(dst, '}', '}')
}
