-- One row a night, hour of the day, rulebook, agent group and kind of customer: calls that came
-- in and whose wait the manifest tells, and the share of them answered within the seconds that
-- their own rulebook allows (20 in clause 001-10010). Calls are counted only where the rulebook
-- that judged them, in the wording of that day, asks for a share of the day's calls; it says
-- `within_s` and `wanted`, too. `agent_group` is the team, NULL where the manifest names none. No call is in
-- two rows (VIPs only in their own), so sums over hours, groups or customers count each call once.
SELECT
    audit_date,
    hour(started_local) AS hour,
    coalesce(customer_vip, false) AS vip,
    count(*) AS calls,
    count(*) FILTER (answer_wait_s <= within_s) AS answered_in_time,
    answered_in_time / count(*) AS service_level,
    CASE WHEN customer_vip THEN vip_share ELSE share END AS wanted,
    quantile_cont(answer_wait_s, 0.95) AS wait_95_s,
    rulebook_id,
    coalesce(team, nullif(trim(meta_agent_group), '')) AS agent_group,
    within_s
FROM (
    -- files of before 1.9 have the team there; the second part has no rows, only this column
    FROM calls UNION ALL BY NAME SELECT NULL::VARCHAR AS meta_agent_group WHERE false
)
JOIN asked_services USING (rulebook_id, rulebook_sha256)
WHERE answer_wait_s IS NOT NULL AND direction IS DISTINCT FROM 'out'
    AND coalesce(disposition, '') NOT IN ('no_answer', 'announcement', 'no_speech')
GROUP BY audit_date, hour, vip, wanted, rulebook_id, agent_group, within_s
