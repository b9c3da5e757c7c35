-- One row a team, month and number of days (1, 3, 7 and 30): what `agent_repeats` has for each agent,
-- summed up over the team.
SELECT
    team,
    month,
    within_days,
    sum(calls)::BIGINT AS calls,
    sum(repeated)::BIGINT AS repeated,
    sum(repeated) / sum(calls) AS share,
    wilson_low(sum(repeated), sum(calls)) AS low,
    wilson_high(sum(repeated), sum(calls)) AS high
FROM agent_repeats
GROUP BY team, month, within_days
