"""The day's service level, from the calls' own waits to the night's page and the view."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from audit.rulebooks import Rulebook, load
from audit.rulebooks.rulebook import rulebook_type
from flows import wiring
from reports import publish
from reports.analysis.service_level import service_levels
from reports.store import Store, compaction
from tests.calls import dialogue

WAITS = [(5, None), (12, None), (20, True), (21, True), (90, None), (8, True), (3, None), (2, True)]
LINES = ("客服: 您好，请问有什么可以帮您？", "客户: 我想查一下话费。", "客服: 好的，再见。")
NIGHT = "2026-11-16"


def publish_night(
    out: Path,
    book: Rulebook,
    *,
    agent: str = "7001",
    night: str = NIGHT,
    metas: Sequence[Mapping[str, str]] = ({},) * len(WAITS),
    team: str | None = None,
) -> str:
    """Publish the calls of ``WAITS``, each with its own columns; the night's page as text."""
    Store(out).penalties.keep(book)
    located = []
    for number, ((waited_s, vip), meta) in enumerate(zip(WAITS, metas, strict=True)):
        call = dialogue(LINES, book)
        recording = replace(
            call.recording,
            call_id=f"{agent}-{night}-{number}",
            agent_id=agent,
            started_at=datetime.fromisoformat(night).replace(hour=2, tzinfo=UTC),
            answer_wait_s=float(waited_s),
            customer_vip=vip,
            rulebook_id=book.id,
            meta=dict(meta),
            team=team,
        )
        located.append(
            publish.Located(wiring.judge(replace(call, recording=recording), book), None)
        )
    publish.publish_calls(Store(out), (date.fromisoformat(night), agent), located, run_id="r1")
    ids = {one.audited.call.recording.call_id for one in located}
    publish.publish_pages(Store(out), calls=ids, agents={agent})
    return (out / "html" / "nights" / f"{night}.html").read_text("utf-8")


def in_groups(column: str, groups: str) -> list[dict[str, str]]:
    """The manifest's column for each of the calls; a dot stands for an empty cell."""
    return [{column: "" if group == "." else group} for group in groups]


def asking_within(seconds: int) -> Rulebook:
    """The norm of customer service, edited: answered sooner or later than in 20 s."""
    edited = load("customer-service").model_dump()
    edited["rules"]["answer_wait"] |= {"max_rings": 1, "ring_s": seconds}
    return rulebook_type().model_validate(edited | {"sha256": f"{seconds:064}"})


def lines_of(page: str) -> list[str]:
    """What the page says of service levels, as it reads."""
    found = re.findall(r'<p class="service">(.*?)</p>', page, re.S)
    return [" ".join(re.sub(r"<[^>]*>", "", line).split()) for line in found]


# the page


def test_a_days_share_is_measured_against_the_norm(tmp_path: Path) -> None:
    page = publish_night(tmp_path, load("customer-service"))
    everybody, vips = service_levels(Store(tmp_path), NIGHT)
    assert (everybody.vip, everybody.calls, everybody.in_time) == (False, 8, 6)
    assert everybody.met and everybody.wanted == 0.75  # 6 of 8 is just enough
    assert (vips.calls, vips.in_time, vips.met) == (4, 3, False)
    assert vips.share == pytest.approx(0.75)
    assert everybody.group is vips.group is None
    assert "接通服务水平（VIP）" in page
    assert "× 未达标" in page
    assert "客服组" not in page


def test_norms_that_ask_for_each_call_have_no_daily_share(tmp_path: Path) -> None:
    page = publish_night(tmp_path, load("hotline"))
    assert service_levels(Store(tmp_path), NIGHT) == ()
    assert "接通服务水平" not in page


@pytest.mark.parametrize("column", ["meta_agent_group", "meta_Agent_Group"])
def test_groups_follow_the_whole_day(tmp_path: Path, column: str) -> None:
    page = publish_night(
        tmp_path, load("customer-service"), metas=in_groups(column, "东东东西西西.东")
    )
    levels = service_levels(Store(tmp_path), NIGHT)
    assert [(one.group, one.vip, one.calls, one.in_time) for one in levels] == [
        (None, False, 8, 6),
        (None, True, 4, 3),
        ("东", False, 4, 4),
        ("东", True, 2, 2),
        ("西", False, 3, 1),
        ("西", True, 2, 1),
    ]
    shown = lines_of(page)
    assert len(shown) == len(levels)
    assert shown[0].startswith("接通服务水平 customer-service 75")
    assert shown[2].startswith("接通服务水平 · 客服组 东 customer-service 100")
    assert shown[5].startswith("接通服务水平（VIP） · 客服组 西 customer-service 50")


def test_teams_are_groups(tmp_path: Path) -> None:
    publish_night(tmp_path, load("customer-service"), team="东")
    publish_night(
        tmp_path,
        load("customer-service"),
        agent="7002",
        metas=in_groups("meta_agent_group", "东西西西西西西西"),  # as before 1.9
    )
    levels = {(one.group, one.vip): one.calls for one in service_levels(Store(tmp_path), NIGHT)}
    assert levels[None, False] == 16
    assert (levels["东", False], levels["西", False]) == (9, 7)
    asked = "SELECT agent_group, sum(calls) FROM service_level GROUP BY 1 ORDER BY 1"
    assert Store(tmp_path).sql(asked).fetchall() == [("东", 9), ("西", 7)]


def test_a_groups_name_is_text(tmp_path: Path) -> None:
    metas = [{"meta_agent_group": "<script>alert(1)</script>"}] * len(WAITS)
    page = publish_night(tmp_path, load("customer-service"), metas=metas)
    assert "<script>alert(1)" not in page
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>" in page


# the view


def test_the_view_counts_only_calls_whose_rulebook_asks(tmp_path: Path) -> None:
    publish_night(tmp_path, load("customer-service"))
    publish_night(tmp_path, load("hotline"), agent="7002")
    rows = Store(tmp_path).sql(
        "SELECT rulebook_id, agent_group, vip, calls, answered_in_time, service_level, wanted "
        "FROM service_level ORDER BY vip"
    )
    assert rows.fetchall() == [
        ("customer-service", None, False, 4, 3, 0.75, 0.75),
        ("customer-service", None, True, 4, 3, 0.75, 0.85),
    ]


def test_the_view_measures_by_the_rulebook_that_judged(tmp_path: Path) -> None:
    publish_night(tmp_path, load("customer-service"))
    publish_night(tmp_path, asking_within(10), agent="7002")
    levels = "SELECT within_s, sum(answered_in_time), sum(calls) FROM service_level GROUP BY ALL"
    assert sorted(Store(tmp_path).sql(levels).fetchall()) == [(10.0, 4, 8), (20.0, 6, 8)]
    shown = [(one.within_s, one.in_time) for one in service_levels(Store(tmp_path), NIGHT)]
    assert {(10.0, 4), (20.0, 6)} <= set(shown)


def test_the_view_knows_a_shipped_rulebook_of_which_nothing_was_kept(tmp_path: Path) -> None:
    publish_night(tmp_path, load("customer-service"))
    for kept in (tmp_path / "rulebooks").iterdir():
        kept.unlink()
    assert Store(tmp_path).sql("SELECT sum(calls) FROM service_level").fetchall() == [(8,)]


@pytest.mark.parametrize("column", ["meta_agent_group", "meta_Agent_Group"])
@pytest.mark.parametrize("merged", [False, True])
def test_the_view_has_groups_and_each_call_once(tmp_path: Path, column: str, merged: bool) -> None:
    book = load("customer-service")
    publish_night(tmp_path, book, night="2026-11-15")  # before there were groups
    publish_night(tmp_path, book, metas=in_groups(column, "东东东西西西.东"))
    if merged:
        list(compaction.compact(Store(tmp_path), keep_nights=0))
    store = Store(tmp_path)
    groups = "SELECT agent_group, sum(calls), sum(answered_in_time) FROM service_level GROUP BY 1"
    assert dict((g, (n, k)) for g, n, k in store.sql(groups).fetchall()) == {
        None: (9, 7),
        "东": (4, 4),
        "西": (3, 1),
    }
    assert store.sql("SELECT count(*) FROM calls").fetchall() == [(16,)]
