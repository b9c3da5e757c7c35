"""Replay: what another rulebook changes, shown before it is kept, and kept wholly or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from audit import config
from audit.errors import CallauditError
from flows.cli import formatters
from flows.cli.main import main
from flows.commands import audit_transcripts as stored
from flows.commands import rescore as rescoring
from reports import publish
from reports.store import Store, compaction

SAID = (
    ("agent", "您好，远山软件服务热线，工号二零零一，请问有什么可以帮您"),
    ("customer", "打印机从早上开始连不上网络了"),
    ("agent", "好的，我帮您看一下"),
    ("agent", "这个小毛病您自己先查查说明书"),
    ("customer", "行吧"),
    ("agent", "感谢您的来电，再见"),
)
OWN = """\
extends: hotline
id: own
rules:
  forbidden_language:
    groups:
      - {clause: own-1, severity: major, points: 30, phrases: [小毛病您自己先查查说明书]}
"""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve calls of three agents in two nights, judged by ``hotline``."""
    place = tmp_path_factory.mktemp("judged")
    lines = []
    for n in range(12):
        said = [*SAID[:3], *(SAID[3:4] if n % 3 == 0 else ()), *SAID[4:]]
        turns: list[dict[str, Any]] = [
            {"role": role, "text": text, "start_s": 4.0 * i + 0.5, "end_s": 4.0 * i + 4.0}
            for i, (role, text) in enumerate(said)
        ]
        call = {"call_id": f"C{n:02d}", "agent_id": str(2001 + n % 3), "turns": turns}
        lines.append({**call, "started_at": f"2026-11-{16 + n % 2}T10:00:00+08:00"})
    file = place / "calls.jsonl"
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    stored.audit_transcripts(file, place / "out", config=config.Config())
    return place / "out"


@pytest.fixture
def out(judged: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(judged, tmp_path / "out"))


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A rulebook that forbids what every third call says."""
    path = tmp_path / "own.yaml"
    path.write_text(OWN, "utf-8")
    return str(path)


def digests(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_nothing_changed_is_bit_identical(out: Path) -> None:
    before = digests(out)
    shown = rescoring.rescore(out, rulebook_id="hotline", write=False)
    assert (shown.calls, shown.flips, shown.agents) == (12, [], [])
    assert not shown.gained
    assert not shown.lost
    assert not shown.reweighted
    assert digests(out) == before
    assert rescoring.rescore(out, rulebook_id="hotline", write=True).written
    assert digests(out) == before


@pytest.mark.parametrize("code", ["the same", "another"])
def test_every_row_comes_out_the_same(out: Path, code: str) -> None:
    """Not only are equal files left alone: the rows that are judged again are equal.

    Stages are kept as stored where the same code told them, else they are told again.
    """
    prepared: list[tuple[Path, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        if code == "another":
            patch.setattr("flows.commands.rescore.code_sha256", lambda: "another")
        patch.setattr(
            "reports.store.parquet.same", lambda old, new: bool(prepared.append((old, new)))
        )
        rescoring.rescore(out, rulebook_id="hotline", write=True)
    assert len(prepared) == 4 * len(list((out / "parquet" / "calls").rglob("*.parquet")))
    for old, new in prepared:
        names = [name for name in new.schema.names if name != "run_id"]
        assert old.select(names).equals(new.select(names))


def test_stages_are_told_again_where_cues_are_others(out: Path, tmp_path: Path) -> None:
    """The stored stages, made wrong here, are kept under the same cues only."""
    for path in (out / "parquet" / "turns").rglob("*.parquet"):
        rows = pq.read_table(path, partitioning=None)
        wrong = pa.array(["handling"] * len(rows), rows.schema.field("segment").type)
        at = rows.schema.get_field_index("segment")
        pq.write_table(rows.set_column(at, rows.schema.field("segment"), wrong), path)
    book = tmp_path / "cues.yaml"
    book.write_text("extends: hotline\nid: cues\nstages: {greeting: [远山软件]}\n", "utf-8")
    kept = rescoring.rescore(out, rulebook_id="hotline", write=False)
    assert kept.verdict_flips["greeting", "pass", "cannot_tell"] == 12
    told = rescoring.rescore(out, rulebook_id=str(book), write=False)
    assert not told.verdict_flips


def test_what_is_gained_is_shown_with_its_words(out: Path, own: str) -> None:
    before = digests(out)
    difference = rescoring.rescore(out, rulebook_id=own, write=False)
    assert digests(out) == before
    assert sorted(flip.call_id for flip in difference.flips) == ["C00", "C03", "C06", "C09"]
    assert difference.gained["forbidden_language", "fail"] == 4
    assert difference.lost["forbidden_language", "pass"] == 4
    assert difference.verdict_flips == {("forbidden_language", "pass", "fail"): 4}
    (example, *_) = difference.examples["gained", "forbidden_language"]
    assert example["evidence"] == SAID[3][1]
    assert (example["call_id"], example["start_s"]) == ("C00", 12.5)
    (agent,) = difference.agents
    assert agent.agent == "2001"
    was, now = agent.mean
    assert was is not None
    assert now is not None
    assert was > now
    text = "\n".join(formatters.difference(difference))
    assert "4 of 12 calls change, 1 agents; nothing written" in text
    assert "+ C00 12.5 s own-1: 这个小毛病您自己先查查说明书" in text
    assert "forbidden_language: 4 calls from pass to fail" in text


def test_a_finding_that_only_weighs_otherwise_is_neither_gained_nor_lost(
    out: Path, own: str
) -> None:
    rescoring.rescore(out, rulebook_id=own, write=True)
    milder = Path(own).with_name("milder.yaml")
    milder.write_text(OWN.replace("own-1", "own-2").replace("points: 30", "points: 5"), "utf-8")
    difference = rescoring.rescore(out, rulebook_id=str(milder), write=False)
    assert difference.reweighted == {"forbidden_language": 4}
    assert not difference.gained
    assert not difference.lost
    assert len(difference.flips) == 4  # their scores rise
    assert not difference.verdict_flips


def test_written_and_back_again(out: Path, own: str) -> None:
    before = {name: Store(out)[name].pandas() for name in ("calls", "findings", "agents")}
    assert rescoring.rescore(out, rulebook_id=own, write=True).written
    calls = Store(out)["calls"].pandas().set_index("call_id")
    assert set(calls["rulebook_id"]) == {"own"}
    assert calls.loc["C03", "forbidden_language_verdict"] == "fail"
    assert "own-1" in (out / "html" / "calls" / "C03.html").read_text("utf-8")
    difference = rescoring.rescore(out, rulebook_id="hotline", write=True)
    assert difference.lost["forbidden_language", "fail"] == 4
    for name, frame in before.items():
        after = Store(out)[name].pandas()
        kept = [column for column in frame.columns if column != "run_id"]
        pd.testing.assert_frame_equal(after[kept], frame[kept])


def test_the_page(out: Path, own: str, tmp_path: Path) -> None:
    page = out / "html" / "rescore.html"
    done = CliRunner().invoke(main, ["rescore", str(out), "--rulebook", own, "--html", str(page)])
    assert done.exit_code == 0, done.output
    html = page.read_text("utf-8")
    assert "12 通通话中有 4 通结果改变" in html
    assert 'href="calls/C00.html#t=12.5"' in html
    assert (out / "html" / "calls" / "C00.html").is_file()
    assert SAID[3][1] in html
    elsewhere = tmp_path / "pages" / "x.html"
    CliRunner().invoke(main, ["rescore", str(out), "--rulebook", own, "--html", str(elsewhere)])
    assert 'href="../out/html/calls/C00.html' in elsewhere.read_text("utf-8")


def test_words_from_outside_are_never_executed(tmp_path: Path) -> None:
    said = "<script>alert(1)</script>小毛病您自己先查查说明书"
    turns = [{"role": "agent", "text": said}, {"role": "customer", "text": "喂"}]
    call = {"call_id": "<b>", "agent_id": "<i>", "started_at": "2026-11-16T10:00:00+08:00"}
    file = tmp_path / "calls.jsonl"
    file.write_text(json.dumps({**call, "turns": turns}), "utf-8")
    stored.audit_transcripts(file, tmp_path / "out", config=config.Config())
    book = tmp_path / "own.yaml"
    book.write_text(OWN, "utf-8")
    difference = rescoring.rescore(tmp_path / "out", rulebook_id=str(book), write=False)
    assert difference.examples["gained", "forbidden_language"]
    page = tmp_path / "out" / "html" / "rescore.html"
    rescoring.write_page(difference, page, out=tmp_path / "out")
    html = page.read_text("utf-8")
    assert "<script>alert" not in html
    assert "<bdi><b></bdi>" not in html
    assert "<bdi>&lt;b&gt;</bdi>" in html
    assert "&lt;script&gt;" in html


def test_a_failure_on_the_way_changes_nothing(
    out: Path, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(out)
    real, seen = publish.prepared, []

    def failing(*arguments: Any, **named: Any) -> Any:
        seen.append(1)
        if len(seen) > 2:
            raise OSError("no space left on device")
        return real(*arguments, **named)

    monkeypatch.setattr("reports.publish.prepared", failing)
    with pytest.raises(OSError, match="no space"):
        rescoring.rescore(out, rulebook_id=own, write=True)
    assert digests(out) == before


def test_a_run_in_between_is_not_lost(
    out: Path, own: str, monkeypatch: pytest.MonkeyPatch, judged: Path
) -> None:
    real = rescoring._compared

    def overtaken(*arguments: Any) -> Any:
        difference = real(*arguments)
        for path in (out / "parquet" / "calls").rglob("*.parquet"):
            path.write_bytes(path.read_bytes())
        return difference

    monkeypatch.setattr("flows.commands.rescore._compared", overtaken)
    with pytest.raises(CallauditError, match="run the command again"):
        rescoring.rescore(out, rulebook_id=own, write=True)
    assert set(Store(out)["calls"].arrow()["rulebook_id"].to_pylist()) == {"hotline"}
    assert not list((out / "parquet").glob(".staged-*"))


def test_merged_nights_are_judged_again(out: Path, own: str) -> None:
    list(compaction.compact(Store(out), keep_nights=0))
    difference = rescoring.rescore(out, rulebook_id=own, write=True)
    assert len(difference.flips) == 4
    calls = Store(out)["calls"].pandas()
    assert set(calls["rulebook_id"]) == {"own"}
    assert len(calls) == 12
