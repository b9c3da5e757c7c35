"""The demo's report as a QA team uses it: opened from disk, listened to, reviewed, handed on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from audit.scoring import tally
from audit.transcription import waveform
from audit.types import Verdict
from reports.analysis import figures
from reports.pages import case_file, playback
from reports.pages.html import render
from reports.store import Store, reviews, rows
from reports.store.layout import Layout
from reports.store.schema import CALLS, FINDINGS

AUDIO = "document.getElementById('audio')"


@pytest.fixture
def copy(audited: Any, tmp_path: Path) -> Path:
    """The audit, to be changed; links to recordings are drawn for its new place."""
    out = Path(shutil.copytree(audited.out, tmp_path / "out"))
    render(Store(out))
    return out


@pytest.fixture
def browser(chromium: Any, copy: Path) -> Any:
    chromium.open(Layout(copy).index_page)
    chromium.run("localStorage.clear()")
    for old in chromium.downloads.iterdir():
        old.unlink()
    chromium.complaints()
    return chromium


def test_the_run_kept_a_waveform_of_every_call(audited: Any) -> None:
    calls = pd.read_parquet(audited.out / "parquet" / "calls")
    for call in calls.to_dict("records"):
        kept = Store(audited.out).waveforms.load(call["audio_sha256"])
        assert kept is not None
        assert len(kept) == (2 if call["channels"] == "stereo" else 1)
        assert abs(kept.shape[1] - call["duration_s"] * waveform.PEAKS_PER_S) <= 1
        assert kept.max() > 60


def test_from_the_night_to_the_second_to_an_overridden_score(
    copy: Path, browser: Any, callaudit: Any
) -> None:
    browser.open(Layout(copy).index_page, hash="#calls.verdict=x")
    browser.click("#calls tbody th a")
    browser.until("document.body.classList.contains('call')")
    call_id = browser.run("return callaudit.data.call")
    browser.until(f"{AUDIO}.readyState >= 1 && callaudit.wave && callaudit.wave.getDuration() > 5")
    start = browser.run("return callaudit.data.findings[0][0]")
    browser.type("body", "j")
    browser.until(f"!{AUDIO}.paused && {AUDIO}.currentTime > {start - 0.35}")
    assert browser.run(f"return {AUDIO}.currentTime") < start + 5
    browser.click("#play")

    browser.type("[name=reviewer]", "林静")
    browser.run(
        """document.querySelectorAll('.finding.fail').forEach(finding => {
            if (finding.querySelector('.tag.grave')) {
                finding.querySelector('[data-decision=overrule]').click();
            }
        })"""
    )
    preview = browser.until("document.querySelector('#override:not([hidden]) b').textContent")
    browser.click("[data-export]")
    done = callaudit("review", "import", browser.exported(), "--out", copy)
    assert done.returncode == 0, done.stderr
    assert "1 calls have an overridden score" in done.stdout

    rows = pd.read_parquet(copy / "parquet" / "reviews")
    assert set(rows["call_id"]) == {call_id} and set(rows["decision"]) == {"overrule"}
    assert set(rows["original_score"]) == {0.0}
    assert set(rows["overridden_score"]) == {float(preview)}
    browser.open(Layout(copy).call_page(call_id))
    assert browser.run("return document.querySelector('#override b').textContent") == preview
    assert f"→ {preview}</ins>" in Layout(copy).index_page.read_text("utf-8") + "".join(
        path.read_text("utf-8") for path in (copy / "html" / "nights").glob("*.html")
    )
    assert browser.complaints() == []

    # a run again and a rescore keep what people said
    for book in ("hotline", "network-ops"):
        assert callaudit("rescore", copy, "--rulebook", book, "--write").returncode == 0
        assert pd.read_parquet(copy / "parquet" / "reviews").equals(rows)
    assert "林静" in Layout(copy).call_page(call_id).read_text("utf-8")


def test_the_arithmetic_of_reviews_is_that_of_the_score(audited: Any) -> None:
    """Without any review, the penalties that a run keeps gives every score and grade again."""
    out = audited.out
    for call in figures.call_rows(Store(out)):
        (row,) = (
            r
            for r in figures.partition(Store(out), CALLS, call.audit_date, call.agent)
            if r["call_id"] == call.call_id
        )
        found = figures.partition(Store(out), FINDINGS, call.audit_date, call.agent)
        own = [rows.finding(r) for r in found if r["call_id"] == call.call_id]
        penalties = reviews.penalties_of(Store(out), row)
        assert penalties is not None and (out / "rulebooks" / f"{penalties.sha256}.json").is_file()
        card = tally(
            own,
            weights=penalties.weights,
            grades=penalties.grades,
            auto_fail_grade=penalties.auto_fail_grade,
        )
        assert (card.score, card.grade) == (call.score, call.grade)
        for finding in own:
            if finding.verdict is Verdict.FAIL and finding.rule_id == "forbidden_language":
                fault = penalties.penalty(finding.check_id, finding.clause_id)
                assert fault is not None and fault.points == finding.points


def test_bundled_audio_plays_where_the_recordings_are_gone(
    copy: Path, browser: Any, callaudit: Any
) -> None:
    done = callaudit("report", copy, "--bundle-audio")
    assert done.returncode == 0, done.stderr
    calls = pd.read_parquet(copy / "parquet" / "calls")
    assert {p.stem for p in (copy / "html" / "audio").iterdir()} == set(calls["call_id"])
    page = Layout(copy).call_page("S12").read_text("utf-8")
    assert 'src="./../audio/S12.ogg"' in page
    moved = Path(shutil.move(copy / "html", copy / "elsewhere"))
    browser.open(moved / "calls" / "S12.html")
    browser.until(f"{AUDIO}.readyState >= 1 && {AUDIO}.duration > 10")
    assert Layout(copy).audio_copy("S12").name == "S12.ogg"


def test_a_case_file_of_the_demo_holds_its_sound(copy: Path) -> None:
    text = case_file.write_case(Store(copy), "S04").read_text("utf-8")
    assert "data:audio/ogg;base64," in text
    assert len(text) < 1_500_000
    call = {"call_id": "S04", "source_uri": str(copy / "gone.wav")}
    assert playback.embedded(Store(copy), call) is None
