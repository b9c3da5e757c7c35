-- One row a call that came in, that somebody was reached in, and whose customer is known: the next
-- call of the same customer that came in after it had ended, and the days from this one to that.
-- `next_call_id` and `days_to_next` are NULL where there is none (yet). `followed_days` tells for
-- how many whole days it is known: up to the newest night of the tables.
WITH came AS (
    SELECT
        *,
        started_at + to_milliseconds((1000 * coalesce(duration_s, 0))::BIGINT) AS ended_at,
        date_diff('day', audit_date, max(audit_date) OVER ()) AS followed_days
    FROM calls
),
named AS (
    SELECT * FROM came WHERE customer_key IS NOT NULL AND direction IS DISTINCT FROM 'out'
)
SELECT
    own.call_id,
    own.audit_date,
    own.agent,
    own.team,
    own.queue,
    own.business_line,
    own.customer_key,
    later.call_id AS next_call_id,
    later.agent AS next_agent,
    date_diff('second', own.started_at, later.started_at) / 86400 AS days_to_next,
    own.followed_days
FROM named AS own
ASOF LEFT JOIN named AS later
    ON own.customer_key = later.customer_key AND own.ended_at < later.started_at
WHERE coalesce(own.disposition, '') NOT IN ('no_answer', 'announcement', 'no_speech')
