"""The day's service level, from the calls' own waits to the night's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.rulebooks import load
from flows import wiring
from reports import publish
from reports.analysis.service_level import service_levels
from reports.store import Store
from tests.calls import dialogue

WAITS = [(5, None), (12, None), (20, True), (21, True), (90, None), (8, True), (3, None), (2, True)]
LINES = ("客服: 您好，请问有什么可以帮您？", "客户: 我想查一下话费。", "客服: 好的，再见。")


def night_of(out: Path, rulebook_id: str) -> str:
    book = load(rulebook_id)
    Store(out).penalties.keep(book)
    located = []
    for number, (waited_s, vip) in enumerate(WAITS):
        call = dialogue(LINES, book)
        recording = replace(
            call.recording,
            call_id=f"W{number}",
            agent_id="7001",
            started_at=datetime(2026, 11, 16, 2, tzinfo=UTC),
            answer_wait_s=float(waited_s),
            customer_vip=vip,
            rulebook_id=rulebook_id,
        )
        located.append(
            publish.Located(wiring.judge(replace(call, recording=recording), book), None)
        )
    place = (located[0].audited.call.recording.audit_date, "7001")
    publish.publish_calls(Store(out), place, located, run_id="r1")
    publish.publish_pages(Store(out), calls={f"W{n}" for n in range(len(WAITS))}, agents={"7001"})
    return place[0].isoformat()


def test_a_days_share_is_measured_against_the_norm(tmp_path: Path) -> None:
    night = night_of(tmp_path, "customer-service")
    everybody, vips = service_levels(Store(tmp_path), night)
    assert (everybody.vip, everybody.calls, everybody.in_time) == (False, 8, 6)
    assert everybody.met and everybody.wanted == 0.75  # 6 of 8 is just enough
    assert (vips.calls, vips.in_time, vips.met) == (4, 3, False)
    assert vips.share == pytest.approx(0.75)
    page = (tmp_path / "html" / "nights" / f"{night}.html").read_text("utf-8")
    assert "接通服务水平（VIP）" in page
    assert "× 未达标" in page


def test_norms_that_ask_for_each_call_have_no_daily_share(tmp_path: Path) -> None:
    night = night_of(tmp_path, "hotline")
    assert service_levels(Store(tmp_path), night) == ()
    page = (tmp_path / "html" / "nights" / f"{night}.html").read_text("utf-8")
    assert "接通服务水平" not in page
