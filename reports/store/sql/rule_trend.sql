-- One row per rule and night: in how many calls it was decided and failed, with Wilson's 95 %
-- interval of the share, and in how many it was undecided.
SELECT
    audit_date,
    rule.rule_id AS rule_id,
    count(*) FILTER (rule.verdict <> 'cannot_tell') AS told,
    count(*) FILTER (rule.verdict = 'fail') AS fails,
    count(*) FILTER (rule.verdict = 'cannot_tell') AS cannot_tell,
    fails / nullif(told, 0) AS fail_rate,
    wilson_low(fails, told) AS low,
    wilson_high(fails, told) AS high
FROM (
    SELECT audit_date, unnest(rule_scores) AS rule FROM calls
    WHERE coalesce(disposition, '') NOT IN ('no_answer', 'announcement', 'no_speech')
)
GROUP BY audit_date, rule_id
