"""An agent's figures: one set of them, in the table and on the page."""

from __future__ import annotations

import math
from itertools import groupby
from pathlib import Path
from statistics import mean, stdev

import pytest
from scipy import stats

from reports.analysis import figures
from reports.pages import views
from reports.store import Store


def test_the_page_of_an_agent_says_what_the_table_says(month: Path) -> None:
    store = Store(month)
    rows = {(row["audit_date"], row["agent"]): row for row in store.agents.rows()}
    calls = sorted(figures.call_rows(store), key=lambda call: (call.agent, call.audit_date))
    seen = 0
    for (agent, night), group in groupby(calls, lambda call: (call.agent, call.audit_date)):
        page, row = views.agent_page(store, list(group), others=[]), rows[night, agent]
        own = page.summary
        assert (own.calls, own.not_connected) == (row["calls"], row["not_connected"])
        assert (own.mean, own.auto_fails) == (row["mean_score"], row["auto_fails"])
        assert (own.interval or (None, None)) == (row["score_ci_low"], row["score_ci_high"])
        assert own.share("greeting").rate == row["greeting_fail_rate"]
        assert own.share("forbidden_language").rate == row["forbidden_rate"]
        assert page.interruptions_per_min == row["interruption_rate"]
        assert page.talk_ratio == row["talk_ratio"]
        assert page.agent_name == row["agent_name"]
        seen += 1
    assert seen == len(rows)


def test_the_figures_are_what_they_are_called(month: Path) -> None:
    calls = figures.call_rows(Store(month))
    own = figures.summary("", calls)
    scores = [call.score for call in calls if call.connected and call.score is not None]
    half = stats.t.ppf(0.975, len(scores) - 1) * stdev(scores) / math.sqrt(len(scores))
    assert own.mean == pytest.approx(mean(scores), abs=0.005)
    assert own.interval == pytest.approx((mean(scores) - half, mean(scores) + half), abs=0.006)
    agent_s = sum(call.agent_talk_s or 0 for call in calls)
    both_s = agent_s + sum(call.customer_talk_s or 0 for call in calls)
    assert own.talk_ratio == pytest.approx(agent_s / both_s, abs=5e-5)


def test_of_no_calls() -> None:
    own = figures.summary("", [])
    assert (own.calls, own.mean, own.interval, own.talk_ratio) == (0, None, None, None)
    assert own.interruptions_per_min is None and own.shares == {}
