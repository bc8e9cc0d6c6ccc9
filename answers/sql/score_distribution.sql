/*
title: Distribution of scores
question: How are the scores of a suite spread?
place: 30
reads: [eval_result]
about: Twenty bins of 0.05. The last one includes 1; what lies outside 0 to 1 counts in the nearest bin.
columns:
  project: Project
  model: Model under test
  suite: Suite
  score: Lower end of the bin
  attempts: Attempts with a score in the bin
  share: "Share of the model's attempts at the suite that have a score, from 0 to 1"
chart: {mark: bar, title: Distribution of scores, x: score, y: share, color: model, facet: suite, bin: 0.05, format: percent, x_label: score, y_label: share of attempts}
sample: SELECT * FROM answer_score_distribution ORDER BY project, model, suite, score LIMIT 4
*/
SELECT
    project, model, suite, bin / 20 AS score, count() AS attempts, attempts / sum(attempts) OVER (PARTITION BY project, model, suite) AS share
FROM
(
    SELECT project, model, suite, greatest(0, least(19, floor(score * 20))) AS bin
    FROM eval_result
    WHERE score IS NOT NULL
)
GROUP BY project, model, suite, bin
