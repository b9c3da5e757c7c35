"""Calls in which nobody was reached: counted, shown apart, and in no figure."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.rulebooks import load
from audit.types import Direction
from flows import wiring
from reports import publish
from reports.analysis import figures
from reports.analysis.service_level import service_levels
from reports.store import Store
from tests.calls import dialogue

TALKED = (
    "[1.0-6.0] 客服: 您好，青禾软件服务热线，工号零三一七，请问有什么可以帮您？",
    "[6.5-9.5] 客户: 我的邮箱登录不了了。",
    "[10.0-14.0] 客服: 好的，已经帮您重置了，感谢您的来电，再见。",
)
PLAYED = ("[1.0-21.0] 客户: 您拨打的用户正在通话中，请稍后再拨。", "[22.0-23.0] 客服: 又没人接。")
DATE = datetime(2026, 11, 16, 2, tzinfo=UTC)
CALLS = {
    "talked": (TALKED, Direction.IN, 5.0),
    "engaged": (PLAYED, Direction.OUT, None),
    "given-up": (PLAYED[:1], Direction.IN, 300.0),
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out, book = tmp_path_factory.mktemp("night"), load("customer-service")
    Store(out).penalties.keep(book)
    located = []
    for call_id, (lines, direction, waited_s) in CALLS.items():
        call = dialogue(lines, book)
        recording = replace(
            call.recording,
            call_id=call_id,
            agent_id="0317",
            started_at=DATE,
            direction=direction,
            answer_wait_s=waited_s,
        )
        audited = wiring.judge(replace(call, recording=recording), book)
        located.append(publish.Located(audited, None))
    publish.publish_calls(Store(out), (DATE.date(), "0317"), located, run_id="r1")
    publish.publish_pages(Store(out), calls=set(CALLS), agents={"0317"})
    return out


def test_they_are_counted_and_enter_no_figure(out: Path) -> None:
    rows = {row["call_id"]: row for row in Store(out).calls.rows()}
    assert {k: row["disposition"] for k, row in rows.items()} == {
        "talked": "conversation",
        "engaged": "announcement",
        "given-up": "announcement",
    }
    assert rows["engaged"]["score"] is rows["given-up"]["score"] is None
    talked = rows["talked"]
    (agent,) = Store(out).agents.rows()
    assert (agent["calls"], agent["not_connected"]) == (3, 2)
    assert agent["mean_score"] == talked["score"]
    assert agent["talk_ratio"] == talked["talk_ratio"]
    assert agent["mean_handling_s"] == talked["handling_s"]
    (summary,) = [figures.summary("", figures.call_rows(Store(out)))]
    assert (summary.calls, summary.scored, summary.not_connected) == (3, 1, 2)
    assert {(share.decided, share.undecided) for share in summary.shares.values()} <= {
        (1, 0),
        (0, 1),
    }
    assert [level.calls for level in service_levels(Store(out), "2026-11-16")] == [1]


def test_they_are_a_group_of_their_own(out: Path) -> None:
    page = (out / "html" / "nights" / "2026-11-16.html").read_text("utf-8")
    (apart,) = [part for part in page.split("<section") if 'id="not-connected"' in part]
    listed = page.split('id="calls"')[1].split("</table>")[0]
    for call_id in ("engaged", "given-up"):
        assert f"calls/{call_id}.html" in apart
        assert f"calls/{call_id}.html" not in listed
    assert "calls/talked.html" in listed and "calls/talked.html" not in apart
    assert re.search(r"提示音或语音留言(</span>)? <b>2</b>", apart)
    agents = (out / "html" / "agents" / "0317.html").read_text("utf-8")
    assert "未接通 2" in agents and "calls/engaged.html" in agents
    call = (out / "html" / "calls" / "engaged.html").read_text("utf-8")
    assert "没有真正通话，不评分" in call
