-- One row a night, hour of the day and kind of customer: calls that came in and whose wait the
-- manifest tells, and the share of them answered within the 20 s of clause 001-10010.
SELECT
    audit_date,
    hour(started_local) AS hour,
    coalesce(customer_vip, false) AS vip,
    count(*) AS calls,
    count(*) FILTER (answer_wait_s <= 20) AS answered_in_time,
    answered_in_time / count(*) AS service_level,
    CASE WHEN vip THEN 0.85 ELSE 0.75 END AS wanted,
    quantile_cont(answer_wait_s, 0.95) AS wait_95_s
FROM calls
WHERE answer_wait_s IS NOT NULL AND direction IS DISTINCT FROM 'out'
    AND coalesce(disposition, '') NOT IN ('no_answer', 'announcement', 'no_speech')
GROUP BY audit_date, hour, vip
