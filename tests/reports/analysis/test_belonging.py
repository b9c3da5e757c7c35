"""Teams, queues and lines of business: figures by them, repeat calls, and pages found by them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import reports
from audit.rates import wilson
from reports.analysis import belonging, figures
from reports.pages.html import render
from reports.store import Store, parquet
from reports.store.layout import Layout
from reports.store.schema import CALLS


def columns_of(out: Path, **by_call: Mapping[str, object]) -> Path:
    """Set columns of calls that are stored already."""
    store = Store(out)
    for path in store.layout.partitions(CALLS.name):
        stored = parquet.read_partition(path)
        assert stored is not None
        rows = [row | dict(by_call.get(row["call_id"], {})) for row in stored.to_pylist()]
        store.write(path, parquet.to_table(CALLS, rows))
    render(store)
    return out


def test_figures_of_teams_are_those_of_their_calls(night: Path, desk: SimpleNamespace) -> None:
    calls = [c for c in figures.call_rows(Store(night)) if c.audit_date == "2026-11-13"]
    found = dict(belonging.groups(calls))
    assert [group.summary.label for group in found["team"]] == ["一组", "二组"]
    assert {group.summary.label for group in found["queue"]} == {"宽带", desk.HOSTILE}
    one, two = found["team"]
    assert (one.agents, one.summary.calls, one.summary.mean) == (1, 1, 80.0)
    assert two.summary.auto_fails == 1
    assert belonging.of_agents(calls)["A1"][0] == ("team", ("一组", "二组"))
    assert belonging.of_agents(calls)["A2"] == ()


def test_agents_are_compared_with_their_team(tmp_path: Path, desk: SimpleNamespace) -> None:
    samples = [desk.Sample(f"K{n}", agent=f"A{n}", score=float(50 + 10 * n)) for n in range(4)]
    desk.lay_out(tmp_path, samples)
    columns_of(tmp_path, K0={"team": "甲"}, K1={"team": "甲"}, K2={"team": "乙"})
    calls = {call.agent: call for call in figures.call_rows(Store(tmp_path))}

    def beside(agent: str) -> set[str]:
        others = [call for call in calls.values() if call.agent != agent]
        return {call.agent for call in belonging.teammates([calls[agent]], others)}

    assert beside("A0") == {"A1"}
    assert beside("A2") == {"A0", "A1", "A3"}  # alone in the team
    assert beside("A3") == {"A0", "A1", "A2"}


def test_pages_show_and_escape_what_calls_belong_to(night: Path) -> None:
    page = Layout(night).night_page("2026-11-13").read_text("utf-8")
    assert '<table class="data" id="by-team">' in page
    assert '<option value="宽带" translate="no">' in page
    assert "<script>document.title" not in page


def test_without_teams_pages_do_not_speak_of_them(night: Path) -> None:
    for path in (Layout(night).night_page("2026-11-12"), Layout(night).agent_page("A2")):
        page = path.read_text("utf-8")
        assert 'data-filter="group"' not in page and 'id="groups"' not in page


def test_calls_and_agents_are_found_by_team_queue_and_line(
    night: Path, browser: Any, desk: SimpleNamespace
) -> None:
    layout = Layout(night)

    def found(table: str) -> str:
        return f"[...document.querySelectorAll('#{table} tbody th a')].map(a => a.textContent)"

    def choose(name: str, value: str) -> None:
        browser.run(
            "const s = document.querySelector(`[name='${arguments[0]}']`);"
            "s.value = arguments[1]; s.dispatchEvent(new Event('input', {bubbles: true}))",
            name,
            value,
        )

    browser.open(layout.index_page)
    browser.until(f"{found('calls')}.length === 4")
    choose("calls.team", "一组")
    assert browser.until(f"{found('calls')}.length === 1 && {found('calls')}") == ["C1"]
    url = browser.driver.current_url
    browser.open(layout.index_page, hash=url[url.index("#") :])  # as it is sent to a colleague
    assert browser.until(f"{found('calls')}.length === 1 && {found('calls')}") == ["C1"]
    choose("calls.queue", desk.HOSTILE)
    browser.until(f"{found('calls')}.length === 0")
    choose("calls.team", "")
    assert browser.until(f"{found('calls')}.length === 1 && {found('calls')}") == ["C2"]

    for name, value in (("team", "二组"), ("business_line", "家庭")):
        browser.open(layout.index_page)
        choose(f"agents.{name}", value)
        assert browser.until(f"{found('agents')}.length === 1 && {found('agents')}") == ["A1"]

    browser.open(layout.agent_page("A1"))
    browser.until(f"{found('calls')}.length === 3")
    choose("calls.team", "一组")
    assert browser.until(f"{found('calls')}.length === 1 && {found('calls')}") == ["C1"]

    browser.open(layout.index_page)
    mean = "document.querySelectorAll('#by-team thead button')[3]"
    browser.run(f"{mean}.click()")
    names = "[...document.querySelectorAll('#by-team tbody th')].map(a => a.textContent.trim())"
    assert browser.run(f"return {names}") == ["一组", "二组"]
    browser.run(f"{mean}.click()")
    assert browser.run(f"return {names}") == ["二组", "一组"]
    browser.run("localStorage.setItem('callaudit.language', 'en')")
    browser.open(layout.index_page)
    heading = browser.run("return document.getElementById('groups').textContent")
    assert heading == "Teams, queues and business lines"
    assert browser.driver.title != "owned" and browser.complaints() == []


# the views


CUSTOMERS = ("a" * 32, "b" * 32)


def put(out: Path, *calls: Mapping[str, object]) -> Store:
    """Store calls; ``at`` is when they began, ISO 8601 in UTC."""
    places: dict[tuple[date, str], list[dict[str, object]]] = {}
    for number, given in enumerate(calls):
        columns = dict(given)
        at = datetime.fromisoformat(str(columns.pop("at"))).replace(tzinfo=UTC)
        row: dict[str, object] = {column.name: None for column in CALLS.columns}
        row |= {"call_id": f"K{number}", "agent": "A", "source_file": "k.wav", "channels": "mono"}
        row |= {"started_at": at, "started_local": at.replace(tzinfo=None), "direction": "in"}
        row |= {"rulebook_id": "hotline", "rulebook_sha256": "0", "audit_version": "0"}
        row |= {f"{rule}_verdict": "pass" for rule in ("greeting", "no_interruption")}
        row |= {"forbidden_language_verdict": "pass", "schema_version": "1.9", "run_id": "r"}
        row |= {"auto_fail": False, "rule_scores": [], "doubts": [], "duration_s": 60.0} | columns
        places.setdefault((at.date(), str(row["agent"])), []).append(row)
    store = Store(out)
    for (day, agent), rows in places.items():
        store.write(store.calls.partition(day, agent), parquet.to_table(CALLS, rows))
    return reports.open(out)


def test_the_next_call_of_the_same_customer(tmp_path: Path) -> None:
    one, two = CUSTOMERS
    store = put(
        tmp_path,
        {"at": "2026-11-01T09:00", "customer_key": one},
        {"at": "2026-11-01T09:00:30", "customer_key": one},  # another recording of the first
        {"at": "2026-11-02T09:00", "customer_key": one, "direction": "out"},
        {"at": "2026-11-03T09:00", "customer_key": one, "agent": "B", "disposition": "no_answer"},
        {"at": "2026-11-03T21:00", "customer_key": two, "direction": None},
        {"at": "2026-11-04T09:00", "team": "甲"},
        {"at": "2026-11-04T09:00", "team": "甲"},
    )
    asked = "SELECT call_id, next_call_id, days_to_next, followed_days FROM repeat_calls"
    rows = {row[0]: row[1:] for row in store.sql(asked).fetchall()}
    assert rows == {
        "K0": ("K3", 2.0, 3),
        "K1": ("K3", pytest.approx(2 - 30 / 86400, abs=1e-9), 3),
        "K4": (None, None, 1),
    }


def test_shares_of_repeats_have_their_interval_and_end_where_nothing_is_known(
    tmp_path: Path,
) -> None:
    first = datetime(2026, 11, 1, 9)
    calls: list[dict[str, object]] = []
    for number in range(20):  # a customer a day, of whom every fourth calls again after two days
        at, who = first + timedelta(days=number), f"{number:032x}"
        own = {"customer_key": who, "team": "甲" if number % 2 else "乙", "agent": f"A{number % 4}"}
        calls.append({"at": at.isoformat(), **own})
        if number % 4 == 0:
            again = at + timedelta(days=2, hours=-1)
            calls.append({"at": again.isoformat(), **own, "agent": "Z", "team": None})
    store = put(tmp_path, *calls)
    rows = store.sql("FROM agent_repeats WHERE within_days = 3 AND agent = 'A0'").df()
    (row,) = rows.to_dict("records")
    assert (row["calls"], row["repeated"], row["share"]) == (5, 5, 1.0)
    of_team = store.sql("SELECT * FROM team_repeats WHERE within_days = 3").df().set_index("team")
    assert tuple(of_team.loc["乙"][["calls", "repeated"]]) == (9, 5)
    assert tuple(of_team.loc["乙"][["low", "high"]]) == pytest.approx(wilson(5, 9))
    assert tuple(of_team.loc["甲"][["calls", "repeated", "low"]]) == (8, 0, 0)
    spans = store.sql("SELECT DISTINCT within_days FROM team_repeats ORDER BY 1").fetchall()
    assert spans == [(1,), (3,), (7,)]  # nothing is known of thirty days


def test_a_teams_month_is_that_of_its_agents(month: Path) -> None:
    store = reports.open(month)
    calls = store.calls.pandas()
    rows = store.sql("FROM team_month").df().set_index(["team", "month"])
    calls["month"] = (
        calls["audit_date"].astype("datetime64[ns]").dt.to_period("M").dt.to_timestamp()
    )
    for key, own in calls.groupby(["team", "month"]):
        row = rows.loc[key]
        told = own[own["greeting_verdict"] != "cannot_tell"]
        fails = int((told["greeting_verdict"] == "fail").sum())
        assert (row["calls"], row["agents"]) == (len(own), own["agent"].nunique())
        assert row["mean_score"] == pytest.approx(own["score"].mean())
        assert row["greeting_fail_rate"] == pytest.approx(fails / len(told))
        assert (row["greeting_low"], row["greeting_high"]) == pytest.approx(
            wilson(fails, len(told))
        )
        spoken = own["agent_talk_s"].sum(), own["customer_talk_s"].sum()
        assert row["talk_ratio"] == pytest.approx(spoken[0] / sum(spoken))
        cut = own[own["interruptions"].notna() & (own["customer_talk_s"] > 0)]
        rate = cut["interruptions"].sum() / cut["customer_talk_s"].sum() * 60
        assert row["interruption_rate"] == pytest.approx(rate)
    assert rows["calls"].sum() == len(calls)
