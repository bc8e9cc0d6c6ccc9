// Package answers has the questions that come with factload: pass rates, comparisons of runs, latency, cost and more, asked
// of the tables of the built-in schemas.
//
// A [Question] is one SQL file with its description. [Plan] makes views of them, so that
//
//	SELECT * FROM answer_pass_rate WHERE suite = 'coding'
//
// works in any tool. The views are plain: they hold no rows, and compute the answer each time. Those that compare runs take
// the runs as parameters: SELECT * FROM answer_compare_runs(run_a = '…', run_b = '…').
//
// All rates and shares are from 0 to 1, days are those of UTC, and intervals have a level of 95%.
package answers
