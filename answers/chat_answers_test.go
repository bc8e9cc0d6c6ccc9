package answers_test

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// quantiles of the times of successful calls, the first-token times behind them.
func wantLatency(rows []messageRow) []any {
	latency, first := known(rows, func(r messageRow) *int { return r.LatencyMS }), known(rows, func(r messageRow) *int { return r.FirstTokenMS })
	return []any{
		len(rows), quantile(0.5, latency), quantile(0.9, latency), quantile(0.95, latency), quantile(0.99, latency), quantile(0.5, first), quantile(0.95, first),
	}
}

func timed(r messageRow) bool { return r.LatencyMS != nil && r.ErrorType == nil && r.Model != "" }

func wantLatencies(d data) answer {
	out := answer{}
	for k, rows := range groups(d.messages, func(r messageRow) ([2]string, bool) { return [2]string{r.Project, r.Model}, timed(r) }) {
		out[key(k[0], k[1])] = wantLatency(rows)
	}
	return out
}

func wantLatencyPerDay(d data) answer {
	out := answer{}
	for k, rows := range groups(d.messages, func(r messageRow) ([3]string, bool) {
		return [3]string{r.Project, r.CreatedAt.day(), r.Model}, timed(r)
	}) {
		out[key(k[0], k[1], k[2])] = wantLatency(rows)
	}
	return out
}

func wantUsage(d data, by func(messageRow) [3]string) answer {
	out := answer{}
	for k, rows := range groups(d.messages, func(r messageRow) ([3]string, bool) { return by(r), true }) {
		prompt, completion, unpriced, cost, price := 0, 0, 0, 0.0, 0.0
		for _, r := range rows {
			prompt, completion, cost = prompt+r.PromptTokens, completion+r.CompletionTokens, cost+r.CostUSD
			best := priceRow{ValidFrom: -1}
			for _, p := range d.prices {
				if p.Model == r.Model && p.ValidFrom <= r.CreatedAt && cmp.Or(cmp.Compare(p.ValidFrom, best.ValidFrom), cmp.Compare(p.CreatedAt, best.CreatedAt), cmp.Compare(p.ID, best.ID)) > 0 {
					best = p
				}
			}
			if best.ValidFrom < 0 && r.PromptTokens+r.CompletionTokens > 0 {
				unpriced++
			}
			price += float64(r.PromptTokens)*best.PromptUSD/1e6 + float64(r.CompletionTokens)*best.CompletionUSD/1e6
		}
		out[key(k[0], k[1], k[2])] = []any{len(rows), prompt, completion, cost, price, unpriced}
	}
	return out
}

func wantErrorRate(d data) answer {
	out := answer{}
	for k, rows := range groups(d.messages, func(r messageRow) ([3]string, bool) {
		return [3]string{r.Project, r.CreatedAt.day(), r.Model}, r.Model != ""
	}) {
		n := len(rows)
		errors := count(rows, func(r messageRow) bool { return r.ErrorType != nil })
		refusals := count(rows, func(r messageRow) bool { return r.FinishReason == "content_filter" || r.Refused != nil && *r.Refused })
		errorLow, errorHigh := wilson(share(errors, n), float64(n))
		refusalLow, refusalHigh := wilson(share(refusals, n), float64(n))
		out[key(k[0], k[1], k[2])] = []any{
			n, errors, share(errors, n), errorLow, errorHigh, refusals, share(refusals, n), refusalLow, refusalHigh,
			count(rows, func(r messageRow) bool { return r.FinishReason == "length" }),
		}
	}
	return out
}

func wantToolCalls(d data) answer {
	out := answer{}
	for k, rows := range groups(d.tools, func(r toolRow) ([3]string, bool) { return [3]string{r.Project, r.ToolName, r.Model}, true }) {
		failures := count(rows, func(r toolRow) bool { return !r.Success })
		calls := count(rows, func(r toolRow) bool { return r.Attempt == 1 })
		low, high := wilson(share(failures, len(rows)), float64(len(rows)))
		out[key(k[0], k[1], k[2])] = []any{
			len(rows), failures, share(failures, len(rows)), low, high, calls, len(rows) - calls,
			count(rows, func(r toolRow) bool { return r.Success && r.Attempt > 1 }), max(0, calls-(len(rows)-failures)),
			quantile(0.95, known(rows, func(r toolRow) *int { return r.LatencyMS })),
		}
	}
	return out
}

// ordered returns the messages of each conversation in order.
func ordered(d data) map[[2]string][]messageRow {
	out := groups(d.messages, func(r messageRow) ([2]string, bool) { return [2]string{r.Project, r.ConversationID}, true })
	for _, rows := range out {
		slices.SortFunc(rows, func(a, b messageRow) int {
			return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Turn, b.Turn), cmp.Compare(a.ID, b.ID))
		})
	}
	return out
}

func wantConversationLength(d data) answer {
	type sums struct{ messages, tokens, seconds []float64 }
	found, totals := map[[5]any]*sums{}, map[[2]string]int{}
	for k, rows := range ordered(d) {
		model, questions, tokens := "", 0, 0
		for _, r := range rows {
			model, tokens = cmp.Or(r.Model, model), tokens+r.PromptTokens+r.CompletionTokens
			if r.Role == "user" {
				questions++
			}
		}
		at := key(k[0], model, min(50, questions))
		if found[at] == nil {
			found[at] = &sums{}
		}
		s := found[at]
		s.messages, s.tokens = append(s.messages, float64(len(rows))), append(s.tokens, float64(tokens))
		s.seconds = append(s.seconds, float64(rows[len(rows)-1].CreatedAt-rows[0].CreatedAt)/1000)
		totals[[2]string{k[0], model}]++
	}
	out := answer{}
	for at, s := range found {
		n := len(s.messages)
		out[at] = []any{n, share(n, totals[[2]string{at[0].(string), at[1].(string)}]), mean(s.messages), mean(s.tokens), mean(s.seconds)}
	}
	return out
}

func wantTurnTimes(d data) answer {
	took := map[[5]any][]int{}
	for k, rows := range ordered(d) {
		rows = slices.DeleteFunc(rows, func(r messageRow) bool { return r.Role != "user" && r.Role != "assistant" })
		for i := 1; i < len(rows); i++ {
			if rows[i].Role == rows[i-1].Role {
				continue
			}
			at := key(k[0], cmp.Or(rows[i].Model, rows[i-1].Model), rows[i].Role)
			took[at] = append(took[at], int(rows[i].CreatedAt-rows[i-1].CreatedAt))
		}
	}
	out := answer{}
	for at, times := range took {
		out[at] = []any{len(times), float64(quantile(0.5, times).(int)) / 1000, float64(quantile(0.95, times).(int)) / 1000}
	}
	return out
}

func wantAbandonment(d data) answer {
	out := answer{}
	for k, rows := range groups(d.conversations, func(r conversationRow) ([3]string, bool) { return [3]string{r.Project, r.Model, r.Channel}, true }) {
		ended := func(how string) int { return count(rows, func(r conversationRow) bool { return r.Status == how }) }
		low, high := wilson(share(ended("abandoned"), len(rows)), float64(len(rows)))
		out[key(k[0], k[1], k[2])] = []any{len(rows), ended("abandoned"), share(ended("abandoned"), len(rows)), low, high, ended("escalated"), ended("failed")}
	}
	return out
}

func wantFeedback(d data) answer {
	out := answer{}
	for k, rows := range groups(d.messages, func(r messageRow) ([2]string, bool) { return [2]string{r.Project, r.Model}, r.Model != "" }) {
		scores := known(rows, func(r messageRow) *float64 { return r.Score })
		if len(scores) == 0 {
			continue
		}
		var low, high any
		if len(scores) > 1 {
			half := z95 * math.Sqrt(variance(scores)/float64(len(scores)))
			low, high = mean(scores)-half, mean(scores)+half
		}
		good := count(scores, func(s float64) bool { return s >= 0.5 })
		goodLow, goodHigh := wilson(share(good, len(scores)), float64(len(scores)))
		out[key(k[0], k[1])] = []any{len(rows), len(scores), mean(scores), low, high, good, share(good, len(scores)), goodLow, goodHigh}
	}
	return out
}

var (
	numbers = regexp.MustCompile(`^[0-9]+$`)
	words   = regexp.MustCompile(`[0-9A-Za-z\x{80}-\x{10FFFF}]+`)
)

// wantNearDuplicates compares every prompt with every other one.
func wantNearDuplicates(d data) answer {
	type text struct {
		project, prompt string
		words           []string
		times           int
		users           map[string]bool
	}
	texts := map[string]*text{}
	for _, r := range d.messages {
		found := words.FindAllString(strings.ToLower(r.Content), -1)
		for i := range found {
			found[i] = numbers.ReplaceAllString(found[i], "0")
		}
		slices.Sort(found)
		found = slices.Compact(found)
		if r.Role != "user" || len(found) < 3 {
			continue
		}
		k := r.Project + "|" + strings.Join(found, " ")
		if texts[k] == nil {
			texts[k] = &text{project: r.Project, prompt: r.Content, words: found, users: map[string]bool{}}
		}
		texts[k].times++
		texts[k].users[r.UserID] = true
		texts[k].prompt = min(texts[k].prompt, r.Content)
	}
	near := func(a, b *text) bool {
		both := count(a.words, func(w string) bool { return slices.Contains(b.words, w) })
		return a.project == b.project && 5*both >= 4*(len(a.words)+len(b.words)-both)
	}
	out := answer{}
	for _, a := range texts {
		head := a
		for _, b := range texts {
			if near(a, b) && cmp.Or(cmp.Compare(b.times, head.times), cmp.Compare(b.prompt, head.prompt)) > 0 {
				head = b
			}
		}
		k := key(a.project, head.prompt)
		if out[k] == nil {
			out[k] = []any{0, 0, 0}
		}
		for i, more := range []int{1, a.times, len(a.users)} {
			out[k][i] = out[k][i].(int) + more
		}
	}
	maps.DeleteFunc(out, func(_ [5]any, values []any) bool { return values[1].(int) < 2 })
	return out
}
