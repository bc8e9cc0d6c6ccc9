package sample

// runs generates the rows of the schema eval_run.
type runs struct {
	run
	seed, following uint64
}

func newRuns(seed uint64) generator { return &runs{seed: seed} }

func (g *runs) next(dst []byte) []byte {
	g.plan(g.seed, g.following)
	g.following++
	var passed, failed int
	var promptTokens, answerTokens, cost int64
	for i := range g.cases {
		o := g.any(i)
		promptTokens += o.promptTokens
		answerTokens += o.answerTokens
		cost += o.cost
		if o.passed {
			passed++
		}
		if o.failure != none {
			failed++
		}
	}
	name, version := "bfcl", bfclSuiteVersion
	if !g.isBFCL() {
		name, version = suites[g.suite].name, suites[g.suite].version
	}
	dst = append(dst, `{"id":"`...)
	dst = appendID(dst, ^g.key, 0)
	dst = appendString(dst, `","project":"`, evalProjects[g.project])
	dst = g.appendRunID(dst, `,"run_id":"`)
	dst = appendString(dst, `,"suite":"`, name)
	dst = appendString(dst, `,"suite_version":"`, version)
	dst = appendString(dst, `,"model":"`, g.model.name)
	dst = appendInt(dst, `,"prompt_version":"v`, 1+g.prompt)
	dst = append(dst, `","git_commit":"`...)
	dst = appendHex(dst, mix(g.key))
	dst = appendString(dst, `","trigger":"`, triggerNames[g.trigger])
	dst = appendString(dst, `,"status":"`, runStatusNames[g.status])
	dst = appendInt(dst, `,"case_count":`, g.cases)
	dst = appendInt(dst, `,"passed_count":`, passed)
	dst = appendInt(dst, `,"error_count":`, failed)
	dst = appendFraction(dst, `,"score":`, int64(passed)*10_000/int64(g.cases), 4)
	dst = appendInt(dst, `,"prompt_tokens":`, promptTokens)
	dst = appendInt(dst, `,"completion_tokens":`, answerTokens)
	dst = appendFraction(dst, `,"cost_usd":`, cost, 9)
	dst = appendInt(dst, `,"config":{"temperature":0.`, g.settings&3)
	dst = appendInt(dst, `,"concurrency":4,"max_tokens":`, 512<<(g.settings>>2))
	dst = append(dst, '}')
	dst = appendTags(dst, g.key)
	dst = appendMoment(dst, `,"started_at":"`, g.started)
	return append(appendMoment(dst, `,"ended_at":"`, g.clock), '}')
}

// A runCursor walks over the cases of runs.
type runCursor struct {
	run
	seed, following uint64
	index           int // of the next case
	text            random
}

// advance goes to the next case, and to the next wanted run when the current one has no more.
func (c *runCursor) advance(bfcl bool) (index int) {
	for c.index == c.cases {
		c.plan(c.seed, c.following)
		c.following++
		c.index = 0
		if c.isBFCL() != bfcl {
			c.index = c.cases
		}
	}
	c.index++
	return c.index - 1
}

// results generates the rows of the schema eval_result.
type results struct {
	runCursor
	question filled
}

func newResults(seed uint64) generator { return &results{runCursor: runCursor{seed: seed}} }

func (g *results) next(dst []byte) []byte {
	i := g.advance(false)
	o := g.result(i)
	s := &suites[g.suite]
	c, number := s.categoryOf(i)
	dst = append(dst, `{"id":"`...)
	dst = appendID(dst, g.key, uint64(i)) //nolint:gosec // cases are counted from 0
	dst = appendString(dst, `","project":"`, evalProjects[g.project])
	dst = g.appendRunID(dst, `,"run_id":"`)
	dst = appendString(dst, `,"suite":"`, s.name)
	dst = appendString(dst, `,"category":"`, c.name)
	dst = appendString(dst, `,"case_id":"`, c.name)
	dst[len(dst)-1] = '_'
	dst = appendPadded(dst, number, 3)
	dst = appendString(dst, `","model":"`, g.model.name)
	dst = append(dst, `,"attempt":1,"passed":`...)
	dst = appendBool(dst, o.passed)
	dst = g.appendJudgement(dst, s, &o)
	dst = g.appendTexts(dst, c, i, &o)
	dst = o.appendMeasures(dst)
	dst = appendTags(dst, o.seed)
	return append(appendMoment(dst, `,"created_at":"`, o.at), '}')
}

// appendJudgement appends the score, or the error that left nothing to judge.
func (g *results) appendJudgement(dst []byte, s *suite, o *outcome) []byte {
	if o.failure != none {
		return appendString(dst, `,"score":null,"error_type":"`, evalErrors[o.failure])
	}
	dst = appendFraction(dst, `,"score":`, o.score, 3)
	return appendString(dst, `,"grader":"`, s.grader)
}

// appendTexts appends the question, the wanted answer and the one given. A case asks the same in every run.
func (g *results) appendTexts(dst []byte, c *category, i int, o *outcome) []byte {
	r := &g.text
	r.reset(caseNoise(g.suite, i), streamCase, 0)
	q := &c.questions[r.below(len(c.questions))]
	g.question.fill(q.ask, r)
	dst = append(append(dst, `,"input":"`...), g.question.text...)
	dst = q.appendAnswer(append(dst, `","expected":"`...), &g.question, true, r)
	dst = append(dst, `","output":"`...)
	if o.failure == none {
		r.reset(o.seed, streamCase, 1)
		dst = q.appendAnswer(dst, &g.question, o.passed, r)
	}
	if o.failure == none && !o.passed {
		dst = append(dst, `","reason":"not the answer that was wanted`...)
	}
	return append(dst, '"')
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}
