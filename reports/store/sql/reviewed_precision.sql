-- One row per rule: what reviewers decided about its failures (the latest review of each), and the share they
-- agreed with, with Wilson's 95 % interval. `weighted` undoes the sampling: an estimate for all
-- failures, from those that were sampled. Appeals by agents do not count.
WITH latest AS (
    SELECT * FROM reviews
    WHERE kind = 'review' AND original_verdict = 'fail' AND finding_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY reviewed_at DESC, review_id) = 1
)
SELECT
    rule_id,
    count(*) AS reviewed,
    count(*) FILTER (decision = 'agree') AS agreed,
    count(*) FILTER (decision = 'overrule') AS overruled,
    count(*) FILTER (decision = 'unsure') AS unsure,
    agreed / nullif(agreed + overruled, 0) AS precision,
    wilson_low(agreed, agreed + overruled) AS low,
    wilson_high(agreed, agreed + overruled) AS high,
    sum(sampling_weight) FILTER (decision = 'agree')
        / nullif(sum(sampling_weight) FILTER (decision IN ('agree', 'overrule')), 0) AS weighted
FROM latest
GROUP BY rule_id
