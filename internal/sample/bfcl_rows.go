package sample

// bfcl generates the rows of the schema eval_bfcl.
type bfcl struct {
	runCursor
	calls  [4]plannedCall
	wanted []plannedCall // of calls
	other  []byte        // a wrong value
}

func newBFCL(seed uint64) generator { return &bfcl{runCursor: runCursor{seed: seed}} }

func (g *bfcl) next(dst []byte) []byte {
	i := g.advance(true)
	o := g.bfclResult(i)
	c, number := bfclCategoryOf(i)
	g.text.reset(caseNoise(len(suites), i), streamBFCL, 0)
	dst = append(dst, `{"id":"`...)
	dst = appendID(dst, g.key, uint64(i)) //nolint:gosec // cases are counted from 0
	dst = appendString(dst, `","project":"`, evalProjects[g.project])
	dst = g.appendRunID(dst, `,"run_id":"`)
	dst = appendString(dst, `,"suite":"bfcl","category":"`, c.name)
	dst = appendString(dst, `,"case_id":"`, c.name)
	dst[len(dst)-1] = '_'
	dst = appendInt(dst, "", number)
	dst = appendString(dst, `","language":"`, bfclLanguages[bfclLanguagePicker.pick(&g.text)])
	dst = appendString(dst, `,"model":"`, g.model.name)
	dst = append(dst, `,"attempt":1,"valid":`...)
	dst = appendBool(dst, o.passed)
	dst = g.appendCase(dst, c)
	dst = g.appendAnswer(dst, c, &o)
	dst = o.appendMeasures(dst)
	dst = appendTags(dst, o.seed)
	return append(appendMoment(dst, `,"created_at":"`, o.at), '}')
}

// appendCase plans the wanted calls and appends the prompt, the offered functions and the wanted calls.
func (g *bfcl) appendCase(dst []byte, c *bfclCategory) []byte {
	r := &g.text
	first := r.below(len(functions))
	functionOf := func(i int) *function { return &functions[(first+i*3)%len(functions)] }
	for i := range g.calls {
		f := functionOf(i)
		if c.offered == 1 {
			f = functionOf(0)
		}
		g.calls[i].fill(f, r)
	}
	// Where no call is wanted, the user asks for what none of the offered functions does.
	asked := g.calls[:max(c.wanted, 1)]
	if c.wanted == 0 {
		asked = g.calls[3:]
	}
	dst = append(dst, `,"prompt":"`...)
	for i := range asked {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = asked[i].appendAsk(dst)
	}
	dst = append(dst, `","functions":[`...)
	for i := range c.offered {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, functionOf(i).spec...)
	}
	g.wanted = g.calls[:c.wanted]
	return appendCalls(append(dst, `],"expected":`...), g.wanted)
}

// appendCalls appends a list of calls.
func appendCalls(dst []byte, calls []plannedCall) []byte {
	dst = append(dst, '[')
	for i := range calls {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = calls[i].appendJSON(dst, calls[i].function.name, len(calls[i].function.params))
	}
	return append(dst, ']')
}

// appendAnswer appends the calls that the model made, and what is wrong with them.
func (g *bfcl) appendAnswer(dst []byte, c *bfclCategory, o *outcome) []byte {
	switch {
	case o.failure != none:
		return appendString(dst, `,"actual":null,"error_type":"`, evalErrors[o.failure])
	case o.passed:
		return append(appendCalls(append(dst, `,"actual":`...), g.wanted), `,"error_type":null`...)
	}
	r := &g.text
	r.reset(o.seed, streamBFCL, 1)
	m := c.mistakeOf(r)
	dst = g.appendWrong(append(dst, `,"actual":`...), m, r)
	dst = appendString(dst, `,"error_type":"`, mistakes[m].name)
	return appendString(dst, `,"error_message":"`, mistakes[m].message)
}

// appendWrong appends calls with a mistake.
func (g *bfcl) appendWrong(dst []byte, m int, r *random) []byte {
	switch m {
	case notParsable:
		return append(dst, "null"...)
	case emptyAnswer:
		return append(dst, "[]"...)
	case unexpectedCall:
		return appendCalls(dst, g.calls[:1])
	case wrongCount:
		return appendCalls(dst, g.wanted[1:])
	}
	p := &g.wanted[0]
	name, params := p.function.name, len(p.function.params)
	switch m {
	case wrongValue:
		g.other = p.function.ask[0].appendOther(g.other[:0], p.values[0], r)
		p.values[0], g.other = g.other, p.values[0]
	case wrongFunction:
		name = functions[r.below(len(functions))].name + "_v2"
	case missingParameter:
		params--
	}
	dst = p.appendJSON(append(dst, '['), name, params)
	for i := range g.wanted[1:] {
		dst = append(dst, ',')
		q := &g.wanted[i+1]
		dst = q.appendJSON(dst, q.function.name, len(q.function.params))
	}
	return append(dst, ']')
}
