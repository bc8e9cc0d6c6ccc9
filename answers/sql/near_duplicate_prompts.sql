/*
title: Near-duplicate prompts
question: What do users ask again and again, in almost the same words?
place: 190
reads: [message]
about: |
  The words of a prompt are what stands between spaces and ASCII punctuation, in lower case; all numbers count as one word.
  Two prompts are near
  duplicates when their sets of words have at least 80% of their union in common (Jaccard index). Each prompt is counted
  with the most frequent one that it is near to. Candidates are the ten most frequent prompts of each of its 12 bands of
  three minimum hashes; two of 10,000 pairs at 80% have no band in common. Of each project the 2,000 most frequent prompts
  are looked at that have at least three words. So nothing is found in languages that are written without spaces.
columns:
  project: Project
  prompt: The most frequent of the prompts
  wordings: Different sets of words
  times: How often they were sent
  users: Users who sent them; a user who sent several wordings counts for each
order: times DESC, project, prompt
sample: SELECT * FROM answer_near_duplicate_prompts ORDER BY times DESC, project, prompt LIMIT 4
*/
WITH
    texts AS
    (
        SELECT
            project, arraySort(arrayDistinct(arrayMap(w -> if(match(w, '^[0-9]+$'), '0', w), tokens(lowerUTF8(content))))) AS words,
            sum(n) AS times, uniqExactMerge(senders) AS users, min(content) AS prompt, sipHash64(words) AS text, arrayMap(w -> xxHash64(w), words) AS hashes
        FROM
        (
            SELECT project, content, count() AS n, uniqExactState(user_id) AS senders
            FROM message
            WHERE role = 'user'
            GROUP BY project, content
        )
        GROUP BY project, words
        HAVING length(words) >= 3
        ORDER BY times DESC, prompt
        LIMIT 2000 BY project
    ),
    bands AS
    (
        SELECT
            project, text, times, users, prompt, hashes,
            arrayJoin(arrayMap(b -> sipHash64(b, arrayMap(i -> arrayMin(h -> intHash64(bitXor(h, 3 * b + i)), hashes), range(3))), range(12))) AS band
        FROM texts
    ),
    heads AS (SELECT * FROM bands ORDER BY times DESC, prompt DESC LIMIT 10 BY project, band),
    nearest AS
    (
        SELECT a.project AS project, a.text AS text, any(a.times) AS times, any(a.users) AS users, argMax(b.prompt, (b.times, b.prompt)) AS head
        FROM bands AS a
        INNER JOIN heads AS b ON a.project = b.project AND a.band = b.band
        WHERE 1.8 * length(arrayIntersect(a.hashes, b.hashes)) >= 0.8 * (length(a.hashes) + length(b.hashes))
        GROUP BY a.project, a.text
    )
SELECT project, head AS prompt, count() AS wordings, sum(nearest.times) AS times, sum(nearest.users) AS users
FROM nearest
GROUP BY project, head
HAVING times > 1
