package sample

import "strconv"

// A question asks something and knows the answer.
type question struct {
	ask           template
	before, after string // text around the answer
	solve         solver
}

// A solver appends the right answer, or a wrong one, to a question whose slots were filled.
type solver func(dst []byte, q *question, f *filled, right bool, r *random) []byte

// A filled is the text of a question and where its slots are.
type filled struct {
	text  []byte
	slots [4]struct{ from, to int }
}

// fill fills the slots of a question. It keeps the memory of f.
func (f *filled) fill(t template, r *random) {
	f.text = f.text[:0]
	for i := range t {
		f.text = append(f.text, t[i].literal...)
		if i < len(f.slots) {
			f.slots[i].from = len(f.text)
		}
		f.text = t[i].appendSlot(f.text, r)
		if i < len(f.slots) {
			f.slots[i].to = len(f.text)
		}
	}
}

// slot returns the text of a slot.
func (f *filled) slot(i int) []byte { return f.text[f.slots[i].from:f.slots[i].to] }

// number returns the number in a slot.
func (f *filled) number(i int) int {
	n := 0
	for _, c := range f.slot(i) {
		n = n*10 + int(c-'0')
	}
	return n
}

// slotted makes a solver whose answer is the text of a slot.
func slotted(i int) solver {
	return func(dst []byte, q *question, f *filled, right bool, r *random) []byte {
		if right {
			return append(dst, f.slot(i)...)
		}
		return q.ask[i].appendOther(dst, f.slot(i), r)
	}
}

// computed makes a solver whose answer is computed from the numbers in two slots.
func computed(i, j int, compute func(a, b int) int) solver {
	return func(dst []byte, _ *question, f *filled, right bool, r *random) []byte {
		n := compute(f.number(i), f.number(j))
		if !right {
			n += 1 + r.below(20)
		}
		return strconv.AppendInt(dst, int64(n), 10)
	}
}

// decided makes a solver whose answer is yes or no, depending on the number in a slot.
func decided(i int, decide func(n int) bool) solver {
	return func(dst []byte, _ *question, f *filled, right bool, _ *random) []byte {
		if decide(f.number(i)) == right {
			return append(dst, "yes"...)
		}
		return append(dst, "no"...)
	}
}

// free makes a solver whose answer is one of the given texts.
func free(right, wrong []template) solver {
	return func(dst []byte, _ *question, _ *filled, isRight bool, r *random) []byte {
		if isRight {
			return appendOne(dst, r, right)
		}
		return appendOne(dst, r, wrong)
	}
}

func newQuestion(ask, before, after string, solve solver) question {
	return question{ask: textTemplates(ask)[0], before: escape(before), after: escape(after), solve: solve}
}

// appendAnswer appends a right or a wrong answer, ready to stand in a JSON string.
func (q *question) appendAnswer(dst []byte, f *filled, right bool, r *random) []byte {
	dst = append(dst, q.before...)
	return append(q.solve(dst, q, f, right, r), q.after...)
}

// A suite is an invented collection of eval cases.
type suite struct {
	name       string
	version    string
	cases      int
	grader     string
	categories []category
}

// A category is a group of cases of a suite: a third of a suite that has three of them.
type category struct {
	name      string
	ease      int // permille to add to the share that passes
	questions []question
}

var suites = []suite{
	{"reasoning", "2026.2", 90, "exact_match", []category{
		{"math", -190, []question{
			newQuestion("What is <count> * <percent>? Answer with the number only.", "", "",
				computed(0, 1, func(a, b int) int { return a * b })),
			newQuestion("A shop has <number> apples and buys <count> more. How many are there?", "", "",
				computed(0, 1, func(a, b int) int { return a + b })),
		}},
		{"logic", -90, []question{
			newQuestion("<name> is older than the baker, who is older than the smith. Who is the oldest?", "", "", slotted(0)),
			newQuestion("All numbers above 500 are \"big\". Is <count> big? Answer yes or no.", "", "",
				decided(0, func(n int) bool { return n > 500 })),
		}},
		{"common_sense", 60, []question{
			newQuestion("<name> puts water into the freezer for <digit> days. Is it ice now?", "", "",
				decided(1, func(int) bool { return true })),
			newQuestion("The bag is in <place>, and the key is in the bag. In which city is the key?", "", "", slotted(0)),
		}},
	}},
	{"coding", "7", 60, "unit_test", []category{
		{"generate", -40, []question{
			newQuestion("Write a function <word>(n) that returns n + <count>.\n\nOnly code.", "def f(n):\n    return n + ", "", slotted(1)),
		}},
		{"repair", -150, []question{
			newQuestion("Mend this:\n\tfor i := 0; i <= len(<word>); i++ { use(i) }", "for i := range ", " { use(i) }", slotted(0)),
		}},
		{"explain", 80, []question{
			newQuestion("Which tool is \"<tech>\" in `install <word> for <tech>`? One word.", "", "", slotted(0)),
		}},
	}},
	{"support", "1.4", 45, "llm_judge", []category{
		{"tone", 90, []question{
			newQuestion("A customer from <place> writes: \"<problem>!!\" Answer politely.", "", "", free(
				textTemplates("I am sorry for the trouble. Let us look at it together.", "Thank you for telling us, <name> will help you."),
				textTemplates("That cannot be.", "Read the manual."))),
		}},
		{"policy", -30, []question{
			newQuestion("Refunds are possible within 30 days. May <name> have one after <percent> days?", "", ".",
				decided(1, func(n int) bool { return n <= 30 })),
		}},
		{"handover", 10, []question{
			newQuestion("The user says \"<problem>\" for the third time. What do you do?", "", "", free(
				textTemplates("Hand over to a person.", "I ask <name> from the second line to take over."),
				textTemplates("Ask for the order number.", "Repeat the answer."))),
		}},
	}},
}
