/*
title: Near-duplicate prompts
question: What do users ask again and again, in almost the same words?
reads: [message]
about: |
  The words of a prompt are its runs of letters and digits, in lower case; numbers count as one word. Two prompts are near
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
sample: SELECT * FROM answer_near_duplicate_prompts ORDER BY times DESC, project, prompt LIMIT 4
*/
WITH
    texts AS
    (
        SELECT
            project, arraySort(arrayDistinct(extractAll(replaceRegexpAll(lowerUTF8(content), '\\p{N}+', '0'), '[\\p{L}\\p{M}\\p{N}]+'))) AS words,
            count() AS times, uniqExact(user_id) AS users, min(content) AS prompt,
            sipHash64(words) AS text, arrayMap(w -> xxHash64(w), words) AS hashes
        FROM message
        WHERE role = 'user'
        GROUP BY project, words
        HAVING length(words) >= 3
        ORDER BY times DESC, prompt
        LIMIT 2000 BY project
    ),
    bands AS
    (
        SELECT
            project, text, times, prompt,
            arrayJoin(arrayMap(b -> sipHash64(b, arrayMap(i -> arrayMin(h -> intHash64(bitXor(h, 3 * b + i)), hashes), range(3))), range(12))) AS band
        FROM texts
    ),
    heads AS (SELECT project, band, text AS head FROM bands ORDER BY times DESC, prompt DESC LIMIT 10 BY project, band),
    candidates AS (SELECT DISTINCT project, text, head FROM bands INNER JOIN heads USING (project, band)),
    nearest AS
    (
        SELECT c.project AS project, a.text AS text, any(a.times) AS times, any(a.users) AS users, argMax(b.prompt, (b.times, b.prompt)) AS head
        FROM candidates AS c
        INNER JOIN texts AS a ON a.project = c.project AND a.text = c.text
        INNER JOIN texts AS b ON b.project = c.project AND b.text = c.head
        WHERE 1.8 * length(arrayIntersect(a.hashes, b.hashes)) >= 0.8 * (length(a.hashes) + length(b.hashes))
        GROUP BY c.project, a.text
    )
SELECT project, head AS prompt, count() AS wordings, sum(nearest.times) AS times, sum(nearest.users) AS users
FROM nearest
GROUP BY project, head
HAVING times > 1
