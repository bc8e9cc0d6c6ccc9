/*
title: Near-duplicate prompts
question: What do users ask again and again, in almost the same words?
place: 190
reads: [message]
about: |
  The words of a prompt are what stands between spaces and ASCII punctuation, in lower case; all numbers count as one word.
  Two prompts are near duplicates when their sets of words have at least 80% of their union in common (Jaccard index). Each
  prompt is counted with the most frequent one that it is near to. Candidates are the ten most frequent prompts of each of
  its 12 bands of three minimum hashes; two of 10,000 pairs at 80% have no band in common. Of each project the 2,000 most
  frequent prompts are looked at that have at least three words. So nothing is found in languages that are written without
  spaces.
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
    content -> arrayDistinct(arrayMap(w -> if(match(w, '^[0-9]+$'), xxHash64('0'), xxHash64(w)), tokens(lowerUTF8(content)))) AS words_of,
    texts AS
    (
        SELECT project, text, count() AS times, uniqExact(user_id) AS users, min(content) AS prompt
        FROM
        (
            SELECT project, content, user_id, words_of(content) AS words, (arraySum(words), arraySum(w -> intHash64(w), words)) AS text
            FROM message
            WHERE role = 'user'
        )
        WHERE length(words) >= 3
        GROUP BY project, text
        ORDER BY times DESC, prompt
        LIMIT 2000 BY project
    ),
    bands AS
    (
        SELECT
            project, groupArray((times, prompt, users, hashes)) AS texts, arraySlice(arrayReverseSort(t -> (t.1, t.2), texts), 1, 10) AS heads
        FROM
        (
            SELECT
                project, times, users, prompt, hashes,
                arrayJoin(arrayMap(b -> sipHash64(b, arrayMap(i -> arrayMin(h -> intHash64(bitXor(h, 3 * b + i)), hashes), range(3))), range(12))) AS band
            FROM (SELECT *, words_of(prompt) AS hashes FROM texts)
        )
        GROUP BY project, band
    ),
    nearest AS
    (
        SELECT project, t.2 AS text, any(t.1) AS times, any(t.3) AS users, argMax(h.2, (h.1, h.2)) AS head
        FROM (SELECT project, arrayJoin(texts) AS t, arrayJoin(heads) AS h FROM bands)
        WHERE 1.8 * length(arrayIntersect(t.4, h.4)) >= 0.8 * (length(t.4) + length(h.4))
        GROUP BY project, t.2
    )
SELECT project, head AS prompt, count() AS wordings, sum(nearest.times) AS times, sum(nearest.users) AS users
FROM nearest
GROUP BY project, head
HAVING times > 1
