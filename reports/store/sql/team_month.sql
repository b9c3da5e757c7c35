-- One row a team and month: what the table `agents` has for each agent's night, summed up over all
-- calls of the team, with 95 % intervals (of the mean normal, of shares Wilson's). `team` is NULL
-- for calls whose manifest names none. Calls in which nobody was reached are only in `calls` and
-- `not_connected`, as in `agents`.
SELECT
    team,
    date_trunc('month', audit_date)::DATE AS month,
    count(DISTINCT agent) AS agents,
    count(*) AS calls,
    count(*) FILTER (NOT connected) AS not_connected,
    count(score) FILTER (connected) AS scored,
    avg(score) FILTER (connected) AS mean_score,
    CASE WHEN scored > 1 THEN greatest(0, mean_score
        - 1.96 * stddev_samp(score) FILTER (connected) / sqrt(scored)) END AS score_ci_low,
    CASE WHEN scored > 1 THEN least(100, mean_score
        + 1.96 * stddev_samp(score) FILTER (connected) / sqrt(scored)) END AS score_ci_high,
    count(*) FILTER (connected AND auto_fail) AS auto_fails,
    count(*) FILTER (connected AND greeting_verdict = 'fail') AS greeting_fails,
    count(*) FILTER (connected AND greeting_verdict <> 'cannot_tell') AS greeting_told,
    greeting_fails / nullif(greeting_told, 0) AS greeting_fail_rate,
    wilson_low(greeting_fails, greeting_told) AS greeting_low,
    wilson_high(greeting_fails, greeting_told) AS greeting_high,
    count(*) FILTER (connected AND forbidden_language_verdict = 'fail') AS forbidden_fails,
    count(*) FILTER (connected AND forbidden_language_verdict <> 'cannot_tell') AS forbidden_told,
    forbidden_fails / nullif(forbidden_told, 0) AS forbidden_rate,
    wilson_low(forbidden_fails, forbidden_told) AS forbidden_low,
    wilson_high(forbidden_fails, forbidden_told) AS forbidden_high,
    sum(interruptions) FILTER (connected AND customer_talk_s > 0)
        / nullif(sum(customer_talk_s) FILTER (connected AND interruptions IS NOT NULL), 0) * 60
        AS interruption_rate,
    sum(agent_talk_s) FILTER (connected) AS agent_s,
    sum(customer_talk_s) FILTER (connected) AS customer_s,
    agent_s / nullif(agent_s + customer_s, 0) AS talk_ratio
FROM (
    SELECT *, coalesce(disposition, '') NOT IN ('no_answer', 'announcement', 'no_speech')
        AS connected
    FROM calls
)
GROUP BY team, month
