-- One row a night and hour of the day: calls that came in and whose wait the manifest tells, and
-- the share of them answered within 15 s.
SELECT
    audit_date,
    hour(started_local) AS hour,
    count(*) AS calls,
    count(*) FILTER (answer_wait_s <= 15) AS answered_in_time,
    answered_in_time / count(*) AS service_level,
    quantile_cont(answer_wait_s, 0.95) AS wait_95_s
FROM calls
WHERE answer_wait_s IS NOT NULL AND direction IS DISTINCT FROM 'out'
GROUP BY audit_date, hour
