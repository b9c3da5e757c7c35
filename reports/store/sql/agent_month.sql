-- One row an agent and month: how many calls, the mean score and its 95 % interval (normal), and
-- for each of the three rules the failures among the decided calls.
SELECT
    agent,
    date_trunc('month', audit_date)::DATE AS month,
    max(agent_name) AS agent_name,
    count(*) AS calls,
    count(score) AS scored,
    avg(score) AS mean_score,
    CASE WHEN count(score) > 1
    THEN greatest(0, avg(score) - 1.96 * stddev_samp(score) / sqrt(count(score))) END AS score_ci_low,
    CASE WHEN count(score) > 1
    THEN least(100, avg(score) + 1.96 * stddev_samp(score) / sqrt(count(score))) END AS score_ci_high,
    count(*) FILTER (auto_fail) AS auto_fails,
    count(*) FILTER (greeting_verdict = 'fail') AS greeting_fails,
    count(*) FILTER (greeting_verdict <> 'cannot_tell') AS greeting_told,
    count(*) FILTER (forbidden_language_verdict = 'fail') AS forbidden_fails,
    count(*) FILTER (forbidden_language_verdict <> 'cannot_tell') AS forbidden_told,
    wilson_low(forbidden_fails, forbidden_told) AS forbidden_low,
    wilson_high(forbidden_fails, forbidden_told) AS forbidden_high,
    sum(interruptions)::BIGINT AS interruptions,
    sum(customer_talk_s) FILTER (interruptions IS NOT NULL) / 60 AS customer_minutes
FROM calls
GROUP BY agent, month
