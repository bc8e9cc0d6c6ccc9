package answers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/internal/sample"
	"github.com/factload/factload/internal/soak"
)

// Run A are sample results, each taken for a case of its own. Run B has noise, by which one case of a hundred flips each
// way, and in one category two of a hundred cases fail besides. The comparison finds that category, and calls no more
// other ones different than the stated error rate allows. The choices are hashes, so that every run of the test is the
// same.
func TestSoakComparisonFindsPlantedRegression(t *testing.T) {
	t.Parallel()
	const planted = "logic"
	rows, simulations := soak.Scale(12_000, 45_000), soak.Trials(t, 12, 1000)
	db, client := database(t, data{})
	var b strings.Builder
	_, err := sample.Write(t.Context(), &b, "eval_result", rows, 1)
	require.NoError(t, err)
	db.Exec(t, "INSERT INTO eval_result SETTINGS date_time_input_format = 'best_effort' FORMAT JSONEachRow\n"+b.String())
	db.Exec(t, "CREATE TABLE base ENGINE = Memory AS SELECT id, suite, category, passed, avg(passed) OVER (PARTITION BY suite, category) AS rate FROM eval_result")
	insert := func(run, passed string) {
		db.Exec(t, "INSERT INTO eval_result (id, run_id, suite, category, case_id, passed) SELECT id, '"+run+"', suite, category, id, "+passed+" FROM base")
	}
	found, wrong, intervals := 0, 0, 0
	for i := range simulations {
		db.Exec(t, "TRUNCATE TABLE eval_result")
		insert("a", "passed")
		insert("b", fmt.Sprintf("if(passed, chance >= (0.01 + if(category = '%s', 0.02, 0)) / rate, (sipHash64(id, %d) %% 1000000 / 1e6 AS chance) < 0.01 / (1 - rate))", planted, i))
		c, err := answers.Compare(t.Context(), client, "a", "b")
		require.NoError(t, err)
		others := false
		for _, group := range c.Groups {
			switch different := group.PAdjusted < answers.Significance; {
			case group.Category == planted:
				if different && group.Difference < 0 {
					found++
				}
				if group.Low <= -0.02 && -0.02 <= group.High {
					intervals++
				}
			case different:
				others = true
			}
		}
		if others {
			wrong++
		}
	}
	t.Logf("%d simulations of %d cases: planted category found in %d, others called different in %d, the interval has the true change in %d", simulations, rows, found, wrong, intervals)
	require.GreaterOrEqual(t, float64(found), 0.9*float64(simulations))
	require.LessOrEqual(t, float64(wrong), answers.Significance*float64(simulations)+3)
	require.GreaterOrEqual(t, float64(intervals), 0.93*float64(simulations)-3)
}
