package sample

// A model is an invented language model.
type model struct {
	name string

	firstMillis    int64 // median time to the first token
	tokenMicros    int64 // median time for each further token
	promptNanos    int64 // price of a token read, in 1e-9 US dollars
	answerNanos    int64 // price of a token written, in 1e-9 US dollars
	errorPermille  int   // share of calls that fail
	passPermille   int   // share of eval cases of average difficulty that pass
	callPermille   int   // the same for function calling
	answerPermille int64 // length of its answers compared with the average
}

var models = []model{
	{"atlas-large", 540, 16_000, 3000, 15_000, 9, 845, 900, 1150},
	{"atlas-mini", 230, 6_500, 150, 600, 6, 665, 760, 850},
	{"corvus-70b", 410, 21_000, 700, 900, 21, 720, 690, 1000},
	{"corvus-8b", 120, 4_800, 60, 60, 14, 475, 430, 800},
	{"lumen-pro", 760, 11_500, 1250, 10_000, 12, 810, 865, 1250},
	{"lumen-flash", 170, 3_600, 75, 300, 8, 610, 715, 900},
}

// modelPickers give each project of chatProjects its favourite models.
var modelPickers = [chatProjects]picker{
	newPicker(18, 40, 4, 8, 10, 20),
	newPicker(10, 30, 10, 5, 15, 30),
	newPicker(46, 14, 8, 2, 24, 6),
	newPicker(20, 10, 30, 25, 10, 5),
}

// Distributions of the sample, each around a median that depends on the thing measured.
var (
	latencySpread = newSpread(0.55)
	lengthSpread  = newSpread(0.75)
	roundSpread   = newSpread(0.85)
	pauseSpread   = newSpread(1.1)
)

// latency returns how long a call takes until the first and until the last of a number of tokens, in milliseconds. It
// uses the lowest forty of the given bits.
func (m *model) latency(bits uint64, tokens int64) (first, total int64) {
	first = latencySpread.at(bits, m.firstMillis)
	return first, first + latencySpread.at(bits>>20, m.tokenMicros)*tokens/1000
}

// cost returns the price of a call in 1e-9 US dollars.
func (m *model) cost(promptTokens, answerTokens int64) int64 {
	return promptTokens*m.promptNanos + answerTokens*m.answerNanos
}
