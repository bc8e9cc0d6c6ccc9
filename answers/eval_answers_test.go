package answers_test

import (
	"math"
	"slices"
)

// answer is the rows of an answer: the key columns, and the values of the others.
type answer map[[5]any][]any

func key(columns ...any) (k [5]any) { copy(k[:], columns); return k }

func passed(r evalRow) bool { return r.Passed }

// rateOf is the pass rate of attempts.
func rateOf(rows []evalRow) float64 { return share(count(rows, passed), len(rows)) }

func wantPassRate(d data) answer {
	out := answer{}
	for k, rows := range groups(d.evals, func(r evalRow) ([4]string, bool) { return [4]string{r.Project, r.Model, r.Suite, r.Category}, true }) {
		cases := groups(rows, func(r evalRow) (string, bool) { return r.CaseID, true })
		p, n, m := rateOf(rows), float64(len(rows)), float64(len(cases))
		effective := n
		if len(cases) < len(rows) {
			sum := 0.0
			for _, attempts := range cases {
				residual := 0.0
				for _, r := range attempts {
					residual += map[bool]float64{true: 1}[r.Passed] - p
				}
				sum += residual * residual
			}
			switch v := m / (m - 1) * sum / (n * n); {
			case len(cases) == 1 || p == 0 || p == 1:
				effective = m
			case v > p*(1-p)/n:
				effective = p * (1 - p) / v
			}
		}
		low, high := wilson(p, effective)
		out[key(k[0], k[1], k[2], k[3])] = []any{len(cases), len(rows), count(rows, func(r evalRow) bool { return r.ErrorType != nil }), count(rows, passed), p, effective, low, high}
	}
	return out
}

func wantPassAtK(d data) answer {
	type group struct {
		key    [4]string
		k      int
		caseID string
	}
	one, every := map[group][]float64{}, map[group][]float64{}
	for k, rows := range groups(d.evals, func(r evalRow) ([6]string, bool) {
		return [6]string{r.Project, r.Model, r.Suite, r.Category, r.RunID, r.CaseID}, true
	}) {
		n, c := len(rows), count(rows, passed)
		for j := 1; j <= n; j++ {
			g := group{[4]string(k[:4]), j, k[5]}
			one[g] = append(one[g], 1-binomial(n-c, j)/binomial(n, j))
			every[g] = append(every[g], binomial(c, j)/binomial(n, j))
		}
	}
	ones, everies := map[group][]float64{}, map[group][]float64{}
	for g := range one {
		all := group{key: g.key, k: g.k}
		ones[all] = append(ones[all], mean(one[g]))
		everies[all] = append(everies[all], mean(every[g]))
	}
	out := answer{}
	for g, values := range ones {
		var deviation any
		if len(values) > 1 {
			deviation = math.Sqrt(variance(values) / float64(len(values)))
		}
		out[key(g.key[0], g.key[1], g.key[2], g.key[3], g.k)] = []any{len(values), mean(values), deviation, mean(everies[g])}
	}
	return out
}

// caseRates returns the pass rate of each case of a run.
func caseRates(d data, run string) map[[3]string]float64 {
	out := map[[3]string]float64{}
	for k, rows := range groups(d.evals, func(r evalRow) ([3]string, bool) { return [3]string{r.Suite, r.Category, r.CaseID}, r.RunID == run }) {
		out[k] = rateOf(rows)
	}
	return out
}

// paired compares pairs of rates.
func paired(a, b []float64) (values []any, p float64) {
	d := make([]float64, 0, len(a)+2)
	better, worse := 0, 0
	for i := range a {
		d = append(d, b[i]-a[i])
		if b[i] > a[i] {
			better++
		}
		if b[i] < a[i] {
			worse++
		}
	}
	with := append(d, 1, -1) //nolint:gocritic // d stays as long as it is
	n := float64(len(with))
	half := z95 * math.Sqrt(variance(with)*(n-1)/n/n)
	p = signTest(better, worse)
	return []any{len(a), mean(a), mean(b), mean(d), max(-1, mean(with)-half), min(1, mean(with)+half), better, worse, p}, p
}

func wantCompareRuns(d data, runA, runB string) answer {
	a, b := caseRates(d, runA), caseRates(d, runB)
	as, bs := map[[3]string][]float64{}, map[[3]string][]float64{}
	for k := range a {
		if _, ok := b[k]; ok {
			for _, g := range [][3]string{{"all"}, {"category", k[0], k[1]}} {
				as[g], bs[g] = append(as[g], a[k]), append(bs[g], b[k])
			}
		}
	}
	out, ps := answer{}, map[string]float64{}
	for g := range as {
		values, p := paired(as[g], bs[g])
		if g[0] == "category" {
			ps[g[1]+"\x00"+g[2]] = p
		}
		out[key(g[0], g[1], g[2])] = append(values, p)
	}
	adjusted := holm(ps)
	for k, values := range out {
		if k[0] == "category" {
			values[len(values)-1] = adjusted[k[1].(string)+"\x00"+k[2].(string)]
		}
	}
	return out
}

func wantCompareBaseline(d data, baseline string) answer {
	out, ps := answer{}, map[string]float64{}
	base := caseRates(d, baseline)
	for run, rows := range groups(d.evals, func(r evalRow) (string, bool) { return r.RunID, r.RunID != baseline }) {
		var a, b []float64
		for k, rate := range caseRates(d, run) {
			if before, ok := base[k]; ok {
				a, b = append(a, before), append(b, rate)
			}
		}
		if len(a) == 0 {
			continue
		}
		values, p := paired(a, b)
		ps[run] = p
		out[key(run)] = append([]any{rows[0].Model}, values...)
	}
	for run, p := range holm(ps) {
		out[key(run)] = append(out[key(run)], p)
	}
	return out
}

func wantCompareFlips(d data, runA, runB string) answer {
	out, b := answer{}, caseRates(d, runB)
	for k, rate := range caseRates(d, runA) {
		if other, ok := b[k]; ok && other != rate {
			out[key(k[0], k[1], k[2])] = []any{rate, other, "", "", "", ""}
		}
	}
	return out
}

func wantCompareTotals(d data, runA, runB string) answer {
	out := answer{}
	for i, run := range []string{runA, runB} {
		rows := groups(d.evals, func(r evalRow) (string, bool) { return r.RunID, true })[run]
		if len(rows) == 0 {
			continue
		}
		prompt, completion, cost := 0, 0, 0.0
		for _, r := range rows {
			prompt, completion, cost = prompt+r.PromptTokens, completion+r.CompletionTokens, cost+r.CostUSD
		}
		latencies, scores := known(rows, func(r evalRow) *int { return r.LatencyMS }), known(rows, func(r evalRow) *float64 { return r.Score })
		var score any
		if len(scores) > 0 {
			score = mean(scores)
		}
		for name, value := range map[string]any{
			"cases": len(caseRates(d, run)), "attempts": len(rows), "errors": count(rows, func(r evalRow) bool { return r.ErrorType != nil }), "score": score,
			"latency_p50": quantile(0.5, latencies), "latency_p95": quantile(0.95, latencies), "prompt_tokens": prompt, "completion_tokens": completion, "cost": cost,
		} {
			if out[key(name)] == nil {
				out[key(name)] = []any{map[string]string{"latency_p50": "ms", "latency_p95": "ms", "cost": "USD"}[name], nil, nil}
			}
			out[key(name)][1+i] = value
		}
	}
	return out
}

func wantScoreDistribution(d data) answer {
	out := answer{}
	for k, rows := range groups(d.evals, func(r evalRow) ([3]string, bool) { return [3]string{r.Project, r.Model, r.Suite}, r.Score != nil }) {
		for bin, in := range groups(rows, func(r evalRow) (float64, bool) { return min(19, max(0, math.Floor(*r.Score*20))), true }) {
			out[key(k[0], k[1], k[2], bin/20)] = []any{len(in), share(len(in), len(rows))}
		}
	}
	return out
}

func wantPassRateChanges(d data) answer {
	out := answer{}
	for k, rows := range groups(d.evals, func(r evalRow) ([3]string, bool) { return [3]string{r.Project, r.Model, r.Suite}, true }) {
		days := groups(rows, func(r evalRow) (string, bool) { return r.CreatedAt.day(), true })
		var names []string
		for name := range days {
			names = append(names, name)
		}
		slices.Sort(names)
		zs := make([]float64, len(names)) // NaN is none
		comparisons := 0
		window := func(from, to int) (n, k int) {
			for _, name := range names[max(0, from):min(to, len(names))] {
				n, k = n+len(days[name]), k+count(days[name], passed)
			}
			return n, k
		}
		for i := range names {
			n0, k0 := window(i-7, i)
			n1, k1 := window(i, i+7)
			pooled := share(k0+k1, n0+n1)
			zs[i] = math.NaN()
			if n0 > 0 && pooled > 0 && pooled < 1 {
				zs[i] = (share(k1, n1) - share(k0, n0)) / math.Sqrt(pooled*(1-pooled)*(1/float64(n0)+1/float64(n1)))
				comparisons++
			}
		}
		for i, name := range names {
			n0, k0 := window(i-7, i)
			n1, k1 := window(i, i+7)
			low, high := wilson(rateOf(days[name]), float64(len(days[name])))
			var before, z, p any
			if n0 > 0 {
				before = share(k0, n0)
			}
			change := 0.0
			if !math.IsNaN(zs[i]) {
				adjusted := min(1, float64(comparisons)*math.Erfc(math.Abs(zs[i])/math.Sqrt2))
				z, p = zs[i], adjusted
				peak := !slices.ContainsFunc(zs[max(0, i-6):min(i+7, len(zs))], func(other float64) bool { return math.Abs(other) > math.Abs(zs[i]) })
				if adjusted < 0.05 && peak {
					change = math.Copysign(1, zs[i])
				}
			}
			out[key(k[0], k[1], k[2], name)] = []any{len(days[name]), rateOf(days[name]), low, high, before, share(k1, n1), z, p, change}
		}
	}
	return out
}
