"""``reports.open``: nothing before it is asked for, and the same answer whichever way one asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import reports
from audit.errors import UsageError
from audit.rates import wilson
from reports.store import Store, parquet, query, schema
from reports.store.layout import Layout

HEAVY = ("pyarrow", "pandas", "numpy", "duckdb", "prefect")


def test_opening_is_light() -> None:
    code = f"import reports, sys; print([m for m in {HEAVY} if m in sys.modules]); reports.open"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_same_rows_whichever_way(month: Path) -> None:
    out = reports.open(str(month))
    frame = out.calls.pandas(columns=["call_id", "score"])
    assert list(frame.columns) == ["call_id", "score"]
    table = out.calls.arrow()
    assert isinstance(table, pa.Table)
    relation = out.sql("SELECT call_id, score FROM calls ORDER BY call_id")
    pd.testing.assert_frame_equal(
        relation.df(), frame.sort_values("call_id", ignore_index=True), check_dtype=False
    )
    assert {t.definition.name for t in (out.calls, out.turns, out.findings, out.agents)} == {
        "calls",
        "turns",
        "findings",
        "agents",
    }
    assert out["reviews"] == out.reviews
    assert out.rejects.arrow().num_rows == 0
    assert out.sql("SELECT count(*) FROM rejects").fetchall() == [(0,)]
    types = dict(zip(out.sql("FROM calls").columns, out.sql("FROM calls").types, strict=True))
    assert types["audit_date"] == "DATE"
    assert types["agent"] == types["agent_id"] == "VARCHAR"


def test_only_some_of_it(month: Path) -> None:
    part = reports.open(month).calls.pandas(nights=("2026-10-02", "2026-10-02"), agents=["2003"])
    assert set(part["audit_date"]) == {"2026-10-02"}
    assert set(part["agent"]) == {"2003"}
    assert reports.open(month).calls.arrow(agents=["nobody"]).num_rows == 0


def test_parameters_are_no_text(month: Path) -> None:
    out = reports.open(month)
    hostile = "2003' OR 1 = 1 --"
    assert out.sql("SELECT count(*) FROM calls WHERE agent = ?", [hostile]).fetchall() == [(0,)]


def test_ready_views_agree_with_pandas(month: Path) -> None:
    out = reports.open(month)
    calls = out.calls.pandas()
    months = out.sql("FROM agent_month").df().set_index(["agent", "month"])
    calls["month"] = pd.to_datetime(calls["audit_date"]).dt.to_period("M").dt.to_timestamp()
    for key, own in calls.groupby(["agent", "month"]):
        row = months.loc[key]
        told = own[own["forbidden_language_verdict"] != "cannot_tell"]
        fails = int((told["forbidden_language_verdict"] == "fail").sum())
        assert (row["calls"], row["scored"]) == (len(own), own["score"].count())
        assert row["mean_score"] == pytest.approx(own["score"].mean())
        assert (row["forbidden_fails"], row["forbidden_told"]) == (fails, len(told))
        interval = (row["forbidden_low"], row["forbidden_high"])
        assert interval == pytest.approx(wilson(fails, len(told)), abs=1e-12)
    trend = out.sql("SELECT sum(told + cannot_tell) FROM rule_trend WHERE rule_id = 'greeting'")
    assert trend.fetchall() == [(len(calls),)]
    level = out.sql("SELECT sum(calls), sum(answered_in_time) FROM service_level").fetchall()
    incoming = calls[calls["direction"] == "in"]
    assert level == [(len(incoming), (incoming["answer_wait_s"] <= 20).sum())]


def test_every_view_says_what_it_answers(month: Path) -> None:
    out = reports.open(month)
    for view in query.VIEWS:
        assert query.view_sql(view).startswith("-- One row")
        assert out.sql(f"FROM {view}").fetchall()


def test_views_on_empty_tables(tmp_path: Path) -> None:
    (tmp_path / "parquet").mkdir()
    out = reports.open(tmp_path)
    for name in (*schema.TABLES, *query.VIEWS):
        assert out.sql(f"FROM {name}").fetchall() == []


def test_hostile_names_of_agents(tmp_path: Path) -> None:
    from datetime import date

    row = {c.name: None for c in schema.AGENTS.columns}
    row |= {"agent": "a'b/%2E", "calls": 1, "auto_fails": 0, "schema_version": "1", "run_id": "r"}
    path = Layout(tmp_path).partition(schema.AGENTS, date(2026, 10, 1), "a'b/%2E")
    Store(tmp_path).write(path, parquet.to_table(schema.AGENTS, [row]))
    out = reports.open(tmp_path)
    assert out.sql("SELECT agent, agent_id FROM agents").fetchall() == [("a'b/%2E", "a'b/%2E")]
    assert out.agents.pandas(agents=["a'b/%2E"])["calls"].tolist() == [1]


def test_what_is_not_there(tmp_path: Path, month: Path) -> None:
    with pytest.raises(UsageError, match="holds no audit"):
        reports.open(tmp_path)
    with pytest.raises(UsageError, match="there is no table 'colours'"):
        reports.open(month)["colours"]
    with pytest.raises(UsageError, match="no column"):
        reports.open(month).calls.arrow(columns=["colour"])


@pytest.mark.parametrize(
    "chosen",
    [
        {"agents": "2001"},
        {"agents": [2001]},
        {"nights": "2026-11-09"},
        {"nights": ("2026-13-01", None)},
    ],
)
def test_what_would_choose_nothing_is_refused(month: Path, chosen: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="must be"):
        reports.open(month).calls.arrow(**chosen)


def test_without_duckdb(month: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UsageError, match=r"callaudit\[analysis\]"):
        reports.open(month).sql("FROM calls")
    assert reports.open(month).calls.arrow().num_rows
