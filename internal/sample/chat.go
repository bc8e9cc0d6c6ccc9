package sample

// Projects of the chat service.
const chatProjects = 4

var (
	projectNames  = [chatProjects]string{"support", "docs", "coding", "analytics"}
	projectPicker = newPicker(45, 25, 20, 10)

	channelNames  = []string{"web", "mobile", "api", "slack"}
	channelPicker = newPicker(55, 25, 12, 8)

	statusNames  = []string{"resolved", "abandoned", "escalated", "failed"}
	statusPicker = newPicker(74, 17, 9)

	// callErrors are the errors of model calls.
	callErrors      = []string{"timeout", "rate_limited", "context_length", "content_filter", "server_error"}
	callErrorPicker = newPicker(38, 30, 6, 8, 18)

	tagNames = []string{`"beta"`, `"vip"`, `"long_context"`, `"regression","reviewed"`, `"größe"`, `"a/b:\"blue\""`}
	regions  = []string{"eu-west", "us-east", "ap-south"}
)

const statusFailed = 3

// Roles of a turn.
const (
	roleSystem = iota
	roleUser
	roleAssistant
	roleTool
)

var roleNames = [...]string{"system", "user", "assistant", "tool"}

// none marks an optional number of a turn or a call that is not there.
const none = -1

// A turn is what is known of a message apart from its text.
type turn struct {
	role         int
	at           moment
	size         int // wanted length of the text in bytes
	promptTokens int64
	answerTokens int64
	first        int64 // milliseconds or none
	total        int64 // milliseconds or none
	cost         int64 // 1e-9 US dollars
	score        int64 // hundredths or none
	callError    int   // of callErrors, or none
	call         int   // assistant: whether it asks for a tool call, else none; tool: the call that it answers
	seed         uint64
}

// A call is a tool call.
type call struct {
	asked    int // the turn that asked for it
	answered moment
	tool     int
	failure  int // of failures, or none
	attempt  int
	millis   int64
	seed     uint64
}

// A conversation is the plan of one conversation, from which the rows of all three chat schemas are written.
type conversation struct {
	key      uint64
	project  int
	user     int
	model    *model
	channel  int
	language int
	status   int
	score    int64 // hundredths or none
	turns    []turn
	calls    []call
	rng      random
}

// plan makes c conversation number i of a seed. It keeps the memory of c.
func (c *conversation) plan(seed, i uint64) {
	r := &c.rng
	r.reset(seed, streamConversation, i)
	c.key = r.bits64()
	c.project = projectPicker.pick(r)
	c.user = userOf(r)
	c.model = &models[modelPickers[c.project].pick(r)]
	c.channel = channelPicker.pick(r)
	c.language = languagePicker.pick(r)
	c.turns, c.calls = c.turns[:0], c.calls[:0]

	var clock moment // from the start of the conversation on; moved to its place at the end
	context := int64(0)
	if r.chance(120) {
		context += c.add(turn{role: roleSystem, at: clock, size: 110})
	}
	for range 1 + roundSpread.around(r, 2) {
		clock += moment(1500 + pauseSpread.around(r, 25_000))
		context += c.add(turn{role: roleUser, at: clock, size: int(lengthSpread.around(r, 85))})
		if r.chance(160) {
			clock, context = c.useTool(clock, context)
		}
		clock, context = c.answer(clock, context)
	}
	c.finish(clock)
}

// userOf draws a user: some write a lot, most write rarely.
func userOf(r *random) int {
	u := r.below(1000)
	return u * u / 10 * (1 + r.below(4)) / 4
}

// add appends a turn without a model call and returns how many tokens its text has.
func (c *conversation) add(t turn) int64 {
	t.first, t.total, t.score, t.callError = none, none, none, none
	if t.role != roleTool {
		t.call = none
	}
	t.seed = c.rng.bits64()
	c.turns = append(c.turns, t)
	return int64(t.size)/4 + 3
}

// modelCall appends a turn of the assistant that is complete when the model is.
func (c *conversation) modelCall(t turn, context int64) (moment, int64) {
	r := &c.rng
	t.role, t.score, t.callError = roleAssistant, none, none
	t.promptTokens = context
	if r.chance(c.model.errorPermille) {
		t.callError = callErrorPicker.pick(r)
		t.call, t.size = none, 0
		t.first, t.total = none, latencySpread.around(r, 2*c.model.firstMillis)
	} else {
		t.answerTokens = int64(t.size)/4 + 2
		t.first, t.total = c.model.latency(r.bits64(), t.answerTokens)
		t.cost = c.model.cost(t.promptTokens, t.answerTokens)
	}
	t.at += moment(t.total)
	t.seed = r.bits64()
	c.turns = append(c.turns, t)
	return t.at, context + t.answerTokens
}

// answer appends an answer of the model and now and then a feedback on it.
func (c *conversation) answer(clock moment, context int64) (moment, int64) {
	r := &c.rng
	size := lengthSpread.around(r, 185*c.model.answerPermille/1000)
	clock, context = c.modelCall(turn{at: clock, size: int(size), call: none}, context)
	if r.chance(80) {
		score := int64(100 - r.below(30))
		if !r.chance(c.model.passPermille) {
			score = int64(r.below(50))
		}
		c.turns[len(c.turns)-1].score = score
	}
	return clock, context
}

// useTool appends a turn that asks for a tool call, the call with its attempts, and the turn with its result.
func (c *conversation) useTool(clock moment, context int64) (moment, int64) {
	r := &c.rng
	clock, context = c.modelCall(turn{at: clock, size: 60, call: len(c.calls)}, context)
	asked := len(c.turns) - 1
	if c.turns[asked].callError != none {
		return clock, context
	}
	pick, seed := toolPickers[c.project].pick(r), r.bits64()
	for attempt := 1; ; attempt++ {
		k := call{asked: asked, tool: pick, failure: none, attempt: attempt, seed: seed}
		k.millis = 1 + latencySpread.around(r, tools[pick].millis)
		if r.chance(tools[pick].errorPermille) {
			k.failure = tools[pick].errors.pick(r)
			if k.failure == timeout {
				k.millis += 10_000
			}
		}
		clock += moment(k.millis)
		k.answered = clock
		c.calls = append(c.calls, k)
		if k.failure == none || !failures[k.failure].retried || attempt == 3 || r.chance(400) {
			break
		}
	}
	context += c.add(turn{role: roleTool, at: clock, size: 90, call: len(c.calls) - 1})
	return clock, context
}

// finish decides how the conversation ended and moves its times to their place in the calendar.
func (c *conversation) finish(duration moment) {
	r := &c.rng
	c.status, c.score = statusPicker.pick(r), none
	if c.turns[len(c.turns)-1].callError != none {
		c.status = statusFailed
	}
	if r.chance(220) {
		c.score = [...]int64{95, 50, 30, 5}[c.status] + int64(r.below(6))
	}
	start := pickMoment(r, int64(duration))
	for i := range c.turns {
		c.turns[i].at += start
	}
	for i := range c.calls {
		c.calls[i].answered += start
	}
}

// appendConversationID appends head and the conversation_id, with the closing quote.
func (c *conversation) appendConversationID(dst []byte, head string) []byte {
	dst = append(dst, head...)
	return append(appendHex(dst, c.key), '"')
}

// appendMessageID appends the 32 digits of the id of a message.
func (c *conversation) appendMessageID(dst []byte, turn int) []byte {
	return appendID(dst, c.key, uint64(turn)) //nolint:gosec // turns are counted from 0
}

// appendUser appends head and the user_id, with the closing quote.
func (c *conversation) appendUser(dst []byte, head string) []byte {
	dst = append(dst, head...)
	return append(appendPadded(dst, c.user, 5), '"')
}

// appendTags appends tags to one row in eight.
func appendTags(dst []byte, seed uint64) []byte {
	if seed>>61 != 0 {
		return dst
	}
	dst = append(dst, `,"tags":[`...)
	dst = append(dst, tagNames[seed>>32%uint64(len(tagNames))]...)
	return append(dst, ']')
}
