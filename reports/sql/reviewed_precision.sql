-- One row a rule: what reviewers said of its failures (the last word of each reviewer, an appeal
-- counting as one), and the share they agreed with, with Wilson's 95 % interval. `weighted` undoes
-- the sampling: it is an estimate for all failures, from those that were drawn.
WITH last_word AS (
    SELECT * FROM reviews
    WHERE original_verdict = 'fail' AND decision <> 'missed'
    QUALIFY row_number() OVER (
        PARTITION BY finding_id, reviewer ORDER BY reviewed_at DESC, review_id DESC
    ) = 1
)
SELECT
    rule_id,
    count(*) AS decisions,
    count(*) FILTER (decision = 'agree') AS agreed,
    count(*) FILTER (decision = 'overrule') AS overruled,
    count(*) FILTER (decision = 'unsure') AS unsure,
    agreed / nullif(agreed + overruled, 0) AS precision,
    wilson_low(agreed, agreed + overruled) AS low,
    wilson_high(agreed, agreed + overruled) AS high,
    sum(sampling_weight) FILTER (decision = 'agree')
        / nullif(sum(sampling_weight) FILTER (decision IN ('agree', 'overrule')), 0) AS weighted
FROM last_word
GROUP BY rule_id
