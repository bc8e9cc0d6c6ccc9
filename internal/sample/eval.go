package sample

const (
	bfclSuiteVersion = "4"
	bfclCases        = 84
)

var (
	evalProjects      = []string{"assistant", "agents", "research"}
	evalProjectPicker = newPicker(50, 30, 20)
	suitePicker       = newPicker(34, 22, 18, 26) // the last is the function-calling suite
	evalModelPicker   = newPicker(24, 22, 14, 10, 18, 12)

	triggerNames  = []string{"schedule", "pull_request", "release", "manual"}
	triggerPicker = newPicker(45, 38, 5, 12)

	runStatusNames  = []string{"completed", "failed", "cancelled"}
	runStatusPicker = newPicker(93, 4, 3)

	// evalErrors are the errors that leave nothing to judge.
	evalErrors      = []string{"timeout", "rate_limited", "content_filter", "server_error"}
	evalErrorPicker = newPicker(52, 24, 6, 18)
)

// A run is the plan of one run of a suite against a model.
type run struct {
	key      uint64
	project  int
	suite    int // of suites, or len(suites) for the function-calling suite
	model    *model
	trigger  int
	status   int
	cases    int // cases with a result: all of the suite unless the run was broken off
	prompt   int // version of the prompt; later ones are a little better
	started  moment
	clock    moment // when the last outcome was there
	settings int
	rng      random
}

// isBFCL reports whether the run is one of the function-calling suite.
func (n *run) isBFCL() bool { return n.suite == len(suites) }

// plan makes n run number i of a seed.
func (n *run) plan(seed, i uint64) {
	r := &n.rng
	r.reset(seed, streamRun, i)
	n.key = r.bits64()
	n.project = evalProjectPicker.pick(r)
	n.suite = suitePicker.pick(r)
	n.model = &models[evalModelPicker.pick(r)]
	n.trigger = triggerPicker.pick(r)
	n.status = runStatusPicker.pick(r)
	n.settings = r.below(8)
	n.cases = bfclCases
	if !n.isBFCL() {
		n.cases = suites[n.suite].cases
	}
	if n.status != 0 {
		n.cases = 1 + r.below(n.cases)
	}
	n.started = pickMoment(r, 60*60*1000)
	n.prompt = n.started.week()
	n.clock = n.started
}

// An outcome is what became of one case in one run.
type outcome struct {
	passed       bool
	failure      int   // of evalErrors, or none
	score        int64 // thousandths, or none
	promptTokens int64
	answerTokens int64
	millis       int64 // none when there was no answer
	cost         int64 // 1e-9 US dollars
	at           moment
	seed         uint64
}

// outcome decides the next case of the run. pass is the permille of tries of this case that pass; graded cases have
// scores between 0 and 1, the others pass or fail.
func (n *run) outcome(pass int, graded bool, promptTokens, answerTokens int64) outcome {
	seed, measures := n.rng.bits64(), n.rng.bits64()
	o := outcome{failure: none, score: none, promptTokens: promptTokens, millis: none, seed: seed}
	if hits(seed, n.model.errorPermille) {
		o.failure = evalErrorPicker.pick(&n.rng)
		n.clock += 2000
		o.at = n.clock
		return o
	}
	o.passed = hits(seed>>16, min(max(pass, 15), 990))
	o.answerTokens = lengthSpread.at(measures>>40, answerTokens)
	_, o.millis = n.model.latency(measures, o.answerTokens)
	o.cost = n.model.cost(o.promptTokens, o.answerTokens)
	o.score = 0
	if o.passed {
		o.score = 1000
	}
	if graded {
		o.score = o.score*7/10 + int64(seed>>40%300)
	}
	n.clock += moment(o.millis / 4) // four cases at once
	o.at = n.clock
	return o
}

// caseNoise is a number of case i of a suite that is the same in every run and for every seed.
func caseNoise(suite, i int) uint64 {
	return mix(mix(streamCase<<32|uint64(suite)) + uint64(i)) //nolint:gosec // both are counted from 0
}

// categoryOf returns the category of case i and the number of the case within it.
func (s *suite) categoryOf(i int) (c *category, number int) {
	return &s.categories[i%len(s.categories)], i / len(s.categories)
}

// result decides case i of a run of one of suites.
func (n *run) result(i int) outcome {
	s := &suites[n.suite]
	c, _ := s.categoryOf(i)
	noise := caseNoise(n.suite, i)
	pass := n.model.passPermille + c.ease + n.prompt*8 + int(noise%320) - 160
	return n.outcome(pass, s.grader == "llm_judge", 40+int64(noise>>20%90), 20+int64(noise>>30%70))
}

// any decides case i of the run, whatever its suite.
func (n *run) any(i int) outcome {
	if n.isBFCL() {
		return n.bfclResult(i)
	}
	return n.result(i)
}

// appendRunID appends head and the run_id, with the closing quote.
func (n *run) appendRunID(dst []byte, head string) []byte {
	dst = append(dst, head...)
	return append(appendHex(dst, n.key), '"')
}

// appendMeasures appends the tokens, the latency and the price of an outcome.
func (o *outcome) appendMeasures(dst []byte) []byte {
	dst = appendInt(dst, `,"prompt_tokens":`, o.promptTokens)
	dst = appendInt(dst, `,"completion_tokens":`, o.answerTokens)
	if o.millis == none {
		dst = append(dst, `,"latency_ms":null`...)
	} else {
		dst = appendInt(dst, `,"latency_ms":`, o.millis)
	}
	return appendFraction(dst, `,"cost_usd":`, o.cost, 9)
}
