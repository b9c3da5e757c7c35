-- One row a team, month and number of days (1, 3, 7 and 30): of how many calls the same
-- customer called again within those days, and that share with Wilson's 95 % interval. Calls of the
-- last days, of which the tables cannot tell it yet, are left out. For other numbers of days ask
-- `repeat_calls`.
SELECT
    team,
    date_trunc('month', audit_date)::DATE AS month,
    within_days,
    count(*) AS calls,
    count(*) FILTER (days_to_next <= within_days) AS repeated,
    repeated / count(*) AS share,
    wilson_low(repeated, count(*)) AS low,
    wilson_high(repeated, count(*)) AS high
FROM repeat_calls
JOIN (VALUES (1), (3), (7), (30)) AS spans (within_days) ON followed_days >= within_days
GROUP BY team, month, within_days
