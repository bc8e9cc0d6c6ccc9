package sample

// messages generates the rows of the schema message: conversation by conversation, turn by turn.
type messages struct {
	conversation
	seed, following uint64
	turn            int
	text            random
}

func newMessages(seed uint64) generator { return &messages{seed: seed} }

func (g *messages) next(dst []byte) []byte {
	if g.turn == len(g.turns) {
		g.plan(g.seed, g.following)
		g.following++
		g.turn = 0
	}
	t := &g.turns[g.turn]
	dst = append(dst, `{"id":"`...)
	dst = g.appendMessageID(dst, g.turn)
	dst = appendString(dst, `","project":"`, projectNames[g.project])
	dst = g.appendConversationID(dst, `,"conversation_id":"`)
	dst = appendInt(dst, `,"turn":`, g.turn)
	dst = appendString(dst, `,"role":"`, roleNames[t.role])
	dst = g.appendUser(dst, `,"user_id":"user_`)
	g.text.reset(t.seed, 0, 0)
	if t.role == roleAssistant {
		dst = appendString(dst, `,"model":"`, g.model.name)
	}
	dst = append(dst, `,"content":"`...)
	dst = append(g.appendContent(dst, t), '"')
	if t.role == roleAssistant {
		dst = g.appendCall(dst, t)
	}
	dst = appendTags(dst, t.seed)
	g.turn++
	return append(appendMoment(dst, `,"created_at":"`, t.at), '}')
}

// appendContent appends the text of a turn.
func (g *messages) appendContent(dst []byte, t *turn) []byte {
	r := &g.text
	switch {
	case t.role == roleSystem:
		return appendOne(dst, r, systemTexts)
	case t.role == roleUser:
		return appendQuestion(dst, r, g.language, t.size)
	case t.role == roleTool:
		k := &g.calls[t.call]
		r.reset(k.seed, 1, 0)
		if k.failure != none {
			dst = appendString(dst, `error: `, failures[k.failure].name)
			dst[len(dst)-1] = ':'
			r.reset(k.seed, 2, uint64(k.attempt)) //nolint:gosec // attempts are counted from 1
			return appendOne(append(dst, ' '), r, failures[k.failure].messages)
		}
		return appendOne(dst, r, tools[k.tool].resultTexts)
	case t.callError != none:
		return dst
	case t.call != none:
		return append(append(dst, `I will use `...), tools[g.calls[t.call].tool].name...)
	}
	return appendAnswer(dst, r, g.language, t.size)
}

// appendCall appends what is known of the model call of a turn.
func (g *messages) appendCall(dst []byte, t *turn) []byte {
	reason := "stop"
	switch {
	case t.callError != none:
		reason = "error"
	case t.call != none:
		reason = "tool_calls"
	case t.size > 900:
		reason = "length"
	}
	dst = appendString(dst, `,"finish_reason":"`, reason)
	dst = appendInt(dst, `,"prompt_tokens":`, t.promptTokens)
	dst = appendInt(dst, `,"completion_tokens":`, t.answerTokens)
	dst = appendInt(dst, `,"latency_ms":`, t.total)
	if t.first != none {
		dst = appendInt(dst, `,"first_token_ms":`, t.first)
	}
	dst = appendFraction(dst, `,"cost_usd":`, t.cost, 9)
	if t.score != none {
		dst = appendFraction(dst, `,"score":`, t.score, 2)
	}
	if t.callError != none {
		dst = appendString(dst, `,"error_type":"`, callErrors[t.callError])
	}
	if t.seed&3 == 0 {
		dst = appendString(dst, `,"payload":{"region":"`, regions[t.seed>>8%uint64(len(regions))])
		dst = appendInt(dst, `,"temperature":0.`, t.seed>>16&7)
		dst = append(dst, `,"cached":false}`...)
	}
	return dst
}

// conversations generates the rows of the schema conversation.
type conversations struct {
	conversation
	seed, following uint64
}

func newConversations(seed uint64) generator { return &conversations{seed: seed} }

func (g *conversations) next(dst []byte) []byte {
	g.plan(g.seed, g.following)
	g.following++
	var errors int
	var promptTokens, answerTokens, cost int64
	for i := range g.turns {
		t := &g.turns[i]
		promptTokens += t.promptTokens
		answerTokens += t.answerTokens
		cost += t.cost
		if t.callError != none {
			errors++
		}
	}
	for i := range g.calls {
		if g.calls[i].failure != none {
			errors++
		}
	}
	dst = append(dst, `{"id":"`...)
	dst = appendID(dst, ^g.key, 0)
	dst = appendString(dst, `","project":"`, projectNames[g.project])
	dst = g.appendConversationID(dst, `,"conversation_id":"`)
	dst = g.appendUser(dst, `,"user_id":"user_`)
	dst = append(dst, `,"title":"`...)
	dst = append(appendOne(dst, &g.rng, titles), '"')
	dst = appendString(dst, `,"channel":"`, channelNames[g.channel])
	dst = appendString(dst, `,"language":"`, languageCodes[g.language])
	dst = appendString(dst, `,"model":"`, g.model.name)
	dst = appendString(dst, `,"status":"`, statusNames[g.status])
	dst = appendInt(dst, `,"message_count":`, len(g.turns))
	dst = appendInt(dst, `,"tool_call_count":`, len(g.calls))
	dst = appendInt(dst, `,"error_count":`, errors)
	dst = appendInt(dst, `,"prompt_tokens":`, promptTokens)
	dst = appendInt(dst, `,"completion_tokens":`, answerTokens)
	dst = appendFraction(dst, `,"cost_usd":`, cost, 9)
	if g.score != none {
		dst = appendFraction(dst, `,"score":`, g.score, 2)
	}
	dst = appendTags(dst, g.key)
	dst = appendString(dst, `,"payload":{"region":"`, regions[g.key>>8%uint64(len(regions))])
	dst = append(dst, '}')
	dst = appendMoment(dst, `,"started_at":"`, g.turns[0].at)
	return append(appendMoment(dst, `,"ended_at":"`, g.turns[len(g.turns)-1].at), '}')
}

// toolCalls generates the rows of the schema tool_call.
type toolCalls struct {
	conversation
	seed, following uint64
	call            int
	text            random
}

func newToolCalls(seed uint64) generator { return &toolCalls{seed: seed} }

func (g *toolCalls) next(dst []byte) []byte {
	for g.call == len(g.calls) {
		g.plan(g.seed, g.following)
		g.following++
		g.call = 0
	}
	k := &g.calls[g.call]
	dst = append(dst, `{"id":"`...)
	dst = appendID(dst, mix(g.key), uint64(g.call)) //nolint:gosec // calls are counted from 0
	dst = appendString(dst, `","project":"`, projectNames[g.project])
	dst = g.appendConversationID(dst, `,"conversation_id":"`)
	dst = append(dst, `,"message_id":"`...)
	dst = g.appendMessageID(dst, k.asked)
	dst = appendString(dst, `","model":"`, g.model.name)
	dst = appendString(dst, `,"tool_name":"`, tools[k.tool].name)
	dst = append(dst, `,"arguments":`...)
	g.text.reset(k.seed, 1, 0) // the same words as in the result
	dst = appendOne(dst, &g.text, tools[k.tool].arguments)
	dst = g.appendOutcome(dst, k)
	dst = appendInt(dst, `,"attempt":`, k.attempt)
	dst = appendInt(dst, `,"latency_ms":`, k.millis)
	g.call++
	return append(appendMoment(dst, `,"created_at":"`, k.answered), '}')
}

// appendOutcome appends the result of a call or its error.
func (g *toolCalls) appendOutcome(dst []byte, k *call) []byte {
	if k.failure == none {
		dst = append(dst, `,"result":`...)
		g.text.reset(k.seed, 1, 0)
		dst = appendOne(dst, &g.text, tools[k.tool].results)
		return append(dst, `,"success":true,"error_type":null`...)
	}
	f := &failures[k.failure]
	dst = appendString(dst, `,"result":null,"success":false,"error_type":"`, f.name)
	dst = append(dst, `,"error_message":"`...)
	g.text.reset(k.seed, 2, uint64(k.attempt)) //nolint:gosec // attempts are counted from 1
	return append(appendOne(dst, &g.text, f.messages), '"')
}
